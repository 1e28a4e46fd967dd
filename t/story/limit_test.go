//go:build linux

package story

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"goqmail/t/site"
)

// limit is what old run scripts say before a program.
var limit = []string{"softlimit", "-m", "2000000"}

func TestProgramsWorkUnderSoftlimit(t *testing.T) {
	need(t, "softlimit", "daemontools")
	const mess = "To: dirk\nSubject: limited\n\nbody\n"
	for _, row := range []struct {
		user, input string
		want        string // in the output
		args        []string
	}{
		{"qmaild", "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<john@linuxfromsource.org>\r\nDATA\r\n" + strings.ReplaceAll(mess, "\n", "\r\n") + ".\r\nQUIT\r\n", "\r\n250 ok ", []string{"qmail-smtpd"}},
		{"susie", mess, "", []string{"qmail-inject"}},
		{"susie", mess, "", []string{"sendmail", "-t"}},
		{"susie", mess, "did 1+0+0\n", []string{"qmail-local", "--", "susie", "/home/susie", "susie", "", "", site.Me, "dirk@" + site.Me, "./Maildir/"}},
		{"susie", mess, "", []string{"except", "qmail-smtpd-is-not-here"}},
		{"susie", mess, "qp ", []string{"forward", "dirk"}},
		{"susie", "quit\r\n", "+OK <", []string{"qmail-popup", site.Me, "qmail-pop3d"}},
		{"susie", "STAT\r\nQUIT\r\n", "+OK 0 0\r\n", []string{"qmail-pop3d", "Maildir"}},
		{"qmaild", netstring("\n"+mess) + netstring("a@b.example") + netstring(netstring("john@linuxfromsource.org")), ":Kok ", []string{"qmail-qmtpd"}},
		{"qmaild", netstring(netstring(mess) + netstring("a@b.example") + netstring("john@linuxfromsource.org")), ":Kok ", []string{"qmail-qmqpd"}},
	} {
		t.Run(row.args[0], func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			if !m.programs.Has(row.args[0]) {
				t.Skip(row.args[0] + " is not in this tree")
			}
			if !m.ours() {
				t.Skip("a libc of today does not fit")
			}
			env := []string{"NEWSENDER=a@b.example", "SENDER=a@b.example", "DTLINE=Delivered-To: x\n"}
			for _, args := range [][]string{row.args, slices.Concat(limit, []string{home + "/bin/" + row.args[0]}, row.args[1:])} {
				out, err := m.try(row.user, row.input, env, args...)
				if !strings.Contains(out, row.want) {
					t.Errorf("%s: %q, %v; want %q", args[0], out, err, row.want)
				}
			}
		})
	}
}

func netstring(s string) string { return fmt.Sprintf("%d:%s,", len(s), s) }

// What takes mail in has the 2 MB of old run scripts. The daemons never had
// any; qmail-send would not fit into so little.
func TestAWholeSystemWorksUnderSoftlimit(t *testing.T) {
	t.Parallel()
	need(t, "softlimit", "daemontools")
	m := newMachine(t)
	if !m.ours() {
		t.Skip("a libc of today does not fit")
	}
	m.background("start", "softlimit", "-m", "4000000", "qmail-start", "./Maildir/", "splogger", "qmail")
	m.await("qmail-send to start", func() bool { return m.log.has("status: local 0/") })
	m.checksRecipients()
	m.background("smtpd", "env", "SOFTLIMIT="+strings.Join(limit, " "), home+"/boot/smtpd")
	m.awaitPort("25")
	c := m.smtp()
	c.say("HELO x", "250")
	c.say("MAIL FROM:<>", "250")
	if got := c.say("RCPT TO:<nosuch@"+site.Me+">", ""); got != noMailbox {
		t.Errorf("an unknown recipient: %q", got)
	}
	m.smtpSend("limited", "visitor@elsewhere.example", "susie@linuxfromsource.org", "zuzie@linuxfrombinary.org")
	m.awaitMail("susie", "Subject: limited")
	m.awaitMail("john", "Subject: limited")
	m.awaitEmpty()
}

// A shell does not fit into 2 MB any more, so this has ten times that.
func TestProgramsOfDotQmailHaveTheOldLimit(t *testing.T) {
	t.Parallel()
	need(t, "softlimit", "daemontools")
	m := newMachine(t)
	m.write("/home/susie/.qmail", "|ulimit -v >limit\n|preline cat >line\n|condredirect dirk true\n", "susie")
	m.write("/home/dirk/.qmail", "|bouncesaying no false\n|forward olaf\n|except false\n", "dirk")
	m.run("softlimit", "-m", "20000000", "sh", "-cf", home+"/rc >/var/log/rc 2>&1 &")
	m.await("qmail-send to start", func() bool { return m.log.has("status: local 0/") })
	m.send("john", "limited", "susie@"+site.Me)
	m.awaitMail("olaf", "Subject: limited")
	m.awaitEmpty()
	got, _ := m.read("/home/susie/limit")
	if want := fmt.Sprintln(20000000 / 1024); got != want {
		t.Errorf("a program of .qmail has the limit %q, want %q", got, want)
	}
}

func TestTcpserverRunsSmtpd(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.tcpserver()
	m.awaitPort("25")
	m.smtpSend("by tcpserver", "visitor@elsewhere.example", "john@linuxfromsource.org")
	m.awaitMail("john", "Subject: by tcpserver")
	m.awaitEmpty()
}
