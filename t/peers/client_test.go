//go:build linux

package peers

import (
	"os"
	"strings"
	"testing"

	"goqmail/t/site"
)

// terminal makes terminals for a client that wants one.
func (m *machine) terminal() {
	m.t.Helper()
	m.run("root", "", "sh", "-ec", "mkdir /dev/pts; mount -t devpts -o newinstance,ptmxmode=666 devpts /dev/pts; ln -s pts/ptmx /dev/ptmx; mknod -m 666 /dev/tty c 5 0")
}

func TestMuttSendsAndReads(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "mutt mutt", "script bsdutils")
	m.terminal()
	m.start()
	// As Debian's /etc/Muttrc has it, mutt runs /usr/sbin/sendmail -oem -oi -f
	// with the sender.
	m.write("/home/susie/.muttrc", "set folder=~/Maildir mbox_type=Maildir spoolfile=~/Maildir\nset realname='Susie Summer' from=susie@"+site.Me+
		" envelope_from=yes use_from=yes charset=utf-8 send_charset=utf-8 copy=no\n", "susie")
	m.write("/home/susie/attached", "\x00\x01binary\xff\n", "susie")
	m.run("susie", "from mutt\n.\n", "mutt", "-s", "for Olaf", "-c", "dirk@"+site.Me, "-b", "pamela@"+site.Me, "-a", "attached", "--", "olaf@"+site.Me)
	for _, user := range []string{"olaf", "dirk", "pamela"} {
		got := m.awaitMail(user, "Subject: for Olaf")
		wants(t, user, got, "Return-Path: <susie@"+site.Me+">\nDelivered-To: "+user+"@"+site.Me+"\n", "\nFrom: Susie Summer <susie@"+site.Me+">\n",
			"\nTo: olaf@"+site.Me+"\nCc: dirk@"+site.Me+"\n", "\nContent-Type: multipart/mixed; boundary=", "\nfrom mutt\n.\n")
		if strings.Contains(got, "pamela@"+site.Me+">\n") || strings.Contains(got, "\nBcc: ") {
			t.Errorf("%s learns of the blind copy: %q", user, got)
		}
	}

	// It reads what qmail-local stored: it moves the message to cur/, marks it
	// as answered and answers.
	m.send("olaf", "to read", "susie@"+site.Me)
	m.awaitMail("susie", "Subject: to read")
	m.write("/tmp/editor", "#!/bin/sh\necho an answer >>\"$1\"\n", "root")
	m.in(func() error { return os.Chmod("/tmp/editor", 0o755) })
	// Where anything disturbs it, mutt forgets what was pushed and waits for keys.
	m.write("/tmp/reply", `for try in 1 2 3; do
	timeout --foreground 120 script -qec "mutt -e 'set editor=/tmp/editor include=no fast_reply=yes' -e 'push <reply><send-message><quit>y'" /dev/null && exit
	echo once more
done
exit 1
`, "root")
	if said := m.run("susie", "", "env", "TERM=vt100", "sh", "/tmp/reply"); strings.Contains(said, "once more") {
		t.Log(said)
	}
	wants(t, "the answer", m.awaitMail("olaf", "Subject: Re: to read"), "\nTo: olaf@"+site.Me+"\n", "\nIn-Reply-To: <", "an answer\n")
	m.in(func() error {
		names, err := os.ReadDir("/home/susie/Maildir/cur")
		if err != nil || len(names) != 1 || !strings.HasSuffix(names[0].Name(), ":2,RS") {
			t.Errorf("cur/ has %v, want one message with flags RS", names)
		}
		return err
	})
	m.awaitEmpty()
}

func TestSnailSendsThroughSendmail(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "s-nail s-nail")
	m.start()
	m.run("susie", "from s-nail\n.\nmore\n", "s-nail", "-:/", "-S", "mta=/usr/sbin/sendmail", "-r", "susie@"+site.Me, "-s", "for Olaf", "-c", "dirk@"+site.Me, "-b", "pamela@"+site.Me, "olaf@"+site.Me)
	for _, user := range []string{"olaf", "dirk", "pamela"} {
		wants(t, user, m.awaitMail(user, "Subject: for Olaf"), "Return-Path: <susie@"+site.Me+">\nDelivered-To: "+user+"@"+site.Me+"\n",
			"\nTo: olaf@"+site.Me+"\nCc: dirk@"+site.Me+"\n", "\n\nfrom s-nail\n.\nmore\n")
	}
	// -t: recipients in the header.
	m.run("susie", "To: jennifer@"+site.Me+"\nSubject: for Jennifer\n\nby -t\n", "s-nail", "-:/", "-S", "mta=/usr/sbin/sendmail", "-t")
	wants(t, "jennifer", m.awaitMail("jennifer", "Subject: for Jennifer"), "\nTo: jennifer@"+site.Me+"\n", "\n\nby -t\n")
	// It reads the Maildir.
	out := m.run("jennifer", "type 1\nquit\n", "s-nail", "-:/", "-R", "-S", "crt=0", "-S", "PAGER=cat", "-f", "Maildir")
	wants(t, "what it shows", out, "Subject: for Jennifer", "by -t")
	m.awaitEmpty()
}
