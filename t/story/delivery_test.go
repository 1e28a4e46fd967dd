//go:build linux

package story

import (
	"regexp"
	"strings"
	"testing"

	"goqmail/t/site"
)

func TestAUserSendsAnotherUserAMessage(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.send("susie", "lunch", "dirk@"+site.Me)
	got := m.awaitMail("dirk", "Subject: lunch")
	want := regexp.MustCompile(`^Return-Path: <susie@` + site.Me + `>\nDelivered-To: dirk@` + site.Me +
		`\nReceived: \(qmail \d+ invoked by uid 3003\); \d+ \w{3} \d{4} \d\d:\d\d:\d\d -0000\n` +
		`(Date|Message-ID): .*\n(Date|Message-ID): .*\nFrom: susie@` + site.Me + `\nTo: undisclosed-recipients: ;\nSubject: lunch\n\nbody\n$`)
	if !want.MatchString(got) {
		t.Errorf("got %q", got)
	}
	for _, line := range []string{"new msg ", "info msg ", "starting delivery 1: msg ", "status: local 1/20 remote 0/20", "delivery 1: success: did_1+0+0/", "end msg "} {
		m.awaitLog(line)
	}
	m.awaitEmpty()
}

func TestMailForThePostmasterGoesToTheAdministrator(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	for _, name := range []string{"postmaster", "mailer-daemon", "root", "Postmaster"} {
		m.send("olaf", "for "+name, name+"@"+site.Me)
		got := m.awaitMail("john", "Subject: for "+name)
		want := "Delivered-To: john@" + site.Me + "\n"
		if !strings.Contains(got, want) {
			t.Errorf("%s: no %q in %q", name, want, got)
		}
	}
	m.awaitEmpty()
}

func TestVirtualDomainsMailGoesToTheirUsers(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.listen()
	for _, d := range site.Domains() {
		for _, p := range d.People {
			address := p.Name + "@" + d.Name
			m.smtpSend("for "+address, "visitor@elsewhere.example", address)
			got := m.awaitMail(p.Name, "Subject: for "+address+"\n")
			want := []string{
				"Return-Path: <visitor@elsewhere.example>\nDelivered-To: " + p.Name + "@" + site.Me + "\nReceived: (qmail ",
				"\nDelivered-To: " + d.Owner + "-" + p.Name + "@" + d.Name + "\nReceived: (qmail ",
				" invoked from network); ",
				"Received: from unknown (HELO elsewhere.example) (127.0.0.1)\n  by " + site.Me + " with SMTP; ",
			}
			for _, part := range want {
				if !strings.Contains(got, part) {
					t.Errorf("%s: no %q in %q", address, part, got)
				}
			}
		}
	}
	m.awaitEmpty()
}

func TestAVirtualDomainsUnknownUserIsTheAdministrators(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.listen()
	// Users of one domain are unknown in the other.
	for _, to := range []string{"zuzie@linuxfromsource.org", "olaf@linuxfromsource.org", "john@linuxfrombinary.org", "webmaster@linuxfrombinary.org", "JOHN@LinuxFromSource.ORG"} {
		m.smtpSend("for "+to, "visitor@elsewhere.example", to)
		m.awaitMail("john", "Subject: for "+to)
	}
	m.awaitEmpty()
	if n := len(m.mail("source")) + len(m.mail("binary")); n != 0 {
		t.Errorf("%d messages stayed in the domains' own Maildirs", n)
	}
}

func TestOneMessageToManyRecipientsArrivesOnceAtEach(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.listen()
	m.smtpSend("all", "visitor@elsewhere.example", "john@linuxfromsource.org", "susie@linuxfromsource.org", "pamela@linuxfrombinary.org", "dirk@"+site.Me)
	for _, user := range []string{"john", "susie", "pamela", "dirk"} {
		m.awaitMail(user, "Subject: all")
	}
	m.awaitEmpty()
	for _, user := range []string{"john", "susie", "pamela", "dirk"} {
		if n := m.count(user, "Subject: all"); n != 1 {
			t.Errorf("%s got %d", user, n)
		}
	}
}

func TestRelayingIsRefused(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.listen()
	c := m.smtp()
	c.say("EHLO elsewhere.example", "250")
	c.say("MAIL FROM:<visitor@elsewhere.example>", "250")
	got := c.say("RCPT TO:<somebody@far.example>", "553")
	if want := "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.say("DATA", "503")
	c.say("RCPT TO:<john@linuxfromsource.org>", "250")
	if q := m.queued(); len(q) != 0 {
		t.Errorf("the queue has %v", q)
	}
}

