//go:build linux

package peers

import (
	"errors"
	"strings"
	"testing"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// newcomer makes a host on which the programs are installed and nothing else is done,
// with somebody at its terminal.
func newcomer(t *testing.T, peers ...string) *typist {
	t.Helper()
	m := newMachine(t, append(peers, "openssl openssl", "/usr/sbin/saslpasswd2 sasl2-bin", "pydoc3 python3")...)
	m.in(func() error {
		return errors.Join(lab.LayPair(users), lab.BindProgram(home+"/bin/saslpasswd2", "/usr/sbin/saslpasswd2"))
	})
	m.write("/tmp/cyrus-imapd-2.2.3/master/conf/normal.conf", source(t, normalConf), "root")
	m.write("/usr/cyrus/.profile", "PATH=/usr/cyrus/bin:"+home+"/bin:$PATH\n", "cyrus")
	m.run("root", "", "sh", "-c", "echo 'cyrus:*:12000:0:99999:7:::' >>/etc/shadow")
	return m.sitDown()
}

// install makes the store and starts the server. What differs from what was written
// down in 2004: LayPair has made the two directories, as places to mount on; files there
// are in memory, where chattr +S means nothing; the sources are elsewhere; and master's
// words go to a file, not between what is typed. deliver is installed setuid.
func (s *typist) install() {
	s.t.Helper()
	s.types(`cat > /etc/imapd.conf << "EOF"
configdirectory: /var/imap
partition-default: /var/spool/imap
admins: cyrus
sasl_pwcheck_method: saslauthd
allowanonymouslogin: no
tls_ca_file: /var/imap/server.pem
tls_cert_file: /var/imap/server.pem
tls_key_file: /var/imap/server.pem
EOF`, root)
	s.types("chown cyrus.mail /var/imap /var/spool/imap", root) // it warns of the dot
	s.quietly("chmod 750 /var/spool/imap", "chmod 750 /var/imap")
	s.types("su - cyrus", "$ ")
	wants(s.t, "mkimap", s.types("tools/mkimap", user), "configuring /var/imap...\n", "creating /var/spool/imap...\n")
	s.types("exit", root)
	s.types(`cat >> /etc/services << "EOF"
   pop3      110/tcp
   nntp      119/tcp
   imap      143/tcp
   imsp      406/tcp
   nntps     563/tcp
   acap      674/tcp
   imaps     993/tcp
   pop3s     995/tcp
   kpop      1109/tcp
   sieve     2000/tcp
   lmtp      2003/tcp
   fud       4201/udp
EOF`, root)
	s.password("/usr/sbin/saslpasswd2 cyrus", "secret")
	s.types("chown cyrus.mail /etc/sasldb2", root)
	s.quietly("cd /tmp/cyrus-imapd-2.2.3", "cp master/conf/normal.conf /etc/cyrus.conf")
	s.certificate("localhost")
	s.serveMail()
}

// certificate makes the server's certificate, for a name.
func (s *typist) certificate(name string) {
	s.t.Helper()
	s.asked(`openssl req -new -x509 -nodes -out /var/imap/server.pem -keyout \
   /var/imap/server.pem -days 365 &&
chown cyrus.mail /var/imap/server.pem`,
		[2]string{"[AU]:", "NL"}, [2]string{"[Some-State]:", ""}, [2]string{"(eg, city) []:", ""}, [2]string{"Pty Ltd]:", ""},
		[2]string{"(eg, section) []:", ""}, [2]string{"YOUR name) []:", name}, [2]string{"Email Address []:", ""})
}

// serveMail starts master and waits until it serves.
func (s *typist) serveMail() {
	s.t.Helper()
	s.quietly("/usr/cyrus/bin/master >/var/log/master 2>&1 &")
	for _, port := range []string{"143", "993", "110", "995"} {
		s.awaitPort("127.0.0.1:" + port)
	}
}

// stop stops master.
func (s *typist) stop() {
	s.t.Helper()
	s.types("kill $(cat /var/run/cyrus-master.pid); wait", root)
}

// password has a program set a password.
func (s *typist) password(command, password string) {
	s.t.Helper()
	said := s.asked(command, [2]string{"Password: ", password}, [2]string{"Again (for verification): ", password})
	// What is typed at once may still be seen.
	_, after, _ := strings.Cut(said, "(for verification): ")
	if strings.NewReplacer(password, "", "\n", "").Replace(after) != "# " {
		s.t.Errorf("%s: %q", command, said)
	}
}

// logins logs in as cyrus by each mechanism.
func (s *typist) logins() {
	s.t.Helper()
	s.types("su - cyrus", "$ ")
	for _, row := range [][2]string{
		{"imtest -m login -p imap localhost", "0"}, {"imtest -m OTP -p imap localhost", "0"}, {"imtest -m DIGEST-MD5 -p imap localhost", "0"},
		{"imtest -m CRAM-MD5 -p imap localhost", "0"}, {`imtest -t "" localhost`, "128"},
	} {
		said := s.types(row[0], "Please enter your password: ")
		said += s.types("secret", "Security strength factor: "+row[1]+"\n")
		wants(s.t, row[0], said+s.types(". logout", user), "\nAuthenticated.\n", "* BYE ", "\n. OK ")
	}
	s.types("exit", root)
}

// cyradm becomes cyrus to administer mailboxes, by commands and what they say, and then
// leaves it by another.
func (s *typist) cyradm(leave string, rows ...[2]string) {
	s.t.Helper()
	const prompt = site.Me + "> "
	s.types("su - cyrus", "$ ")
	s.types("cyradm --auth login localhost", "Password: ")
	s.types("secret", prompt)
	for _, row := range rows {
		if said := s.types(row[0], prompt); said != row[0]+"\n"+row[1]+prompt {
			s.t.Errorf("cyradm: %q", said)
		}
	}
	s.types(leave, user)
	s.types("exit", root)
}

// mailbox gives all that IMAP tells of the mail of john.
func (s *typist) mailbox() string {
	s.t.Helper()
	s.write("/tmp/all.py", `import imaplib
john = imaplib.IMAP4("127.0.0.1")
john.login("john", "secret")
for name in "INBOX", "INBOX.SPAM":
    print(john.status(name, "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"))
    john.select(name, readonly=True)
    for part in john.fetch("1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")[1]:
        print(part)
`, "root")
	return s.run("dirk", "", "timeout", "300", "python3", "/tmp/all.py")
}

// procmailrc is a user's, as written down in 2004 but for most of its comments. Neither of
// the filters is there; procmail then goes on with the message as it was.
const procmailrc = `USER="<user>"                          # here you define the username
PATH=/usr/bin:/bin:/usr/cyrus/bin:/usr/anomy/bin
SHELL=/bin/bash
#VERBOSE=1
#LOGABSTRACT=all
LOGFILE="/var/log/procmail.log"
SANE="deliver -a $USER -m user.$USER"
SPAM="$SANE.SPAM"
ANOMY=/usr/anomy

:0f
| sed 1d

:0fw
| sanitizer.pl /usr/anomy/anomy.conf

:0fw
* < 256000
| spamassassin

:0
* ^X-Spam-Status: Yes
| $SPAM

:0
* !^To:
| $SPAM

:0
* !^From:
| $SPAM

:0
* !^Subject:
| $SPAM

:0
* ^Subject.*(\|<\pornography\>)
| $SPAM

:0 B
* ^.*(\|<\pornography\>)
| $SPAM

:0
* ^FROM_advertising
| $SPAM

:0
* ^From:.*(advertising|sales|offers|promotion|reply|request|theuseful)
| $SPAM

:0
* ^Subject:.*\[ADV\]
| $SPAM

:0
* ^Subject:\ ADV
| $SPAM

:0
| $SANE

:0w
{
EXITCODE=$?
HOST
}
`

// help is what cyradm was seen to say in 2004, but for the width of its columns.
var help = []string{
	"authenticate, auth, login ", "chdir, cd ", "createmailbox, create, cm ", "deleteaclmailbox, deleteacl, dam ", "deletemailbox, delete, dm ",
	"disconnect, disc ", "exit, quit ", "help, ? ", "info ", "listaclmailbox, listacl, lam ", "listmailbox, lm ", "listquota, lq ",
	"listquotaroot, lqr, lqm ", "reconstruct ", "renamemailbox, rename, renm ", "server, servername, connect ", "setaclmailbox, setacl, sam ",
	"setinfo ", "setquota, sq ", "version, ver ",
	" authenticate to server\n", " change current directory\n", " create mailbox\n", " remove ACLs from mailbox\n", " delete mailbox\n",
	" disconnect from current server\n", " exit cyradm\n", " show commands\n", " display mailbox/server metadata\n", " list ACLs on mailbox\n",
	" list mailboxes\n", " list quotas on specified root\n", " show quota roots and quotas for mailbox\n", " reconstruct mailbox (if supported",
	" rename (and optionally relocate) mailbox\n", " show current server or connect to server\n", " set ACLs on mailbox\n",
	" set server metadata\n", " set quota on mailbox or resource\n", " display version info of current server\n",
}

// A site is set up, used and moved to another host by the commands that its
// administrator wrote down in 2004 for Cyrus 2.2.3.
func TestWhatAnAdministratorTypedIn2004(t *testing.T) {
	t.Parallel()
	s := newcomer(t, "procmail procmail")
	s.install()

	// Logins. telnet is not installed; a login without TLS is one all the same.
	s.quietly("echo allowplaintext yes >>/etc/imapd.conf")
	s.stop()
	s.serveMail()
	s.logins()

	// Mailboxes.
	s.cyradm("quit", [2]string{"cm user.john"}, [2]string{"cm user.john.SPAM"})
	s.password("saslpasswd2 john", "secret")
	s.cyradm("quit", [2]string{"setaclmailbox user.john cyrus c"}, [2]string{"deletemailbox user.john"}, [2]string{"lm"})
	wants(t, "help", s.run("cyrus", "help\n", "cyradm"), help...)

	// The skeletons of a domain and of a user, and john from it, who has an account already.
	s.quietly("mkdir /etc/skel.domain", "cd /etc/skel.domain", home+"/bin/maildirmake Maildir")
	s.quietly("touch /var/log/procmail.log", "chmod 666 /var/log/procmail.log", "mkdir /etc/skel.user", "cd /etc/skel.user", "echo '| preline /usr/bin/procmail' > .qmail")
	s.types("cat > .procmailrc << \"EOF\"\n"+procmailrc+"EOF", root)
	s.quietly("chmod 600 .procmailrc", "chmod 600 .qmail", "cp .procmailrc .qmail /home/john", "chown -R john:mailuser /home/john")
	s.cyradm("quit", [2]string{"cm user.john"}, [2]string{"cm user.john.SPAM"})
	s.password("saslpasswd2 john", "secret")
	s.quietly("sed -i 's/<user>/john/' /home/john/.procmailrc")

	// Mail comes in.
	s.start()
	for _, head := range []string{"Subject: one\nTo: john\n", "Subject: two\nTo: john\n", "Subject: three\nTo: john\n", "To: john\nX: none\n", "Subject: big [ADV]\nTo: john\n"} {
		s.run("olaf", head+"From: olaf@"+site.Me+"\n\n"+awkward, "sendmail", "-f", "olaf@"+site.Me, "john@linuxfromsource.org")
	}
	s.awaitEmpty()
	for _, text := range []string{"Subject: one", "Subject: two", "Subject: three"} {
		s.awaitInbox("john", text)
	}
	for _, text := range []string{"X: none", "Subject: big"} {
		s.awaitInbox("john/SPAM", text)
	}
	wants(t, "procmail's log", s.read("/var/log/procmail.log"), `"sanitizer.pl"`, "Rescue of unfiltered data succeeded")
	s.write("/tmp/use.py", `import imaplib
john = imaplib.IMAP4("127.0.0.1")
john.login("john", "secret")
john.select("INBOX")
john.store("2", "+FLAGS", r"(\Flagged \Answered work)")
john.store("1", "+FLAGS", r"(\Deleted)")
print(john.expunge())
`, "root")
	wants(t, "imaplib", s.run("dirk", "", "timeout", "300", "python3", "/tmp/use.py"), "[b'1']")
	before := s.mailbox()
	wants(t, "the mail", before, "MESSAGES 2 ", "(UID 2 ", "(UID 3 ", "Flagged", "work", "X: none")

	// All of it moves.
	s.quietly("cd /var/spool/imap")
	wants(t, "tar", s.types("tar cvpf user-backup.tar user/", root), "user/john/2.\n", "user/john/SPAM/1.\n")
	s.quietly("mv user-backup.tar /tmp")
	s.types("su - cyrus", "$ ")
	s.types("ctl_mboxlist -d > /tmp/mailboxes.txt", user)
	s.types("exit", root)
	s.quietly("cd /tmp")
	s.types("tar uvpf user-backup.tar mailboxes.txt", root)
	s.quietly("rm mailboxes.txt", "gzip -9 user-backup.tar")

	n := newcomer(t)
	n.install()
	n.quietly("echo allowplaintext yes >>/etc/imapd.conf")
	n.stop()
	n.write("/root/user-backup.tar.gz", s.read("/tmp/user-backup.tar.gz"), "root")
	n.quietly("cd /root", "mv user-backup.tar.gz /tmp", "cd /var/spool/imap")
	wants(t, "tar", n.types("tar zxvpf /tmp/user-backup.tar.gz", root), "user/john/2.\n", "mailboxes.txt\n")
	n.quietly("mv mailboxes.txt /tmp")
	n.types("su - cyrus", "$ ")
	for _, command := range []string{"ctl_mboxlist -u -f /var/imap/mailboxes.db < /tmp/mailboxes.txt", "ctl_cyrusdb -r"} {
		if said := n.types(command, user); said != command+user {
			t.Errorf("%q", said)
		}
	}
	wants(t, "reconstruct", n.types("reconstruct", user), "\nuser.john\n", "\nuser.john.SPAM\n")
	n.types("exit", root)
	n.serveMail() // not written down, but cyradm needs it
	n.cyradm("exit", [2]string{"lm", "user.john (\\HasChildren)         user.john.SPAM (\\HasNoChildren)  \n"})
	n.password("saslpasswd2 john", "secret")
	if after := n.mailbox(); after != before {
		t.Errorf("the mail is\n%s\nand was\n%s", after, before)
	}
}

// Users fetch their mail to other hosts with the files for fetchmail that were written
// down with the rest. Only what fetchmail wants nowadays is new: the certificate is known
// there, and has the name that is asked for.
func TestFetchmailAsWrittenDownIn2004(t *testing.T) {
	t.Parallel()
	s := newcomer(t, "procmail procmail", "fetchmail fetchmail")
	s.install()
	s.run("cyrus", "secret\n", "cyradm", "--auth", "login", "-e", "cm user.john", "localhost")
	s.stop()
	s.quietly("echo '127.0.0.1 linuxfromsource.org mail.linuxfromsource.org' >>/etc/hosts")
	s.start()
	s.smtpd(nil)
	for _, row := range []struct{ name, password, config string }{
		{"linuxfromsource.org", "xxxx", `poll "linuxfromsource.org"
protocol imap
no envelope
no dns
username "john"
password "xxxx"
mda "/usr/bin/procmail -d john"
`},
		{"mail.linuxfromsource.org", "secret", `poll mail.linuxfromsource.org port 993 
protocol IMAP:
user john
password secret
ssl
`},
	} {
		s.certificate(row.name)
		s.serveMail()
		s.password("saslpasswd2 john", row.password)
		s.run("john", "Subject: to fetch from "+row.name+"\n\n"+awkward, cyrus+"/deliver", "john")
		s.run("root", "", "openssl", "x509", "-in", "/var/imap/server.pem", "-out", "/tmp/known.pem")
		s.write("/home/john/.procmailrc", "DEFAULT=$HOME/Maildir/\n", "john")
		s.write("/home/john/.fetchmailrc", row.config, "john")
		s.run("john", "", "chmod", "600", ".fetchmailrc", ".procmailrc")
		wants(t, "fetchmail", s.run("john", "", "env", "SSL_CERT_FILE=/tmp/known.pem", "fetchmail", "-v"), "1 message for john at "+row.name)
		got := s.awaitMail("john", "Subject: to fetch from "+row.name)
		if !strings.HasSuffix(got, "\n\n"+awkward) {
			t.Errorf("fetched %q", got)
		}
		s.stop()
	}
}
