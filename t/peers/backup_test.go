//go:build linux

package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goqmail/t/site"
)

// moveTo copies a file to another host.
func (m *machine) moveTo(other *machine, path string) {
	m.t.Helper()
	other.write(path, m.read(path), "root")
}

// newEmptyStore makes a host with a mail store in which nobody has mail or a password.
func newEmptyStore(t *testing.T, peers ...string) *machine {
	t.Helper()
	m := newMailStore(t, peers...)
	m.run("root", "", "rm", "/etc/sasldb2")
	return m
}

// mailOf gives all that IMAP tells of a user's mailboxes.
func (m *machine) mailOf(user string) string {
	m.t.Helper()
	m.write("/tmp/all.py", `import imaplib, sys
box = imaplib.IMAP4("127.0.0.1")
box.login(sys.argv[1], "secret")
print(sorted(box.list()[1]), sorted(box.lsub()[1]), box.getquotaroot("INBOX"), box.getacl("INBOX"))
for name in "INBOX", "INBOX.SPAM":
    print(box.status(name, "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"))
    box.select(name, readonly=True)
    for part in box.fetch("1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")[1]:
        print(part)
`, "root")
	return m.run("dirk", "", "timeout", "300", "python3", "/tmp/all.py", user)
}

func TestABackupIsRestoredOnAnotherHost(t *testing.T) {
	t.Parallel()
	m := newMailStore(t, "pydoc3 python3")
	m.master()
	m.run("cyrus", "", "cyradm", "--user", "cyrus", "--password", "secret", "-e", "cm user.john", "-e", "cm user.john.SPAM", "-e", "sq user.john 5000", "-e", "cm user.susie", "-e", "cm user.susie.SPAM", "-e", "sam user.susie john lrs", "localhost")
	for i, box := range []string{"john", "john", "john", "john.SPAM", "susie"} {
		m.run("cyrus", fmt.Sprintf("Message-ID: <%d@x>\nSubject: %d\n\n%s", i, i, awkward), cyrus+"/deliver", "-a", strings.TrimSuffix(box, ".SPAM"), "-m", "user."+box, "-r", "olaf@client.example")
	}
	m.write("/tmp/use.py", `import imaplib
john = imaplib.IMAP4("127.0.0.1")
john.login("john", "secret")
print(john.subscribe("INBOX.SPAM"))
print(john.select("INBOX"))
print(john.store("2", "+FLAGS", r"(\Flagged \Answered work)"))
print(john.store("1", "+FLAGS", r"(\Deleted)"))
print(john.expunge())
`, "root")
	wants(t, "imaplib", m.run("dirk", "", "timeout", "300", "python3", "/tmp/use.py"), "[b'1']")
	m.write(home+"/users/assign", "=virginia:virginia:3001:3000:/home/source/virginia:::\n.\n", "root")
	m.control("virtualdomains", "only.example:source\n")
	m.write(home+"/alias/.qmail-sales", "susie\n", "alias")

	// The queue has one message, which is not to be delivered yet.
	m.start()
	m.write("/home/dirk/.qmail", "|exit 111\n", "dirk")
	m.send("olaf", "waits", "dirk@"+site.Me)
	m.awaitLog("qmail", " deferral: ")
	if out, err := m.try("root", "", "backup", "-q", "/tmp/full.tar.gz"); err == nil || !strings.Contains(out, "qmail-send is running") {
		t.Errorf("backup -q says %q", out)
	}
	m.run("root", "", "backup", "/tmp/live.tar.gz") // while all runs
	m.run("root", "", "pkill", "-TERM", "-x", "qmail-send")
	m.await("qmail-send to end", func() bool { return len(m.Pids("qmail-send")) == 0 })
	before, susies := m.mailOf("john"), m.mailOf("susie")
	wants(t, "the mail", before, "(UID 2 ", "Flagged", "work", "STORAGE 3 5000", "MESSAGES 2 ")
	m.run("root", "", "sh", "-ec", "kill $(cat /var/run/cyrus-master.pid); while test -e /var/run/cyrus-master.pid; do sleep 0.1; done; cd /tmp; mkdir 'a b' a; backup -q 'a b/x'; mv 'a b/x' full.tar.gz; rmdir 'a b' a")
	wants(t, "the archive", m.run("root", "", "sh", "-c", "stat -c %a /tmp/full.tar.gz; tar -tzf /tmp/full.tar.gz; ls /tmp"), "600\n", "./user/john/2.\n", "\nmailboxes.txt\n", ".goqmail/control/me\n", ".goqmail/queue/info/")

	for _, archive := range []string{"/tmp/full.tar.gz", "/tmp/live.tar.gz"} {
		t.Run(archive, func(t *testing.T) {
			n := newEmptyStore(t)
			n.control("locals", "of-this-host.example\n")
			m.moveTo(n, archive)
			n.master()
			if out, err := n.try("root", "", "restore", archive); err == nil || !strings.Contains(out, "the IMAP server is running") {
				t.Errorf("restore says %q", out)
			}
			n.run("root", "", "sh", "-ec", "kill $(cat /var/run/cyrus-master.pid); while test -e /var/run/cyrus-master.pid; do sleep 0.1; done; rm /var/log/master")
			wants(t, "restore", n.run("root", "", "restore", archive), "restored 4 mailboxes", "restored "+home+"/control/virtualdomains", "restored /etc/sasldb2")
			wants(t, "what was restored", n.read(home+"/control/virtualdomains")+n.read(home+"/alias/.qmail-sales")+n.read(home+"/users/assign")+n.read(home+"/control/locals.old"),
				"only.example:source\nsusie\n=virginia:", "of-this-host.example\n")
			n.master()
			if after := n.mailOf("john"); after != before {
				t.Errorf("the mail is\n%s\nand was\n%s", after, before)
			}
			if after := n.mailOf("susie"); after != susies {
				t.Errorf("the mail is\n%s\nand was\n%s", after, susies)
			}
			n.start()
			if strings.Contains(archive, "full") {
				n.run("root", "", "pkill", "-ALRM", "-x", "qmail-send")
				n.awaitMail("dirk", "Subject: waits")
				n.awaitEmpty()
			}
			n.send("olaf", "to sales", "sales@"+site.Me)
			n.awaitMail("susie", "Subject: to sales")
			n.run("root", "", "sh", "-ec", "kill $(cat /var/run/cyrus-master.pid); while test -e /var/run/cyrus-master.pid; do sleep 0.1; done")
			if out, err := n.try("root", "", "restore", archive); err == nil || !strings.Contains(out, "there is mail in /var/spool/imap") && !strings.Contains(out, "qmail-send is running") {
				t.Errorf("a second restore says %q", out)
			}
		})
	}
}