func TestARelayClientMayRelay(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.replace("qmail-remote", `cat >/dev/null; printf 'r\0Ksent to %s for %s by %s\n\0' "$1" "$3" "$2"`)
	m.start()
	if !m.ours() {
		t.Skip("the reference has no tcprules")
	}
	m.write(home+"/control/smtp", "127.:allow,RELAYCLIENT=\"\"\n:allow\n", "root")
	m.run("sh", "-c", "cd "+home+"/control && tcprules smtp.cdb smtp.tmp < smtp")
	m.listen()
	m.smtpSend("out", "john@linuxfromsource.org", "somebody@far.example")
	m.awaitLog("success: sent_to_far.example_for_somebody@far.example_by_john@linuxfromsource.org/")
	m.awaitEmpty()
}

func TestADotQmailFileRunsAPipeline(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.write("/home/susie/.qmail", "# a comment\n|preline sh -c 'cat >filtered; echo \"$EXT $LOCAL $HOST $SENDER\" >>filtered'\n./Maildir/\n&dirk\n", "susie")
	m.start()
	m.send("olaf", "pipe", "susie@"+site.Me)
	m.awaitMail("susie", "Subject: pipe")
	m.awaitMail("dirk", "Subject: pipe")
	m.awaitLog("success: did_1+1+1/qp_")
	m.awaitEmpty()
	got, err := m.read("/home/susie/filtered")
	want := regexp.MustCompile(`^From olaf@` + site.Me + ` \w{3} \w{3} [ \d]\d [\d:]{8} \d{4}\nReturn-Path: <olaf@` + site.Me +
		`>\nDelivered-To: susie@` + site.Me + `\n(?s:.*)\n susie ` + site.Me + ` olaf@` + site.Me + `\n$`)
	if err != nil || !want.MatchString(got) {
		t.Errorf("filtered is %q, %v", got, err)
	}
}

func TestMailGoesThroughPrelineAndProcmail(t *testing.T) {
	t.Parallel()
	need(t, "procmail", "procmail")
	m := newMachine(t)
	m.write("/home/susie/.qmail", "| preline /usr/bin/procmail\n", "susie")
	m.write("/home/susie/.procmailrc", "DEFAULT=$HOME/Maildir/\n:0f\n| sed 1d\n\n:0\n* ^Subject:.*spam\n| cat >>$HOME/spam\n", "susie")
	m.start()
	m.send("olaf", "ham", "susie@"+site.Me)
	m.send("olaf", "spam", "susie@"+site.Me)
	m.awaitMail("susie", "Subject: ham")
	m.await("the spam", func() bool { text, _ := m.read("/home/susie/spam"); return strings.Contains(text, "Subject: spam") })
	m.awaitEmpty()
	if text, _ := m.read("/home/susie/spam"); strings.HasPrefix(text, "From ") {
		t.Errorf("procmail's sed did not cut the first line: %q", text)
	}
}

func TestAScannerCallsSendmailForItsClients(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	out, err := m.try("daemon", "From: a@b.example\nSubject: scanned\n\n.\nmore\n", nil,
		"sendmail", "-oem", "-oi", "-f", "visitor@elsewhere.example", "john@linuxfromsource.org")
	if err != nil {
		t.Fatalf("%v %s", err, out)
	}
	got := m.awaitMail("john", "Subject: scanned")
	if !strings.HasPrefix(got, "Return-Path: <visitor@elsewhere.example>\n") || !strings.HasSuffix(got, "\n\n.\nmore\n") {
		t.Errorf("got %q", got)
	}
}

func TestASlowReaderIsNotHeldAgainstOthers(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	// A delivery that hangs until it is told to go on.
	m.hold()
	m.write("/home/olaf/.qmail", whileHeld, "olaf")
	m.start()
	m.send("susie", "slow", "olaf@"+site.Me)
	m.awaitLog("starting delivery 1:")
	m.send("susie", "fast", "dirk@"+site.Me)
	m.awaitMail("dirk", "Subject: fast")
	if m.log.has("delivery 1: ") && !m.log.has("starting delivery 1: ") {
		t.Error("the slow delivery has ended")
	}
	m.letGo()
	m.awaitLog("delivery 1: success: did_0+0+1/")
	m.awaitEmpty()
}
