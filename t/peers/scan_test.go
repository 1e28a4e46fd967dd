//go:build linux

package peers

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/smtp"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"goqmail/t/lab"
)

// eicar is the text that every finder of viruses knows, for tests. It is in two
// parts lest one finds it here.
const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

// clamd starts clamd with a database that has nothing but that.
func (m *machine) clamd() {
	m.t.Helper()
	const dir = "/var/run/clamav"
	m.run("root", "", "mkdir", "-p", dir)
	m.write("/tmp/viruses/test.ndb", "Eicar-Test-Signature:0:*:"+hex.EncodeToString([]byte(eicar))+"\n", "root")
	m.write("/tmp/clamd.conf", "DatabaseDirectory /tmp/viruses\nLocalSocket "+dir+"/clamd.ctl\nFixStaleSocket yes\nForeground yes\nSelfCheck 0\n", "root")
	m.background("clamd", nil, "clamd", "-c", "/tmp/clamd.conf")
	m.awaitLog("clamd", "Self checking disabled.")
}

// spamd starts spamd, which asks nobody on the network.
func (m *machine) spamd() {
	m.t.Helper()
	m.write("/etc/spamassassin/local.cf", "dns_available no\nuse_bayes 0\n", "root")
	m.background("spamd", nil, "spamd", "-L", "-x", "-m", "1", "-i", "127.0.0.1", "-p", "783", "-u", "nobody", "-r", "/tmp/spamd.pid")
}

