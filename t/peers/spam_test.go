//go:build linux

package peers

import (
	"strings"
	"testing"

	"goqmail/t/site"
)

// gtube is the text that every filter of spam knows, for tests.
const gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

// A user's recipe of 2004 has the sanitizer filter mail, SpamAssassin judge it, and
// deliver store it in one of two mailboxes.
func TestProcmailSortsOutWhatSpamAssassinFinds(t *testing.T) {
	t.Parallel()
	m := newMailStore(t, "procmail procmail", "spamassassin spamassassin", "bash bash")
	m.master()
	m.run("cyrus", "", "cyradm", "--user", "cyrus", "--password", "secret", "--auth", "login", "-e", "cm user.john", "-e", "cm user.john.SPAM", "localhost")
	m.write("/etc/spamassassin/local.cf", "dns_available no\n", "root")
	m.write("/home/john/.qmail", "| preline /usr/bin/procmail\n", "john")
	m.write("/home/john/.procmailrc", strings.ReplaceAll(procmailrc, "<user>", "john"), "john")
	m.run("root", "", "install", "-m", "666", "/dev/null", "/var/log/procmail.log")
	m.anomy()
	m.start()
	send := func(head, body string) {
		t.Helper()
		m.run("olaf", head+"From: Olaf Olsen <olaf@"+site.Me+">\n\n"+body+"\n", "sendmail", "-f", "olaf@"+site.Me, "john@linuxfromsource.org")
	}
	const to = "To: john@linuxfromsource.org\n"
	send(to+"Subject: clean\n", "Hello John, the minutes of Monday are in the shared folder. Regards, Olaf")
	send(to+"Subject: spam\n", gtube)
	send(to+"X: no subject\n", "Hello")
	send(to+"Subject: big [ADV]\n", "Hello")
	m.awaitEmpty()
	wants(t, "clean mail", m.awaitInbox("john", "\r\nSubject: clean\r\n"), "\r\nX-Spam-Status: No, ", "\r\nX-Sanitizer: This mail was sanitized\r\n", "Delivered-To: john@"+site.Me+"\r\n")
	wants(t, "spam", m.awaitInbox("john/SPAM", gtube), "\r\nX-Spam-Status: Yes, ", "GTUBE")
	m.awaitInbox("john/SPAM", "\r\nX: no subject\r\n")
	m.awaitInbox("john/SPAM", "\r\nSubject: big [ADV]\r\n")
	for box, want := range map[string]int{"john": 1, "john/SPAM": 3} {
		if n := len(m.inbox(box)); n != want {
			t.Errorf("%s has %d messages, want %d", box, n, want)
		}
	}
	lacks(t, "procmail's log", m.read("/var/log/procmail.log"), "Rescue", "rror")
}

// The recipe as a Sieve script sorts mail alike.
func TestSieveSortsAsProcmailDoes(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "sieve-test dovecot-sieve")
	m.write("/tmp/spam.sieve", source(t, "imap.example/spam.sieve"), "root")
	m.write("/tmp/dovecot.conf", "", "root")
	const clean = "From: a@x.example\nTo: b@x.example\nSubject: minutes\nX-Spam-Status: No, score=1\n\nbody\n"
	for _, c := range []struct {
		name, old, new, to string
	}{
		{"clean", "", "", "INBOX"},
		{"found by SpamAssassin", "No, ", "Yes, ", "INBOX.SPAM"},
		{"no subject", "Subject", "Object", "INBOX.SPAM"},
		{"no recipient", "\nTo:", "\nX-To:", "INBOX.SPAM"},
		{"no author", "From:", "X-From:", "INBOX.SPAM"},
		{"its subject", "minutes", "big [adv]", "INBOX.SPAM"},
		{"its author", "a@x", "offers@x", "INBOX.SPAM"},
		{"its body", "body", "some pornography", "INBOX.SPAM"},
		{"advertises later", "minutes", "no ADV", "INBOX"},
	} {
		m.write("/tmp/message", strings.Replace(clean, c.old, c.new, 1), "root")
		out := m.run("dirk", "", "sieve-test", "-c", "/tmp/dovecot.conf", "/tmp/spam.sieve", "/tmp/message")
		if !strings.Contains(out, " store message in folder: "+c.to+"\n") {
			t.Errorf("%s: %s", c.name, out)
		}
	}
}
