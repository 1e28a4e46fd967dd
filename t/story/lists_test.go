//go:build linux

package story

import (
	"os"
	"strings"
	"testing"

	"goqmail/t/site"
)

// replyTo says a command and wants this very reply.
func (c *smtp) replyTo(command, want string) {
	c.t.Helper()
	if got := c.say(command, want[:3]); got != want+"\r\n" {
		c.t.Errorf("%s: got %q, want %q", command, got, want)
	}
}

// saidOf awaits a line in the log of qmail-smtpd.
func (m *machine) saidOf(text string) {
	m.t.Helper()
	m.await(text+" in the log", func() bool {
		said, _ := m.read("/var/log/smtpd")
		return strings.Contains(said, text)
	})
}

// Old run scripts' limits have room for no regular expressions, and need not.
func TestPatternsKeepOutWhomTheyMatch(t *testing.T) {
	t.Parallel()
	need(t, "softlimit", "daemontools")
	m := newMachine(t)
	if !m.ours() {
		t.Skip("the reference has no patterns")
	}
	m.control("extensions", "qregex\n")
	m.control("badhelo", "!\\.\n^[0-9.]+$\n")
	m.control("badmailfrom", "^[^@]+@(.*\\.)?(spam|junk)\\.example$\n")
	m.control("badmailfromnorelay", "@linuxfromsource\\.org$\n")
	m.control("badrcptto", "olaf@"+site.Me+"\n[!%#:*^(){}]\n@.*@\n")
	m.control("brtlimit", "3\n")
	m.start()
	m.background("smtpd", "env", "SOFTLIMIT="+strings.Join(limit, " "), home+"/boot/smtpd")
	m.awaitPort("25")
	const noHelo, noSender, noRecipient = "553 sorry, your HELO host name has been denied (#5.7.1)",
		"553 sorry, your envelope sender has been denied (#5.7.1)", "553 sorry, your envelope recipient has been denied (#5.7.1)"
	c := m.smtp()
	for _, helo := range []string{"localhost", "192.0.2.1"} {
		c.say("HELO "+helo, "250")
		c.say("MAIL FROM:<>", "250")
		c.replyTo("RCPT TO:<john@"+site.Me+">", noHelo)
	}
	c.say("HELO elsewhere.example", "250")
	for _, sender := range []string{"joe@spam.example", "joe@MX.Junk.example", "susie@linuxfromsource.org"} {
		c.say("MAIL FROM:<"+sender+">", "250")
		c.replyTo("RCPT TO:<john@"+site.Me+">", noSender)
	}
	c.say("MAIL FROM:<joe@nospam.example>", "250")
	for _, recipient := range []string{"OLAF@" + site.Me, "a%b@" + site.Me, "x@y@" + site.Me} {
		c.replyTo("RCPT TO:<"+recipient+">", noRecipient)
	}
	c.replyTo("RCPT TO:<john@"+site.Me+">", "421 too many invalid addresses, goodbye (#4.3.0)")
	m.saidOf("qmail-smtpd: badhelo: <localhost> at 127.0.0.1\n")
	m.saidOf("qmail-smtpd: badmailfrom: <joe@MX.Junk.example> at 127.0.0.1\n")
	m.saidOf("qmail-smtpd: badmailto: <a%b@" + site.Me + "> at 127.0.0.1\n")
	m.smtpSend("fine", "joe@nospam.example", "john@"+site.Me)
	m.awaitMail("john", "Subject: fine")
	m.await("all of qmail-badlist to be gone", func() bool {
		for _, p := range m.Processes() {
			if p.Name == "qmail-badlist" || p.Name == "qmail-smtpd" {
				return false
			}
		}
		return true
	})

	// A line that is none lets nobody slip by.
	m.control("badrcptto", "olaf@"+site.Me+"\n*@spam.example\n")
	c = m.smtp()
	c.say("HELO elsewhere.example", "250")
	c.say("MAIL FROM:<>", "250")
	c.replyTo("RCPT TO:<john@"+site.Me+">", "421 unable to check lists of bad addresses (#4.3.0)")
	m.saidOf("qmail-smtpd: fatal: control/badrcptto: *@spam.example: missing argument to repetition operator\n")
	if out := m.run("qmail-showctl"); !strings.Contains(out, "Oops! *@spam.example: missing argument") {
		t.Errorf("qmail-showctl does not tell:\n%s", out)
	}
}