// What an administrator of 2004 had a proxy for takes one rule for clients, and a
// daemon of Debian's.
func TestVirusesAreRefusedAndSpamIsMarked(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "clamd clamav-daemon", "spamd spamd", "softlimit daemontools")
	m.in(func() error { return lab.Tmpfs("/run", "755") })
	m.spamd()
	m.clamd()
	m.start()
	m.run("root", "", "sh", "-ec", "cd "+home+`/control
		echo ':allow,QMAILQUEUE="bin/qmail-scan"' >>smtp
		../bin/tcprules smtp.cdb smtp.tmp <smtp
		echo 127.0.0.1:783 >spamd`)
	m.background("smtpd", []string{"SOFTLIMIT=softlimit -m 2000000"}, home+"/boot/smtpd")
	m.awaitPort("127.0.0.1:25")
	m.awaitPort("127.0.0.1:783")

	send := func(subject, header, body string) string {
		var err error
		m.Do(func() {
			mess := "Subject: " + subject + "\n" + header + "\n" + body + "\n"
			err = smtp.SendMail("127.0.0.1:25", nil, "olaf@client.example", []string{"john@linuxfromsource.org"}, []byte(strings.ReplaceAll(mess, "\n", "\r\n")))
		})
		var refused *textproto.Error
		switch {
		case errors.As(err, &refused):
			return fmt.Sprint(refused.Code, " ", refused.Msg)
		case err != nil:
			t.Error(err)
		}
		return "accepted"
	}
	check := func(what, reply, want string) {
		t.Helper()
		if reply != want {
			t.Errorf("%s: %s, want %s", what, reply, want)
		}
	}
	const (
		from     = " from <olaf@client.example> ip 127.0.0.1 id <"
		virus    = "554 this message has a virus, Eicar-Test-Signature.UNOFFICIAL, and is refused (#5.7.1)"
		deferred = "451 unable to look for viruses (#4.3.0)"
	)
	attached := base64.StdEncoding.EncodeToString([]byte(eicar))
	const program = "Message-ID: <v@client.example>\nMIME-Version: 1.0\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n"

	check("clean mail", send("clean", "Message-ID: <c@client.example>\nX-Virus-Status: Infected\nX-spam-flag : YES\n", "Hello"), "accepted")
	wants(t, "clean mail", m.awaitMail("john", "Subject: clean\n"),
		"\nX-Virus-Scanned: qmail-scan at adsl32.net.xs4all.nl\nX-Virus-Status: Clean\nX-Spam-Score: ", "\nX-Spam-Status: No, score=", "\nReceived: from unknown (HELO ",
		"\nOld-X-Virus-Status: Infected\nOld-X-spam-flag : YES\n")
	wants(t, "the log", m.read("/var/log/smtpd"), " clean: bytes ", from+"c@client.example> score ", "/5.0\n")

	check("a virus", send("virus", "", eicar), virus)
	check("a virus, packed", send("virus", program, attached), virus)
	wants(t, "the log", m.read("/var/log/smtpd"), " virus Eicar-Test-Signature.UNOFFICIAL refused: bytes ", from+"v@client.example>\n")

	check("a long message", send("long", "", strings.Repeat("line\n", 1<<20)), "accepted")
	wants(t, "a long message", m.awaitMail("john", "Subject: long\n"), "\nX-Virus-Status: Clean\nReceived: ")

	check("spam", send("spam", "", gtube), "accepted")
	wants(t, "spam", m.awaitMail("john", "Subject: spam\n"), "\nX-Virus-Status: Clean\nX-Spam-Flag: YES\nX-Spam-Score: ", "\nX-Spam-Status: Yes, score=", "GTUBE")
	m.control("spamscore", "900\n")
	check("spam above the limit", send("spam", "", gtube), "554 this message looks like spam and is refused (#5.7.1)")

	m.control("scanbytes", "4000\n")
	check("a big message", send("big", "", strings.Repeat("line\n", 1000)+eicar), "accepted")
	wants(t, "a big message", m.awaitMail("john", "Subject: big\n"), "\nX-Virus-Status: Unscanned (too big)\n")
	m.control("scanskip", "ip:127.0.0.\n")
	check("mail from here", send("skipped", "X-Virus-Status: Clean\n", eicar), "accepted")
	wants(t, "mail from here", m.awaitMail("john", "Subject: skipped\n"), "\nX-Virus-Status: Clean\n")
	m.control("scanskip", "")

	// As the proxy did when it was done.
	for body, want := range map[string]string{"Hello": "exit 0\n", eicar: "qmail-inject: fatal: this message has a virus, Eicar-Test-Signature.UNOFFICIAL, and is refused (#5.7.1)\nexit 100\n"} {
		out, _ := m.try("olaf", "Subject: forwarded\n\n"+body+"\n", "sh", "-c", "QMAILQUEUE=bin/qmail-scan /usr/sbin/sendmail -oem -oi -f a@b.example john@linuxfromsource.org; echo exit $?")
		wants(t, "sendmail", out, want)
	}
	out, _ := m.try("qmaild", netstring(netstring(eicar)+netstring("a@b.example")+netstring("john@linuxfromsource.org")), "env", "QMAILQUEUE=bin/qmail-scan", "qmail-qmqpd")
	wants(t, "QMQP", out, ":D"+strings.TrimPrefix(virus, "554 ")+",")
	wants(t, "mail from a proxy", m.awaitMail("john", "Subject: forwarded\n"), "\nX-Virus-Status: Clean\n")

	// clamd goes away in the middle of a message, and so does qmail-scan.
	signal := func(name string, sig syscall.Signal) {
		t.Helper()
		m.Signal(t, name, sig)
		if sig == syscall.SIGKILL {
			m.await(name+" to end", func() bool { return len(m.Pids(name)) == 0 })
		}
	}
	for _, row := range []struct{ victim, reply string }{{"qmail-scan", "451 qq crashed (#4.3.0)"}, {"clamd", deferred}} {
		signal("clamd", syscall.SIGSTOP)
		reply := make(chan string)
		go func() { reply <- send("lost", "", "Hello") }()
		m.await("qmail-scan to ask", func() bool {
			pids := m.Pids("qmail-scan")
			return len(pids) == 1 && hasSocket(pids[0])
		})
		signal(row.victim, syscall.SIGKILL)
		check("after the end of "+row.victim, <-reply, row.reply)
		if row.victim != "clamd" {
			signal("clamd", syscall.SIGCONT)
		}
	}
	check("without clamd", send("lost", "", "Hello"), deferred)
	wants(t, "the log", m.read("/var/log/smtpd"), " warning: clamd at /var/run/clamav/clamd.ctl: connection refused\n", " unscanned deferred: bytes ")
	m.control("scanfailure", "accept\n")
	check("without clamd, where that does not matter", send("accepted", "", "Hello"), "accepted")
	wants(t, "without clamd", m.awaitMail("john", "Subject: accepted\n"), "\nX-Virus-Status: Unscanned (no answer)\n")
	m.control("scanfailure", "defer\n")
	m.clamd()
	check("with clamd again", send("again", "", "Hello"), "accepted")
	m.awaitMail("john", "Subject: again\n")

	// Nor does it take what is missing for an empty message.
	for _, closed := range []string{"<&-", ">&-"} {
		if out, _ := m.try("qmaild", "", "sh", "-c", "qmail-scan "+closed+"; echo exit $?"); !strings.Contains(out, "exit 54\n") {
			t.Errorf("with %s: %s", closed, out)
		}
	}

	m.awaitEmpty()
	if n := len(m.mail("/home/john/Maildir")); n != 8 {
		t.Errorf("john has %d messages", n)
	}
	m.Do(func() {
		if left, _ := filepath.Glob("/tmp/qmail-scan.*"); left != nil {
			t.Errorf("left in /tmp: %q", left)
		}
	})
}

// hasSocket tells whether a process has an open socket.
func hasSocket(pid int) bool {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd/"
	fds, _ := os.ReadDir(dir)
	for _, fd := range fds {
		if to, _ := os.Readlink(dir + fd.Name()); strings.HasPrefix(to, "socket:") {
			return true
		}
	}
	return false
}
