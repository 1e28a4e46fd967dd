//go:build linux

package peers

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// opt is where the hint has qmail.
const opt = "/opt/qmail"

// bare is a machine on which an administrator has just unpacked goqmail in /usr/src, and
// built it for a home. It logs by /etc/syslog.conf.
func bare(t *testing.T, home string, peers ...string) *typist {
	t.Helper()
	lab.Need(t)
	sources, err := lab.SharedDir()
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("make", "-s", "bin", "QMAIL="+home, "BIN="+sources+"/bin")
	build.Dir = lab.Root()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	for _, name := range []string{"Makefile", "README.md"} {
		if err := os.WriteFile(sources+"/"+name, []byte(source(t, name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"scripts", "cmd", "lib", "control.example", "alias.example", "skel.example", "imap.example", "anomy.example"} {
		part, err := fs.Sub(lab.Tree(), dir)
		if err := errors.Join(err, os.CopyFS(sources+"/"+dir, part)); err != nil {
			t.Fatal(err)
		}
	}

	h, err := lab.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	m := &machine{Host: h, t: t}
	m.Do(func() { err = lab.LayPeersAt("/usr") })
	if err != nil {
		t.Skipf("peers need overlay file systems, which are refused here: %v", err)
	}
	m.in(func() error {
		const src = "/usr/src/goqmail"
		return errors.Join(
			lab.LayPeersEtc(),
			os.MkdirAll(src, 0o755), lab.Bind(sources, src),
			lab.Tmpfs("/var", "755"), lab.Tmpfs("/opt", "755"), lab.Tmpfs("/home", "755"), lab.Tmpfs("/root", "700"), lab.Tmpfs("/run", "755"), lab.Tmpfs("/tmp", "1777"),
			os.Mkdir("/tmp/dev", 0o755), lab.Dev("/tmp/dev"), lab.Up(),
			os.NewSyscallError("sethostname", unix.Sethostname([]byte(site.Me))),
		)
	})
	for _, peer := range append(peers, "make make", "syslogd inetutils-syslogd", "killall psmisc", "useradd passwd", "openssl openssl") {
		program, pkg, _ := strings.Cut(peer, " ")
		var lacks string
		m.Do(func() { lacks = lab.Lacks(program, pkg) })
		if lacks != "" {
			t.Skip(lacks)
		}
	}
	m.run("root", bootScripts, "sh", "-e")
	t.Cleanup(func() {
		if t.Failed() {
			for _, log := range []string{"sys.log", "mail.log", "procmail.log"} {
				t.Logf("%s:\n%s", log, m.read("/var/log/"+log))
			}
		}
	})
	return m.sitDown()
}

// bootScripts makes what there is in /etc and /var when Linux From Scratch was just installed,
// as far as that matters.
const bootScripts = `
cd /etc
rm -rf passwd group shadow gshadow hosts resolv.conf nsswitch.conf init.d rc.d services /usr/sbin/sendmail /usr/lib/sendmail
cat >passwd <<EOF
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/sh
EOF
cat >group <<EOF
root:x:0:
daemon:x:1:
mailusers:x:500:
tty:x:5:
nogroup:x:65534:
EOF
pwconv
grpconv
echo '127.0.0.1 localhost' >hosts
echo 'nameserver 127.0.0.1' >resolv.conf
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n' >nsswitch.conf
printf 'ssh\t22/tcp\nsmtp\t25/tcp\ndomain\t53/tcp\ndomain\t53/udp\nhttp\t80/tcp\n' >services
mkdir -p /var/log /var/spool /var/lib /var/tmp /var/cache /var/backups /var/mail /etc/sysconfig
chmod 1777 /var/tmp /var/mail
ln -s ../run /var/run

mkdir -p rc.d/init.d
ln -s rc.d/init.d init.d
for level in 0 1 2 3 4 5 6; do mkdir rc.d/rc$level.d; done
printf 'rc_base=/etc/rc.d\nrc_functions=/etc/rc.d/init.d/functions\n' >sysconfig/rc
cat >rc.d/init.d/functions <<'EOF'
evaluate_retval() { if [ $? = 0 ]; then echo "  OK  "; else echo " FAIL "; fi; }
loadproc() { "$@"; evaluate_retval; }
killproc() { killall -TERM "${1##*/}"; evaluate_retval; }
reloadproc() { killall -HUP "${1##*/}"; evaluate_retval; }
EOF
cat >rc.d/init.d/sysklogd <<'EOF'
#!/bin/sh
. /etc/sysconfig/rc
. $rc_functions
case "$1" in
start) loadproc syslogd --no-klog ;;
stop) killproc syslogd ;;
reload) reloadproc syslogd ;;
restart)
	$0 stop
	while pidof syslogd >/dev/null; do sleep 0.1; done
	$0 start
	;;
esac
EOF
chmod 755 rc.d/init.d/sysklogd
ln -s ../init.d/sysklogd rc.d/rc3.d/S10sysklogd
ln -s ../init.d/sysklogd rc.d/rc6.d/K90sysklogd
cat >syslog.conf <<'EOF'
auth,authpriv.* -/var/log/auth.log
*.*;auth,authpriv,mail.none -/var/log/sys.log
mail.* -/var/log/mail.log
EOF
/etc/init.d/sysklogd start
`

// What was set up by hand in 2004, section by section, with the programs of others that
// were named then, or those that have their place now. What is typed differently, and why,
// is said where it is typed. Sections 1 to 3, 9 to 11 and 14 get and compile what comes with
// packages now.
func TestAllThatWasSetUpIn2004(t *testing.T) {
	t.Parallel()
	s := bare(t, opt, "netstat net-tools", "bash bash",
		"procmail procmail", "spamassassin spamassassin", "clamd clamav-daemon", "clamdscan clamdscan", "freshclam clamav-freshclam", "s-nail s-nail", "crontab cron", "pydoc3 python3")
	far := s.meets()
	s.scanner()
	s.qmail()
	s.tools()
	s.imapServer()
	s.people()
	s.startAll()
	s.mailComes(far)
	s.watch()
	s = s.startAgain(far)
	s.moves()
}

// zone is what the world knows.
const zone = `
adsl32.net.xs4all.nl A 192.0.2.1
1.2.0.192.in-addr.arpa PTR adsl32.net.xs4all.nl
linuxfromsource.org MX 10 adsl32.net.xs4all.nl
linuxfrombinary.org MX 10 adsl32.net.xs4all.nl
example.com MX 10 adsl32.net.xs4all.nl
example.net MX 10 adsl32.net.xs4all.nl
intern.net A 192.0.2.1
otherinterndomain.org MX 10 adsl32.net.xs4all.nl
far.example A 192.0.2.2
2.2.0.192.in-addr.arpa PTR far.example
down.example A 192.0.2.3
`

// world is another host, far.example, with a mail system, and what it knows of names.
type world struct {
	*machine
	names *lab.Names
	here  *lab.Names // what this host knows
}

// meets makes the other host.
func (s *typist) meets() *world {
	s.t.Helper()
	far := &world{machine: newMachine(s.t)}
	for _, name := range []string{"me", "defaultdomain", "plusdomain", "smtpgreeting"} {
		far.control(name, "far.example\n")
	}
	for _, name := range []string{"locals", "rcpthosts"} {
		far.control(name, "far.example\ndown.example\n")
	}
	far.run("root", "", "rm", home+"/control/virtualdomains")
	s.connect(far, zone)
	far.start()
	far.serve("qmaild", "192.0.2.2:25", nil, "qmail-smtpd")
	return far
}

// connect joins this host, on which nothing listens yet, with the other, and both know the names.
func (s *typist) connect(far *world, zone string) {
	s.t.Helper()
	node := func(m *machine, addr string) lab.Node {
		return lab.Node{Host: m.Host, Addrs: []netip.Addr{netip.MustParseAddr(addr)}}
	}
	switch err := lab.Connect(node(s.machine, "192.0.2.1"), node(far.machine, "192.0.2.2")); {
	case errors.Is(err, unix.EOPNOTSUPP):
		s.t.Skipf("hosts cannot be joined here: %v", err)
	case err != nil:
		s.t.Fatal(err)
	}
	serve := func(m *machine) (names *lab.Names) {
		m.in(func() (err error) {
			names, err = lab.ServeNames(netip.MustParseAddr("127.0.0.1"), zone)
			return err
		})
		s.t.Cleanup(names.Close)
		return names
	}
	far.here = serve(s.machine)
	if far.names == nil {
		far.names = serve(far.machine)
	} else if err := far.names.Set(zone); err != nil {
		s.t.Fatal(err)
	}
}

// scanner is section 4, with clamd and qmail-scan in place of Avmailgate: it stands in front
// of the queue, not of a port. The init script starts what listens on port 25, as that did,
// and its user is clamav, not daemon, because it alone may read what freshclam fetches.
func (s *typist) scanner() {
	s.t.Helper()
	s.quietly("useradd -r clamav", "mkdir /usr/lib/AntiVir", "chown clamav:clamav /usr/lib/AntiVir")
	s.file("/etc/clamav/clamd.conf", `DatabaseDirectory /usr/lib/AntiVir
LocalSocket /var/run/clamav/clamd.ctl
FixStaleSocket yes
User clamav
LogSyslog yes
LogFacility LOG_MAIL`)
	s.file("/etc/rc.d/init.d/avgate", `#!/bin/sh
. /etc/sysconfig/rc
. $rc_functions
case "$1" in
start)
	mkdir -p /var/run/clamav
	chown clamav:clamav /var/run/clamav
	loadproc clamd
	/opt/qmail/boot/smtpd 2>&1 </dev/null | /opt/qmail/bin/splogger smtpd >/dev/null 2>&1 &
	;;
stop)
	killproc qmail-listen
	killproc clamd
	;;
esac`)
	s.quietly("chmod 700 /etc/init.d/avgate")
	s.links("avgate", 40, 60)
}

// qmail is section 5. Groups are written with a colon, comments are not written into
// control files, and the group of mail users is mailusers everywhere.
func (s *typist) qmail() {
	s.t.Helper()
	s.quietly("mkdir /opt/qmail &&\nmkdir /opt/qmail/alias &&\ncd /usr/src/goqmail")
	s.types(`cat >> /etc/group << EOF
nofiles:x:100:
qmail:x:110:
EOF`, root)
	s.types(`cat >> /etc/passwd << EOF
alias:x:1000:100::/opt/qmail/alias:
qmaild:x:1001:100::/opt/qmail:
qmaill:x:1002:100::/opt/qmail:
qmailp:x:1003:100::/opt/qmail:
qmailq:x:1004:110::/opt/qmail:
qmailr:x:1005:110::/opt/qmail:
qmails:x:1006:110::/opt/qmail:
EOF`, root)
	s.quietly("pwconv && grpconv", "pwck && grpck") // pwck asks about each that has no shadow
	// The programs are built: that takes Go and its cache, outside.
	said := s.types("make -o bin QMAIL=/opt/qmail setup check", root)
	lacks(s.t, "make", said, "adding", "warning", "fatal", "Error")

	s.file("/etc/rc.d/init.d/qmail", initOf2004) // the EOF is quoted here
	s.quietly("chmod 700 /etc/rc.d/init.d/qmail")
	s.links("qmail", 30, 70)
	s.quietly("cd /usr/sbin &&\nln -s /opt/qmail/bin/sendmail")
	s.types(`cat << EOF > /opt/qmail/rc
#!/bin/sh

# Using splogger to send the log through syslog.
# Using qmail-local to deliver messages to Maildir by default.

exec env - PATH="/opt/qmail/bin:$PATH" \
   qmail-start ./Maildir/ splogger qmail &
EOF`, root)
	s.quietly("chmod 700 /opt/qmail/rc", "cd /opt/qmail/control")
	s.file("me", site.Me)
	s.file("virtualdomains", "linuxfromsource.org:source\nlinuxfrombinary.org:binary")
	s.file("locals", "localhost\n"+site.Me+"\nintern.net")
	s.file("defaultdomain", "net.xs4all.nl")
	s.file("smtpgreeting", "Hi and welcome to this SMTP server")
	s.file("rcpthosts", "linuxfrombinary.org\nlinuxfromsource.org\notherinterndomain.org\ninternhost1\ninternhost2")
	s.quietly("chmod 644 *")
	// What Avmailgate's ForwardTo was.
	s.quietly(`echo ':allow,QMAILQUEUE="bin/qmail-scan"' >smtp`, "../bin/tcprules smtp.cdb smtp.tmp <smtp")

	s.quietly("cd /opt/qmail/alias", "echo john > .qmail-mailer-daemon", "echo john > .qmail-postmaster", "echo john > .qmail-root")
	for _, user := range []string{"john", "susie", "dirk", "olaf", "jennifer", "pamela"} {
		s.quietly("echo " + user + " > .qmail-" + user)
	}

	// The accounts, of which the text speaks later. John's is made there.
	s.quietly("for user in source binary susie dirk olaf jennifer pamela\ndo useradd -g mailusers -m $user\ndone")
	for _, d := range site.Domains() {
		s.quietly("cd /home/"+d.Owner, "/opt/qmail/bin/maildirmake Maildir",
			"echo '&john'       > .qmail-default", "echo '&john'       > .qmail-postmaster", "echo '&john'       > .qmail-webmaster", "echo '&john'       > .qmail-root")
		for _, p := range d.People {
			s.quietly("echo '&" + p.Name + "'       > .qmail-" + p.Name)
		}
		s.quietly("chown -R "+d.Owner+":mailusers .", "chmod 640 .qmail-*")
	}
	for _, user := range []string{"susie", "dirk", "olaf", "jennifer", "pamela"} {
		s.quietly("cd /home/"+user, "echo '| preline /usr/bin/procmail' > .qmail", "chown -R "+user+":mailusers /home/"+user)
	}
}

// tools are sections 6 to 8, 12 and 13.
func (s *typist) tools() {
	s.t.Helper()
	// 6. nail has become s-nail.
	s.quietly("cd /usr/bin &&\nln -s /usr/bin/s-nail nail && ln -s /usr/bin/nail mail")

	// 7. There is no fcron in Debian, and cron reads tables of the same form.
	s.types(`cat >> /etc/syslog.conf << "EOF"
# Begin fcron addition to /etc/syslog.conf

cron.* -/var/log/cron.log

# End fcron addition
EOF`, root)
	s.types("/etc/rc.d/init.d/sysklogd reload", root)
	s.quietly("groupadd -r crontab; mkdir -p /etc/cron.d /var/spool/cron/crontabs", "cp /opt/qmail/boot/cron /etc/cron.d/goqmail")
	// crontab checks tables of one user, which do not name him.
	wants(s.t, "crontab", s.types(`awk -F '\t' 'NF == 3 { print $1 "\t" $3; next } { print }' /etc/cron.d/goqmail >/tmp/table; crontab -n /tmp/table`, root), "The syntax of the crontab file was successfully checked.")

	// The job that fetches signatures, of a file in place of the vendor's host.
	s.file("/tmp/antivir.ndb", "Eicar-Test-Signature:0:*:"+hex.EncodeToString([]byte(eicar)))
	s.file("/etc/clamav/freshclam.conf", `DatabaseDirectory /usr/lib/AntiVir
DatabaseOwner clamav
DatabaseMirror localhost
DatabaseCustomURL file:///tmp/antivir.ndb
DNSDatabaseInfo no
ExcludeDatabase main
ExcludeDatabase daily
ExcludeDatabase bytecode`)
	s.jobs("clamav")

	// 8.
	wants(s.t, "procmail", s.types("procmail -v", root), "procmail v3.2")

	// 12. It asks nobody on the network.
	s.types(`cat >> /etc/mail/spamassassin/local.cf << EOF
whitelist_from user@domain.com
dns_available no
use_razor2 0
use_pyzor 0
EOF`, root)
	s.quietly("cd /usr/share/doc/spamassassin/examples")
	s.types("spamassassin -t < sample-spam.txt > /tmp/spam.out", root)
	wants(s.t, "spam.out", s.read("/tmp/spam.out"), "\nX-Spam-Status: Yes,")

	// 13. clamdscan in place of F-Prot.
	s.quietly("ln -fs /usr/bin/clamdscan /usr/bin/f-prot")
}

// jobs has a user do what the table of section 7 says, at once.
func (s *typist) jobs(user string) {
	s.t.Helper()
	done := false
	for line := range strings.Lines(s.read("/etc/cron.d/goqmail")) {
		if part := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(part) == 3 && part[1] == user {
			s.quietly("su -s /bin/sh " + user + ` -c "` + strings.NewReplacer(`\%`, "%", "$", `\$`).Replace(part[2]) + `"`)
			done = true
		}
	}
	if !done {
		s.t.Errorf("there is no job for %s", user)
	}
}

const initOf2004 = `#!/bin/bash
# Begin $rc_base/init.d/qmail

# Based on sysklogd script from LFS-3.1 and earlier.
# Rewritten by Gerard Beekmans  - gerard@linuxfromscratch.org

source /etc/sysconfig/rc
source $rc_functions

test -x /opt/qmail/rc || exit 0

case "$1" in
 start)
  echo -n "Starting Qmail...  "
  sh -cf '/opt/qmail/rc &'
  evaluate_retval
 ;;
 
 stop)
  echo -n "Stopping Qmail... "
  killall -9 qmail-send
  evaluate_retval
 ;;
 
 restart)
  echo -n "Restarting Qmail... "
  killall -HUP qmail-lspawn
  killall -ALRM qmail-lspawn
  evaluate_retval
 ;;
 
 *)
  echo "Usage: $0 {start|stop|restart}"
  exit 1
  
esac

exit 0

# End /etc/rc.d/init.d/qmail
`

// imapServer is sections 15 and 16, with what TestWhatAnAdministratorTypedIn2004 types of it:
// the sanitizer comes with the server.
func (s *typist) imapServer() {
	s.t.Helper()
	s.quietly("echo mail:x:90:daemon >> /etc/group")
	s.quietly("echo cyrus:x:90:90:Imap-Server:/usr/cyrus:/bin/sh >> /etc/passwd") // not bash, whose prompt has colours
	s.quietly("pwconv && grpconv")
	s.quietly("cd /usr/src/goqmail")
	said := s.types("make -o bin QMAIL=/opt/qmail setup-pair check-pair", root)
	lacks(s.t, "make", said, "adding", "warning", "fatal", "Error")
	// The directory keeps its mode. By 750, which was written, no user's procmail gets at it.
	s.quietly("mkdir /var/quarantine", "chown -R 0:0 /usr/anomy")
	s.file("/usr/anomy/anomy.conf", source(s.t, "lib/anomy/testdata/hint.conf"))

	s.types("cat >> /etc/syslog.conf << EOF\nlocal6.debug -/var/log/imapd.log\nauth.debug -/var/log/auth.log\nEOF", root)
	s.quietly("touch /var/log/imapd.log")
	s.types("/etc/rc.d/init.d/sysklogd reload", root)
	s.quietly("mkdir /var/imap /var/spool/imap")
	s.write("/tmp/cyrus-imapd-2.2.3/master/conf/normal.conf", source(s.t, normalConf), "root")
	s.write("/usr/cyrus/.profile", "PATH=/usr/cyrus/bin:$PATH\n", "root")
	s.install()
	s.stop()
	s.quietly("echo allowplaintext yes >> /etc/imapd.conf")
	// A second was not always enough for a restart.
	s.file("/etc/rc.d/init.d/imapd", `#!/bin/bash
# Begin $rc_base/init.d/imapd

# Based on sysklogd script from LFS-3.1 and earlier.
# Rewritten by Gerard Beekmans  - gerard@linuxfromscratch.org

. /etc/sysconfig/rc
. $rc_functions

case "$1" in
 start)
  echo "Starting the IMAP server..."
  /usr/cyrus/bin/master &
  evaluate_retval
  ;;

 stop)
  echo "Stopping the IMAP server..."
  killproc /usr/cyrus/bin/master
  ;;

 reload)
  echo "Reloading the IMAP server..."
  reloadproc /usr/cyrus/bin/master
  ;;

 restart)
  $0 stop
  while pidof master >/dev/null; do sleep 1; done
  $0 start
  ;;

 status)
  statusproc /usr/cyrus/bin/master
  ;;

 *)
  echo "Usage: $0 {start|stop|reload|restart|status}"
  exit 1
  ;;

esac

# End /etc/rc.d/init.d/imapd`)
	s.quietly("chmod 700 /etc/rc.d/init.d/imapd")
	s.links("imapd", 20, 80)
	s.types("/etc/init.d/imapd start", root)
	for _, port := range []string{"143", "993", "110", "995"} {
		s.awaitPort("127.0.0.1:" + port)
	}
	s.logins() // telnet is not there; a login without TLS is one all the same
	wants(s.t, "netstat", s.types("netstat -vat", root), ":imaps ", ":pop3s ", ":pop3 ", ":imap", " LISTEN ")
	s.cyradm("quit", [2]string{"cm user.john"}, [2]string{"cm user.john.SPAM"})
	s.password("saslpasswd2 john", "secret")
	s.cyradm("quit", [2]string{"setaclmailbox user.john cyrus c"}, [2]string{"deletemailbox user.john"}, [2]string{"lm"})
}

// people are sections 17 to 19.
func (s *typist) people() {
	s.t.Helper()
	s.quietly("mkdir /etc/skel.domain", "cd /etc/skel.domain", "/opt/qmail/bin/maildirmake Maildir")
	s.quietly("touch /var/log/procmail.log", "chmod 666 /var/log/procmail.log", "mkdir /etc/skel.user", "cd /etc/skel.user", "echo '| preline /usr/bin/procmail' > .qmail")
	s.file(".procmailrc", procmailrc)
	s.quietly("chmod 600 .procmailrc", "chmod 600 .qmail")
	// Those who have accounts already.
	s.quietly("for user in susie dirk olaf jennifer pamela\ndo cp .procmailrc /home/$user && sed -i s/\\<user\\>/$user/ /home/$user/.procmailrc && chown $user:mailusers /home/$user/.procmailrc && chmod 600 /home/$user/.qmail\ndone")

	s.quietly("useradd -c 'example.com' -g mailusers -m -k /etc/skel.domain example",
		"echo example.com:example >> /opt/qmail/control/virtualdomains", "echo example.com >> /opt/qmail/control/rcpthosts")

	s.quietly("useradd -c 'john' -g mailusers -m -k /etc/skel.user john")
	s.cyradm("quit", [2]string{"cm user.john"}, [2]string{"cm user.john.SPAM"}, [2]string{"cm user.susie"}, [2]string{"cm user.susie.SPAM"}, [2]string{"cm user.dirk"}, [2]string{"cm user.dirk.SPAM"})
	s.password("saslpasswd2 john", "secret")
	s.password("saslpasswd2 susie", "secret")
	s.quietly("cd /opt/qmail/alias", "chown alias:qmail .qmail-john", "cd /home/example",
		"echo '&john'       > .qmail-default", "echo '&john'       > .qmail-postmaster", "echo '&john'       > .qmail-webmaster", "echo '&john'       > .qmail-root", "echo '&john'       > .qmail-john",
		"chown -R example:mailusers .", "chmod 640 .qmail-*", "cd /home/john/", "sed -i 's/<user>/john/' .procmailrc")
}

// startAll is section 20. The script is called imapd, by section 16.
func (s *typist) startAll() {
	s.t.Helper()
	for _, command := range []string{"/etc/init.d/sysklogd restart", "/etc/init.d/avgate   start", "/etc/init.d/qmail    start", "/etc/init.d/imapd    restart"} {
		lacks(s.t, command, s.types(command, root), "FAIL")
	}
	for _, port := range []string{"25", "143", "993", "110", "995"} {
		s.awaitPort("127.0.0.1:" + port)
	}
	s.awaitLog("mail.log", "status: local 0/")
	wants(s.t, "f-prot", s.types("f-prot /etc/passwd", root), "/etc/passwd: OK\n")
	wants(s.t, "netstat", s.types("netstat -vat", root), ":smtp ")

	// Another domain and user, by what does sections 18 and 19.
	wants(s.t, "newdomain", s.types("/opt/qmail/bin/newdomain example.net net", root), "made account net", "qmail-send reads them again")
	said := s.asked("/opt/qmail/bin/newuser -a jack example.net", [2]string{"IMAP password of cyrus: ", "secret"}, [2]string{"Password: ", "secret"}, [2]string{"Again (for verification): ", "secret"})
	wants(s.t, "newuser", said, "made account jack", "made mailboxes for jack")
	files := func(domain, user string) string {
		return s.run("root", "", "sh", "-c", "cd /home/"+domain+"; stat -c '%n %a %G' .qmail-* Maildir Maildir/*; cat .qmail-*; cd /home/"+user+"; stat -c '%n %a %G' .qmail .procmailrc; cat .qmail .procmailrc")
	}
	if hand, script := files("example", "john"), strings.ReplaceAll(files("net", "jack"), "jack", "john"); hand != script {
		s.t.Errorf("by hand\n%s\nby newdomain and newuser\n%s", hand, script)
	}
}

// comes waits for a message with a text in it in a mailbox.
func (s *typist) comes(mailbox, text string) (message string) {
	s.t.Helper()
	s.await("mail in "+mailbox+" with "+text, func() bool {
		for _, message = range s.inbox(mailbox) {
			if strings.Contains(message, text) {
				return true
			}
		}
		return false
	})
	return message
}

// mailComes has mail come in and go out, through all of it. It is looked at where the store
// keeps it, and as clients read it.
func (s *typist) mailComes(far *world) {
	s.t.Helper()
	send := func(to, head, body string) {
		s.t.Helper()
		far.run("dirk", "From: Dirk <dirk@far.example>\nTo: "+to+"\n"+head+"\n"+body+"\n", "sendmail", "-f", "dirk@far.example", to)
	}
	send("john@linuxfromsource.org", "Subject: clean\n", "Hello John, the minutes of Monday are in the shared folder. Regards, Dirk")
	send("john@example.com", "Subject: spam\n", gtube)
	send("john@linuxfromsource.org", "X: none\n", "Hello")
	send("john@linuxfromsource.org", `Subject: a program
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=xyz

--xyz
Content-Type: text/plain

Look at this
--xyz
Content-Type: application/octet-stream; name="photo.jpg.exe"
Content-Transfer-Encoding: base64

TVqQAAMAAAA=
--xyz--
`, "")
	send("zuzie@linuxfromsource.org", "Subject: for somebody unknown\n", "Hello")
	send("jack@example.net", "Subject: for Jack\n", "Hello Jack, the minutes of Monday are in the shared folder. Regards, Dirk")
	send("john@linuxfromsource.org", "Subject: virus\n", eicar)
	send("nobody@elsewhere.example", "Subject: nowhere\n", "Hello")

	// What goes from here: to another host, by nail; to both, by a list; and to one who is
	// not to be reached now.
	s.quietly("echo '&susie' > /home/source/.qmail-list; echo '&dirk@far.example' >> /home/source/.qmail-list", "chown source:mailusers /home/source/.qmail-list")
	s.quietly("echo Hello | mail -s 'from nail' dirk@far.example", "echo waits | mail -s 'waits' dirk@down.example")
	s.quietly("(echo 'From: root'; echo 'To: list'; echo 'Subject: by the proxy'; echo; echo Hello) | QMAILQUEUE=bin/qmail-scan /usr/sbin/sendmail -oem -oi -f somebody@elsewhere.example list@linuxfromsource.org 2>>/var/log/avgate.log")

	wants(s.t, "mail from nail", far.awaitMail("dirk", "\nSubject: from nail\n"), "\nFrom: root@"+site.Me+"\n", "\n\nHello\n")
	wants(s.t, "mail by the list", far.awaitMail("dirk", "\nSubject: by the proxy\n"), "\nX-Virus-Status: Clean\n")
	wants(s.t, "the bounce", far.awaitMail("dirk", "\nSubject: virus\n"), "554 this message has a virus, Eicar-Test-Signature.UNOFFICIAL, and is refused (#5.7.1)")
	const sanitized = "\r\nX-Sanitizer: This mail was sanitized\r\n"
	wants(s.t, "clean mail", s.comes("john", "\r\nSubject: clean\r\n"), sanitized, "\r\nX-Virus-Status: Clean\r\n", "\r\nX-Spam-Status: No, ", "Delivered-To: source-john@linuxfromsource.org\r\n", "\r\n\r\nHello John,")
	wants(s.t, "spam", s.comes("john/SPAM", gtube), "\r\nX-Spam-Status: Yes, ", "\r\nDelivered-To: example-john@example.com\r\n")
	s.comes("john/SPAM", "\r\nX: none\r\n")
	got := s.comes("john", "\r\nSubject: a program\r\n")
	wants(s.t, "the message with a program", got, sanitized, "Look at this", "An attachment named photo.jpg.exe was deleted from this message because was a windows executable.")
	lacks(s.t, "the message with a program", got, "TVqQ")
	s.comes("john", "\r\nSubject: for somebody unknown\r\n")
	s.comes("susie", "\r\nSubject: by the proxy\r\n")
	s.comes("jack", "\r\nSubject: for Jack\r\n")

	for box, want := range map[string]int{"john": 3, "john/SPAM": 2, "susie": 1, "jack": 1} {
		if n := len(s.inbox(box)); n != want {
			s.t.Errorf("%s has %d messages, want %d", box, n, want)
		}
	}
	s.write("/tmp/read.py", `import imaplib, poplib
for user in "john", "susie", "jack":
    box = imaplib.IMAP4("127.0.0.1")
    box.login(user, "secret")
    box.select("INBOX", readonly=True)
    by_imap = [m[1] for m in box.fetch("1:*", "(BODY.PEEK[])")[1][::2]]
    pop = poplib.POP3("127.0.0.1")
    pop.user(user)
    pop.pass_("secret")
    by_pop = [b"\r\n".join(pop.retr(n + 1)[1]) + b"\r\n" for n in range(pop.stat()[0])]
    print(user, len(by_pop), by_pop == by_imap)
`, "root")
	if said := s.types("python3 /tmp/read.py", root); !strings.HasSuffix(said, "\njohn 3 True\nsusie 1 True\njack 1 True\n# ") {
		s.t.Errorf("POP3 and IMAP: %s", said)
	}
	lacks(s.t, "procmail's log", s.read("/var/log/procmail.log"), "Rescue", "rror")
}

// watch is section 21, and what tells more.
func (s *typist) watch() {
	s.t.Helper()
	s.oneWaits()
	wants(s.t, "mail.log", s.types("tail -n 1000 /var/log/mail.log", root), " qmail: ", " smtpd: ", " end msg ", " qmail-scan: pid ")
	wants(s.t, "imapd.log", s.types("tail -n 1000 /var/log/imapd.log", root), " to mailbox: user.")
	wants(s.t, "netstat", s.types("netstat -vat", root), ":smtp ")
	wants(s.t, "qmail-qread", s.types("/opt/qmail/bin/qmail-qread", root), " <root@"+site.Me+"> \n\tremote\tdirk@down.example\n")
	wants(s.t, "qmail-qstat", s.types("/opt/qmail/bin/qmail-qstat", root), "messages in queue: 1\n")
	wants(s.t, "qmail-showctl", s.types("/opt/qmail/bin/qmail-showctl", root), "qmail home directory: /opt/qmail.\n", "\nsmtpgreeting: SMTP greeting: 220 Hi and welcome to this SMTP server.\n", "\nVirtual domain: example.net:net\n")
	// It finds what was forgotten: who answers root's mail is refused.
	wants(s.t, "qmail-check", s.types("/opt/qmail/bin/qmail-check", root), "warning: control/rcpthosts: "+site.Me+" is one of ours", "warning: control/rcpthosts: intern.net is one of ours")
	s.quietly("echo "+site.Me+" >>/opt/qmail/control/rcpthosts", "echo intern.net >>/opt/qmail/control/rcpthosts", "/opt/qmail/bin/qmail-check")

	s.await("the page to tell so", func() bool { // what reached syslog may not be in the file yet
		s.run("root", "", "sh", "-c", "/opt/qmail/bin/qmail-stats -w /tmp/qmail.html < /var/log/mail.log")
		return strings.Contains(s.read("/tmp/qmail.html"), "In the queue</dt><dd>1<")
	})

	s.jobs("root")
	wants(s.t, "the backup", s.types("tar -tzf /var/backups/mail-*.tar.gz", root), "user/john/1.\n", ".goqmail/control/me\n")
}

// oneWaits waits until all messages but one have left the queue.
func (s *typist) oneWaits() {
	s.t.Helper()
	s.await("all but one message to be gone", func() bool {
		return strings.HasPrefix(s.run("root", "", opt+"/bin/qmail-qstat"), "messages in queue: 1\nmessages in queue but not yet preprocessed: 0\n")
	})
}

// startAgain is section 20 once more, with mail in the queue: restart, stop and start as they
// were written down, and the power fails. It gives who sits there after that.
func (s *typist) startAgain(far *world) *typist {
	s.t.Helper()
	const body = "echo 'Hello, the minutes of Monday are in the shared folder.'"
	gone := func() {
		s.await("qmail to have ended", func() bool {
			return len(s.Pids("qmail-send"))+len(s.Pids("qmail-lspawn"))+len(s.Pids("qmail-rspawn"))+len(s.Pids("qmail-clean")) == 0
		})
	}
	// qmail-lspawn ends by a HUP, and with it all: it was qmail-send that was meant.
	s.types("/etc/init.d/qmail restart", root)
	gone()
	s.quietly(body + " | mail -s 'after the restart' john@intern.net")
	s.types("/etc/init.d/qmail start", root)
	s.comes("john", "\r\nSubject: after the restart\r\n")
	s.oneWaits() // or what is killed now would deliver that again
	s.quietly("killall -HUP qmail-send", "killall -ALRM qmail-send")
	s.types("/etc/init.d/qmail stop", root)
	gone()
	s.quietly(body + " | mail -s 'after the stop' john@linuxfromsource.org")
	s.types("/etc/init.d/qmail start", root)
	s.comes("john", "\r\nSubject: after the stop\r\n")
	s.oneWaits()

	// One waits for its host, two are not looked at yet.
	s.quietly("killall -STOP qmail-send", body+" | mail -s 'before the reboot' john@linuxfromsource.org", body+" | mail -s 'to both' john@example.com dirk@far.example")
	s.Kill()
	h, err := s.Fork()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(h.Close)
	far.here.Close()
	s.Close()
	s.Host = h
	far.in(func() error { return lab.Unplug("eth0") })
	s.in(func() error {
		return errors.Join(lab.Up(), os.NewSyscallError("sethostname", unix.Sethostname([]byte(site.Me))))
	})
	s.connect(far, strings.Replace(zone, "down.example A 192.0.2.3", "down.example A 192.0.2.2", 1))
	s.run("root", "", "sh", "-ec", "umount /dev/pts; rm -r /dev/pts /dev/ptmx /dev/tty")
	s = s.sitDown()
	lacks(s.t, "the start", s.types("for script in /etc/rc.d/rc3.d/S*; do $script start; done", root), "FAIL")
	for _, port := range []string{"25", "143", "993", "110", "995"} {
		s.awaitPort("127.0.0.1:" + port)
	}
	s.comes("john", "\r\nSubject: before the reboot\r\n")
	s.comes("john", "\r\nSubject: to both\r\n")
	far.awaitMail("dirk", "\nSubject: to both\n")
	s.quietly("killall -ALRM qmail-send")
	far.awaitMail("dirk", "\nSubject: waits\n")
	s.await("the queue to be empty", func() bool {
		return s.run("root", "", opt+"/bin/qmail-qstat") == "messages in queue: 0\nmessages in queue but not yet preprocessed: 0\n"
	})
	if n := len(s.inbox("john")); n != 7 {
		s.t.Errorf("john has %d messages, want 7", n)
	}
	s.quietly("/opt/qmail/bin/qmail-check")
	return s
}

// moves is section 22: all mail is there on another host, as it was, and clients poll it.
// Then it is lost here, and the backup of the night brings it back.
func (s *typist) moves() {
	s.t.Helper()
	users := []string{"john", "susie", "jack"}
	before := map[string]string{}
	for _, user := range users {
		before[user] = s.mailOf(user)
	}
	wants(s.t, "john's mail", before["john"], "MESSAGES 7 ", "MESSAGES 2 ", "(UID 7 ")
	s.quietly("cd /var/spool/imap")
	wants(s.t, "tar", s.types("tar cvpf user-backup.tar user/", root), "user/john/7.\n", "user/john/SPAM/2.\n", "user/jack/1.\n")
	s.quietly("mv user-backup.tar /tmp")
	s.types("su - cyrus", "$ ")
	s.types("ctl_mboxlist -d > /tmp/mailboxes.txt", user)
	s.types("exit", root)
	s.quietly("cd /tmp")
	s.types("tar uvpf user-backup.tar mailboxes.txt", root)
	s.quietly("rm mailboxes.txt", "gzip -9 user-backup.tar")

	n := newcomer(s.t, "fetchmail fetchmail", "mbsync isync")
	n.install()
	n.quietly("echo allowplaintext yes >>/etc/imapd.conf")
	n.stop()
	s.moveTo(n.machine, "/tmp/user-backup.tar.gz")
	n.quietly("cd /var/spool/imap")
	wants(s.t, "tar", n.types("tar zxvpf /tmp/user-backup.tar.gz", root), "user/john/7.\n", "mailboxes.txt\n")
	n.quietly("mv mailboxes.txt /tmp")
	n.types("su - cyrus", "$ ")
	n.types("ctl_mboxlist -u -f /var/imap/mailboxes.db < /tmp/mailboxes.txt", user)
	n.types("ctl_cyrusdb -r", user)
	wants(s.t, "reconstruct", n.types("reconstruct", user), "\nuser.john\n", "\nuser.john.SPAM\n", "\nuser.jack\n")
	n.types("exit", root)
	n.serveMail()
	for _, user := range users {
		n.password("saslpasswd2 "+user, "secret")
		if after := n.mailOf(user); after != before[user] {
			s.t.Errorf("the mail of %s is\n%s\nand was\n%s", user, after, before[user])
		}
	}
	n.write("/home/dirk/.fetchmailrc", "set no syslog\npoll 127.0.0.1 proto imap\n\tuser john password secret is dirk here sslproto '' keep\n\tfolder INBOX, INBOX.SPAM\n\tmda \"cat >>/tmp/fetched\"\n", "dirk")
	n.run("dirk", "", "sh", "-ec", "chmod 600 .fetchmailrc; timeout 300 fetchmail -a -N --nodetach")
	if got := strings.Count(n.read("/tmp/fetched"), "\nDelivered-To: john@"); got != 9 {
		s.t.Errorf("fetchmail has %d messages, want 9", got)
	}
	n.run("root", "", "sh", "-ec", "openssl x509 -in /var/imap/server.pem >/etc/server.pem")
	n.write("/home/john/.mbsyncrc", mbsyncrc, "john")
	n.run("john", "", "sh", "-ec", "mkdir Mail; timeout 300 mbsync -a")
	if got := n.run("john", "", "sh", "-c", "ls Mail/INBOX/new Mail/INBOX/cur | grep -c U=; ls Mail/SPAM/new Mail/SPAM/cur | grep -c U="); got != "7\n2\n" {
		s.t.Errorf("mbsync has %q messages", got)
	}

	s.quietly("/opt/qmail/bin/backup /tmp/all.tar.gz")
	s.types("/etc/init.d/qmail stop; /etc/init.d/imapd stop", root)
	s.await("the server to end", func() bool { return len(s.Pids("master")) == 0 && len(s.Pids("qmail-send")) == 0 })
	s.quietly("rm -rf /var/imap/* /var/spool/imap/* /etc/sasldb2 /opt/qmail/control/* /opt/qmail/alias/.qmail-*")
	s.types("su - cyrus -c tools/mkimap", root)
	wants(s.t, "restore", s.types("/opt/qmail/bin/restore /tmp/all.tar.gz", root), "restored 8 mailboxes\n")
	s.certificate("localhost")
	s.types("/etc/init.d/imapd start; /etc/init.d/qmail start", root)
	s.awaitPort("127.0.0.1:143")
	for _, user := range users {
		if after := s.mailOf(user); after != before[user] {
			s.t.Errorf("the mail of %s is\n%s\nand was\n%s", user, after, before[user])
		}
	}
	s.quietly("/opt/qmail/bin/qmail-check")
}