// blocked is who is in which list.
const blocked = "2.2.0.192.bl.example TXT \"192.0.2.2 sends spam\"\n" +
	"2.2.0.192.own.example A 127.0.0.2\n" +
	"3.2.0.192.bl.example TXT \"listed\"\n3.2.0.192.good.example TXT \"but known\"\n" +
	"2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example TXT \"2001:db8::2 sends spam\"\n"

func TestListsOfHostsKeepOutWhoIsInThem(t *testing.T) {
	t.Parallel()
	h := newHosts(t, blocked, addrA+" "+addr6A, addrB+" "+addr6B, addrC)
	a, b, c := h[0], h[1], h[2]
	a.needOurs("DNS lists of hosts")
	a.control("dnsbllist", "=own.example\n+good.example\nbl.example\n")
	a.up()

	s := b.smtpAt(addrA)
	s.say("EHLO b.example", "250")
	s.say("MAIL FROM:<>", "250")
	s.say("RCPT TO:<john@elsewhere.example>", "553") // it is not asked about such
	s.replyTo("RCPT TO:<"+a.at("john")+">", "451 192.0.2.2 sends spam")
	s.replyTo("RCPT TO:<"+a.at("susie")+">", "451 192.0.2.2 sends spam")
	s.say("QUIT", "221")
	a.saidOf("qmail-smtpd: rbl: ip=192.0.2.2 query=2.2.0.192.own.example result=pass message=''\n") // no TXT
	a.saidOf("qmail-smtpd: rbl: ip=192.0.2.2 query=2.2.0.192.bl.example result=delay message='192.0.2.2 sends spam'\n")
	a.saidOf(": 451 192.0.2.2 sends spam\n")
	a.saidOf("qmail-smtpd: 421 badiprbl: ip 192.0.2.2 rbl: bl.example\n")

	s = b.smtpAt(addr6A)
	s.say("HELO b.example", "250")
	s.say("MAIL FROM:<>", "250")
	s.replyTo("RCPT TO:<"+a.at("john")+">", "451 2001:db8::2 sends spam")

	s = c.smtpAt(addrA)
	s.say("HELO c.example", "250")
	s.send("by a good host", "x@c.example", a.at("john"))
	a.awaitMail("john", "Subject: by a good host")

	a.control("dnsbllist", "own.example:-%IP%? No.\n")
	s = b.smtpAt(addrA)
	s.say("HELO b.example", "250")
	s.say("MAIL FROM:<>", "250")
	s.replyTo("RCPT TO:<"+a.at("john")+">", "553 192.0.2.2? No.")

	a.control("mfcheck", "1\n")
	s = c.smtpAt(addrA)
	s.replyTo("MAIL FROM:<x@nowhere.example>", "553 sorry, your envelope sender domain must exist (#5.7.1)")
	s.replyTo("MAIL FROM:<x@c.example>", "250 ok")

	if out := a.run("qmail-dnsbl", addrB); !strings.HasSuffix(out, "reject own.example 192.0.2.2? No.\n") {
		t.Errorf("qmail-dnsbl says %q", out)
	}
}

// A name server that is not there is bounded, and keeps nobody out unless that is
// wanted.
func TestListsOfHostsThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if !m.ours() {
		t.Skip("the reference has no DNS lists of hosts")
	}
	m.control("dnsbllist", "-bl.example\n")
	rcpt := "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<john@" + site.Me + ">\r\nQUIT\r\n"
	for env, want := range map[string]string{
		"DNSBLFAILCLOSED=0": "\n250 ok\r\n221 ",
		"DNSBLFAILCLOSED=1": "\n451 temporary RBL lookup error\r\n221 ",
		"DNSBLSKIP=":        "\n250 ok\r\n221 ",
		"RELAYCLIENT=":      "\n250 ok\r\n221 ",
		"RBLSMTPD=-go away": "\n553 go away\r\n221 ",
	} {
		out, err := m.try("qmaild", rcpt, []string{"TCPREMOTEIP=192.0.2.2", env}, "qmail-smtpd")
		if !strings.Contains(out, want) {
			t.Errorf("%s: %q, %v", env, out, err)
		}
	}
}