// What an administrator of Cyrus 2.2 has packed by hand comes up, and clients poll it.
func TestAnArchiveOfCyrus22IsRestored(t *testing.T) {
	t.Parallel()
	m := newEmptyStore(t, "fetchmail fetchmail", "mbsync isync")
	m.write("/tmp/old/mailboxes.txt", "user.john\tdefault\tjohn\tlrswipcda\t\nuser.john.SPAM\tdefault\tjohn\tlrswipcda\tanyone\tp\t\n", "root")
	for file, text := range map[string]string{"1.": "one", "2.": "two", "7.": "seven", "SPAM/3.": "spam"} {
		m.write("/tmp/old/user/john/"+file, "From: olaf@client.example\r\nSubject: "+text+"\r\n\r\nbody\r\n", "cyrus")
	}
	m.run("root", "", "sh", "-ec", "cd /tmp/old; tar cpf ../user-backup.tar user/; tar upf ../user-backup.tar mailboxes.txt; gzip -9 ../user-backup.tar")
	wants(t, "restore", m.run("root", "", "restore", "/tmp/user-backup.tar.gz"), "restored 2 mailboxes")
	m.run("root", "secret\n", "saslpasswd2", "-p", "-c", "john")
	m.run("root", "", "chown", "cyrus:mail", "/etc/sasldb2")
	m.master()
	m.write("/home/dirk/.fetchmailrc", "set no syslog\npoll 127.0.0.1 proto imap\n\tuser john password secret is dirk here sslproto '' keep\n\tfolder INBOX, INBOX.SPAM\n\tmda \"cat >>/tmp/fetched\"\n", "dirk")
	m.in(func() error { return os.Chmod("/home/dirk/.fetchmailrc", 0o600) })
	out, err := m.try("dirk", "", "timeout", "300", "fetchmail", "-a", "-v", "-N", "--nodetach")
	if err != nil {
		t.Errorf("fetchmail: %v %s", err, out)
	}
	wants(t, "fetchmail", m.read("/tmp/fetched"), "Subject: one\n", "Subject: two\n", "Subject: seven\n", "Subject: spam\n")

	m.run("root", "", "sh", "-ec", "openssl x509 -in /var/imap/server.pem >/etc/server.pem")
	m.write("/home/john/.mbsyncrc", mbsyncrc, "john")
	m.run("john", "", "sh", "-ec", "mkdir Mail; timeout 300 mbsync -a")
	for dir, want := range map[string]int{"INBOX": 3, "SPAM": 1} {
		var names []string
		m.Do(func() { names, _ = filepath.Glob("/home/john/Mail/" + dir + "/[nc][eu][wr]/*") })
		if len(names) != want {
			t.Errorf("mbsync has in %s %v", dir, names)
		}
	}
}
