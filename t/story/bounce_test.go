//go:build linux

package story

import (
	"strings"
	"testing"

	"goqmail/t/site"
)

func TestABounceGoesToTheSender(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.send("susie", "lost", "nobody-here@"+site.Me)
	got := m.awaitMail("susie", "failure notice")
	for _, part := range []string{
		"Return-Path: <>\nDelivered-To: susie@" + site.Me + "\nReceived: (qmail ",
		" invoked for bounce); ",
		"From: MAILER-DAEMON@" + site.Me + "\nTo: susie@" + site.Me + "\nSubject: failure notice\n\n",
		"Hi. This is the qmail-send program at " + site.Me + ".\nI'm afraid I wasn't able to deliver your message to the following addresses.\n",
		"\n\n<nobody-here@" + site.Me + ">:\nSorry, no mailbox here by that name. (#5.1.1)\n",
		"\n--- Below this line is a copy of the message.\n\nReturn-Path: <susie@" + site.Me + ">\nReceived: (qmail ",
		"Subject: lost\n\nbody\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in the bounce %q", part, got)
		}
	}
	m.awaitLog("failure: Sorry,_no_mailbox_here_by_that_name._(#5.1.1)/")
	m.awaitLog("bounce msg ")
	m.awaitEmpty()
}

func TestABounceOfABounceGoesToThePostmaster(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.enqueue("lost", "never-was@"+site.Me, "nobody-here@"+site.Me)
	got := m.awaitMail("john", "failure notice")
	for _, part := range []string{
		"Return-Path: <#@[]>\nDelivered-To: john@" + site.Me + "\n",
		"To: postmaster@" + site.Me + "\n",
		"I tried to deliver a bounce message to this address, but the bounce bounced!\n",
		"<never-was@" + site.Me + ">:\nSorry, no mailbox here by that name. (#5.1.1)\n",
		"--- Below this line is the original bounce.\n\nReturn-Path: <>\n",
		"<nobody-here@" + site.Me + ">:\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in the double bounce %q", part, got)
		}
	}
	m.awaitEmpty()
}

func TestABounceOfADoubleBounceIsDiscarded(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.control("doublebounceto", "nobody-either\n")
	m.start()
	m.enqueue("lost", "never-was@"+site.Me, "nobody-here@"+site.Me)
	m.awaitLog("triple bounce: discarding bounce/")
	m.awaitEmpty()
	if n := len(m.mail("john")); n != 0 {
		t.Errorf("john got %d messages", n)
	}
}

func TestABounceOfAnUnknownAddressComesFromTheRelay(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.in(func() error { return nil })
	m.run("rm", "/home/source/.qmail-default")
	m.start()
	m.listen()
	m.smtpSend("lost", "susie@"+site.Me, "zuzie@linuxfromsource.org")
	// The bounce speaks of the address that the sender used.
	m.awaitMail("susie", "\n<zuzie@linuxfromsource.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n")
	m.awaitEmpty()
}

// remote makes a qmail-remote that answers what answer says, in printf's
// words, or waits as long as there is /tmp/hold.
func (m *machine) remote(answer string) {
	m.t.Helper()
	m.replace("qmail-remote", "cat >/dev/null\nwhile test -e /tmp/hold; do sleep 0.02; done\nprintf '"+answer+"'\n")
}

func TestARemoteFailureBounces(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.remote(`h192.0.2.9 does not like recipient.\n\0DGiving up.\n\0`)
	m.start()
	m.send("susie", "away", "somebody@far.example")
	got := m.awaitMail("susie", "failure notice")
	if want := "<somebody@far.example>:\n192.0.2.9 does not like recipient.\nGiving up.\n"; !strings.Contains(got, want) {
		t.Errorf("no %q in the bounce %q", want, got)
	}
	m.awaitLog("starting delivery 1: msg ")
	m.awaitLog(" to remote somebody@far.example")
	m.awaitLog("delivery 1: failure: 192.0.2.9_does_not_like_recipient./Giving_up./")
	m.awaitEmpty()
}

func TestARemoteDeferralIsTriedAgainOnALRM(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.replace("qmail-remote", `cat >/dev/null
if test -e /tmp/up
then printf 'r\0K%s took it\n\0' "$1"
else printf 's\0ZConnected to nobody.\n\0'
fi
`)
	m.start()
	m.send("susie", "away", "somebody@far.example")
	m.awaitLog("delivery 1: deferral: Connected_to_nobody./")
	m.awaitLog("status: local 0/20 remote 0/20")
	got := m.run(home + "/bin/qmail-qread")
	if want := "<susie@" + site.Me + "> \n\tremote\tsomebody@far.example\n"; !strings.HasSuffix(got, want) {
		t.Errorf("qmail-qread says %q, want %q at the end", got, want)
	}
	got = m.run(home + "/bin/qmail-qstat")
	if want := "messages in queue: 1\nmessages in queue but not yet preprocessed: 0\n"; got != want {
		t.Errorf("qmail-qstat says %q, want %q", got, want)
	}
	m.write("/tmp/up", "", "root")
	m.alarm()
	m.awaitLog("delivery 2: success: far.example_took_it/")
	m.awaitEmpty()
}

func TestAQueueLifetimeThatIsOverTurnsDeferralIntoABounce(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.control("queuelifetime", "0\n")
	m.remote(`s\0ZConnected to nobody.\n\0`)
	m.start()
	m.send("susie", "away", "somebody@far.example")
	m.awaitLog("deferral: Connected_to_nobody./")
	// The try after the next is the last: by then the message is a second old.
	m.await("the bounce", func() bool {
		m.alarm()
		return m.count("susie", "I'm not going to try again; this message has been in the queue too long.") == 1
	})
	m.awaitEmpty()
}

func TestAMissingRemoteProgramDefers(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if !m.ours() {
		t.Skip("the reference bounces")
	}
	m.replace("qmail-remote", "")
	m.run("chmod", "000", "/tmp/qmail-remote")
	m.start()
	m.send("susie", "away", "somebody@far.example")
	m.awaitLog("delivery 1: deferral: ")
	m.stop()
	if n := m.count("susie", "failure notice"); n != 0 {
		t.Error("it bounced")
	}
}