// The real rblsmtpd stands in front as it always has.
func TestRblsmtpdInFront(t *testing.T) {
	t.Parallel()
	need(t, "rblsmtpd", "ucspi-tcp")
	need(t, "setuidgid", "daemontools")
	h := newHosts(t, blocked, addrA, addrB, addrC)
	a, b, c := h[0], h[1], h[2]
	a.start()
	a.background("smtpd", "tcpserver", "-v", "-R", "-H", "-l", a.name, "0", "25",
		"rblsmtpd", "-a", "good.example", "-r", "bl.example", "setuidgid", "qmaild", home+"/bin/qmail-smtpd")
	a.awaitPort("25")
	s := b.smtpAt(addrA)
	s.say("HELO b.example", "250")
	s.replyTo("MAIL FROM:<>", "250 rblsmtpd.local")
	s.replyTo("RCPT TO:<"+a.at("john")+">", "451 192.0.2.2 sends spam")
	a.setNames(strings.ReplaceAll(blocked, "3.2.0.192.bl.", "4.2.0.192.bl."))
	s = c.smtpAt(addrA)
	s.say("HELO c.example", "250")
	s.send("behind rblsmtpd", "x@c.example", a.at("john"))
	a.awaitMail("john", "Subject: behind rblsmtpd")
}

// Programs in QMAILQUEUE say why in whatever way their patch has it.
func TestFiltersSayWhyTheyRefuse(t *testing.T) {
	t.Parallel()
	need(t, "softlimit", "daemontools")
	m := newMachine(t)
	if !m.ours() {
		t.Skip("the reference knows one way")
	}
	dialogue := "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<john@" + site.Me + ">\r\nDATA\r\nSubject: x\r\n.\r\nQUIT\r\n"
	for _, row := range []struct{ name, script, errorFD, want string }{
		{"notqmail", "printf 'Dno thanks' >&6; exit 82", "", "554 no thanks"},
		{"simscan", "printf 'DYour email was rejected because it contains the X virus' >&4; exit 82", "",
			"554 Your email was rejected because it contains the X virus"},
		{"sagredo", "printf 'Zgreylisted (#4.7.1)' >&4; exit 88", "", "451 greylisted (#4.7.1)"},
		{"indimail", "echo 'DDKIM signature is bad (#5.7.5)' >&2; exit 88", "2", "554 DKIM signature is bad (#5.7.5)"},
		{"descriptor 7", "echo Zlater >&7; exit 82", "7", "451 later"},
		{"qmail-scanner", "exit 31", "", "554 mail server permanently rejected message (#5.3.0)"},
		{"no words", "exit 88", "", "451 qq temporary problem (#4.3.0)"},
		{"two lines", "printf 'Done\\r\\n250 two\\r\\n' >&6; exit 82", "", "554 one  250 two"},
		{"endless", "yes Dno >&4; exit 82", "", "554 " + strings.Repeat("no D", 64)[:254]},
	} {
		m.write("/tmp/filter", "#!/bin/sh\n[ $# = 0 ] && "+row.script+"\n", "root")
		m.in(func() error { return os.Chmod("/tmp/filter", 0o755) })
		env := []string{"QMAILQUEUE=/tmp/filter"}
		if row.errorFD != "" {
			env = append(env, "ERROR_FD="+row.errorFD)
		}
		out, err := m.try("qmaild", dialogue, env, "softlimit", "-m", "20000000", home+"/bin/qmail-smtpd")
		if !strings.Contains(out, "354 go ahead\r\n"+row.want+"\r\n221 ") {
			t.Errorf("%s: %q, %v; want %q", row.name, out, err, row.want)
		}
	}
	m.write("/tmp/filter", "#!/bin/sh\nprintf 'Dno thanks' >&4; exit 88\n", "root")
	out, err := m.try("susie", "To: dirk\n\nbody\n", []string{"QMAILQUEUE=/tmp/filter"}, "qmail-inject")
	if out != "qmail-inject: fatal: no thanks\n" || err == nil || err.Error() != "exit status 100" {
		t.Errorf("qmail-inject: %q, %v", out, err)
	}
}
