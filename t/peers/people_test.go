//go:build linux

package peers

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

// newTown makes a host with a mail store and qmail running, on which accounts can be made.
func newTown(t *testing.T, peers ...string) *machine {
	t.Helper()
	m := newMailStore(t, append(peers, "procmail procmail", "useradd passwd")...)
	// Files that others are mounted on cannot be replaced.
	m.run("root", "", "sh", "-ec", "for f in passwd group; do cp /etc/$f /tmp/$f; umount /etc/$f; cp /tmp/$f /etc/$f; done; pwconv")
	// What SpamAssassin does is told elsewhere.
	m.write("/tmp/pass", "#!/bin/sh\nexec cat\n", "root")
	m.run("root", "", "sh", "-c", "chmod 755 /tmp/pass; test ! -e /usr/bin/spamassassin || mount --bind /tmp/pass /usr/bin/spamassassin")
	m.copyIn("skel.example/user", "/etc/skel.user")
	m.master()
	m.start()
	return m
}

// arrives has a message come in by SMTP.
func (m *machine) arrives(recipient, head string) {
	m.t.Helper()
	out := m.run("qmaild", "HELO client\r\nMAIL FROM:<olaf@client.example>\r\nRCPT TO:<"+recipient+">\r\nDATA\r\n"+head+"From: olaf@client.example\r\nTo: "+recipient+"\r\n\r\nbody\r\n.\r\nQUIT\r\n", "qmail-smtpd")
	wants(m.t, "qmail-smtpd", out, "\r\n250 ok ")
}

func TestNewDomainsAndUsersGetMailUntilTheyAreDeleted(t *testing.T) {
	t.Parallel()
	m := newTown(t)
	stays := regexp.MustCompile(`(?m)^newuser: \S+ stays: it says john$`)
	twice := func(input string, args ...string) (said string) {
		t.Helper()
		said = m.run("root", input, args...)
		if again := m.run("root", "", args...); strings.Trim(stays.ReplaceAllString(again, ""), "\n") != "" {
			t.Errorf("%s says once more %q", args, again)
		}
		return said
	}
	m.run("root", "", "sh", "-c", "chown qmails:mail "+home+"/control/virtualdomains; chmod 664 "+home+"/control/virtualdomains; printf last.example >>"+home+"/control/rcpthosts")
	wants(t, "newdomain", twice("", "newdomain", "example.com", "example"), "made account example", "qmail-send reads them again")
	wants(t, "newdomain -l", twice("", "newdomain", "-l", "inner.example"), "changed "+home+"/control/locals", "qmail-send reads them again")
	wants(t, "rcpthosts", m.read(home+"/control/rcpthosts"), "\nlast.example\nexample.com\ninner.example\n")
	wants(t, "virtualdomains", m.run("root", "", "stat", "-c", "%U %G %a", home+"/control/virtualdomains"), "qmails mail 664\n")
	wants(t, "the domain's home", m.run("root", "", "stat", "-c", "%U %G %a", "/home/example/Maildir/new"), "example mailusers 700\n")

	m.run("root", "", "sh", "-c", "for d in a b c d; do newdomain -l $d.example & done; wait")
	wants(t, "locals", m.read(home+"/control/locals"), "\na.example\n", "\nb.example\n", "\nc.example\n", "\nd.example\n")
	m.run("root", "", "rm", home+"/alias/.qmail-root")
	wants(t, "newuser", twice("secret\njack's\n", "newuser", "-a", "jack", "example.com"), "made account jack", "made mailboxes for jack",
		home+"/alias/.qmail-postmaster stays: it says john", "changed "+home+"/alias/.qmail-root")
	wants(t, "newuser -v", twice("secret\nvirginia's\n", "newuser", "-v", "virginia", "example.com"), "changed "+home+"/users/assign")
	twice("secret\nx\n", "newuser", "virginia-x") // an account of its own, among the names of a virtual user
	wants(t, "files of jack", m.run("root", "", "sh", "-c", "cd /home/jack; stat -c '%n %U %a' .qmail .procmailrc; cat .qmail; grep ^USER .procmailrc; stat -c '%n %U %a' ~example/.qmail-*"),
		".qmail jack 600\n", ".procmailrc jack 600\n", "| preline /usr/bin/procmail\n", "USER=\"jack\"\n", "/.qmail-default example 640\n")

	boxes := map[string]string{"jack@example.com": "jack", "postmaster@example.com": "jack", "nobody@example.com": "jack", "virginia@example.com": "virginia", "jack@inner.example": "jack"}
	for recipient := range boxes {
		m.arrives(recipient, "Subject: for "+recipient+"\r\n")
	}
	for _, user := range []string{"jack", "virginia"} {
		m.arrives(user+"@example.com", "X: none\r\n")
	}
	for recipient, box := range boxes {
		m.awaitInbox(box, "\r\nSubject: for "+recipient+"\r\n")
	}
	for _, user := range []string{"jack", "virginia"} {
		m.awaitInbox(user+"/SPAM", "\r\nX: none\r\n")
		wants(t, user, m.run("dirk", "", "cyradm", "--user", user, "--password", user+"'s", "-e", "lm", "localhost"), "INBOX ", "INBOX.SPAM ")
	}
	m.awaitEmpty()

	// Runs that are killed in the middle are finished by the next.
	m.run("root", "", "sh", "-c", "printf killed.example:example >>"+home+"/control/virtualdomains")
	killed := func(args string) {
		m.run("root", "", "sh", "-c", "sh -c 'kill -9 $$' & ln -s $! "+home+"/users/.lock; wait; "+args)
	}
	killed("newdomain killed.example example")
	m.AwaitCalm(t) // qmail-send reads it again
	m.arrives("jack@killed.example", "Subject: after a kill\r\n")
	m.awaitInbox("jack", "\r\nSubject: after a kill\r\n")
	m.awaitEmpty()

	// Who is deleted gets no mail; what he has is kept unless he is removed.
	wants(t, "deluser", m.run("root", "", "deluser", "virginia"), "/home/example/virginia is /home/example/virginia.deleted now", "removed the password of virginia", "mailboxes of virginia are kept")
	m.run("root", "", "sh", "-ec", "cd "+home+"/users; newuser -v vic example.com </dev/null || :; cp cdb kept; deluser vic; mv kept cdb; grep -a '!vic' cdb")
	killed("deluser vic")
	m.run("root", "", "sh", "-ec", "! grep -a '!vic' "+home+"/users/cdb")
	wants(t, "deluser", m.run("root", "", "deluser", "jack"), "warning: /home/example/.qmail-default still sends mail to jack", "removed account jack", "/home/jack is /home/jack.deleted now")
	m.run("root", "", "sh", "-ec", `test -f /var/spool/imap/user/jack/1. && test -f /home/jack.deleted/.qmail && ! id jack && test "$(stat -c '%U %a' /home/jack.deleted)" = "root 700" &&
		! grep virginia: /var/qmail/users/assign && test ! -e ~example/.qmail-jack && test -e ~example/.qmail-root`)
	m.run("root", "", "deluser", "jack") // nothing more to do
	for _, user := range []string{"jack", "virginia"} {
		wants(t, "deluser -r", m.run("root", "secret\n", "deluser", "-r", user), "removed the mailboxes of "+user)
	}
	m.run("root", "", "sh", "-ec", "test ! -e /var/spool/imap/user/jack/1.; test ! -e /var/spool/imap/user/virginia/1.; id virginia-x; grep -x example.com:example "+home+"/control/virtualdomains; test ! -e "+home+"/users/.lock")
	m.control("doublebounceto", "")
	m.arrives("virginia@example.com", "Subject: too late\r\n")
	m.awaitLog("qmail", "delivery 1")
	m.await("no mail for virginia", func() bool { return strings.Contains(m.read("/var/log/qmail"), "Sorry,_no_mailbox_here_by_that_name") })
}

func TestScriptsForPeopleCheckWhatTheyAreTold(t *testing.T) {
	t.Parallel()
	m := newTown(t)
	m.control("locals", "local.example\n"+m.read(home+"/control/locals"))
	state := func() string {
		return m.run("root", "", "sh", "-c", "cd "+home+"; cat control/* users/* 2>/dev/null; ls -a alias users control /home /home/source /tmp; cat /etc/passwd /etc/group")
	}
	before := state()
	for _, args := range []string{
		"newdomain", "newdomain a.example b c", "newdomain -l a.example b", "newdomain -x a.example",
		"newdomain nodot", "newdomain .example.com", "newdomain example.com.", "newdomain a..b", "newdomain -- -a.b", "newdomain a.-b.c", "newdomain a.b-", "newdomain UPPER.example",
		"newdomain ../../tmp/x.y", "newdomain a/b.example", "newdomain a.b:root", "newdomain 'a.b;touch /tmp/owned'", "newdomain '$(touch /tmp/owned).example'", "newdomain 'a.example\nb.example'",
		"newdomain " + strings.Repeat("a", 64) + ".example", "newdomain " + strings.Repeat("abcdefghi.", 26) + "example",
		"newdomain a.example root", "newdomain a.example ../x", "newdomain a.example 1a", "newdomain -g 'x;y' a.example", "newdomain linuxfromsource.org binary", "newdomain a.example source-x", "newdomain local.example", "newdomain -l linuxfromsource.org",
		"newuser", "newuser a b c", "newuser -v jack", "newuser Jack", "newuser jack.x", "newuser 'jack:x'", "newuser ../jack", "newuser jack/x", "newuser 'a b'", "newuser 'a\nb'", "newuser -- -r", "newuser default", "newuser root", "newuser jack-",
		"newuser '`touch /tmp/owned`'", "newuser " + strings.Repeat("a", 32), "newuser jack unknown.example", "newuser jack ../x.y", "newuser -v john linuxfromsource.org", "newuser source-john", "newuser source",
		"deluser", "deluser a b", "deluser root", "deluser ../john", "deluser source", "deluser 'john;x'", "deluser ''", "deluser '*'",
	} {
		out, err := m.try("root", "", "sh", "-c", args)
		code := new(exitCoder)
		if !errors.As(err, code) || (*code).ExitCode() != 100 || !strings.HasPrefix(out, strings.Fields(args)[0]+": fatal: ") && !strings.HasPrefix(out, "usage: ") && !strings.Contains(out, "\nusage: ") {
			t.Errorf("%s: %v, %q", args, err, out)
		}
	}
	if after := state(); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	for _, args := range []string{"newdomain a.example", "newuser jack", "deluser jack"} {
		if out, err := m.try("john", "", "sh", "-c", args); err == nil || !strings.Contains(out, "this is for root") {
			t.Errorf("john may %s: %q", args, out)
		}
	}
	// A user's link leads nobody elsewhere.
	m.run("root", "", "sh", "-c", "rm -f /home/john/.qmail /home/john/.procmailrc; ln -s /etc/trap /home/john/.qmail; ln -s /etc/trap /home/john/.procmailrc")
	if out, err := m.try("root", "", "newuser", "john"); err == nil {
		t.Errorf("newuser says %q", out)
	}
	if trap := m.read("/etc/trap"); trap != "" {
		t.Errorf("written by a link: %q", trap)
	}
}
