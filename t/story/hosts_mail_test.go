//go:build linux

package story

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"goqmail/t/lab"
)

func TestMailReachesAnotherHost(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	b.up()
	a.enqueue("hello", a.at("susie"), b.at("dirk"), b.at("olaf"))
	for _, user := range []string{"dirk", "olaf"} {
		got := b.awaitMail(user, "Subject: hello\n\nbody\n")
		for _, part := range []string{
			"Return-Path: <susie@a.example>\nDelivered-To: " + user + "@b.example\nReceived: (qmail ",
			" invoked from network); ",
			"\nReceived: from a.example (192.0.2.1)\n  by b.example with SMTP; ",
			" invoked by uid 0); ",
		} {
			if !strings.Contains(got, part) {
				t.Errorf("no %q in %q", part, got)
			}
		}
	}
	a.awaitLog("success: 192.0.2.2_accepted_message./Remote_host_said:_250_ok_")
	a.awaitEmpty()
	b.awaitEmpty()
}

// refusal is a way to refuse a message.
type refusal struct {
	name   string
	script script
	text   string // what the sender learns, with @ for the address
	failed bool   // for good
}

const (
	recipient = "RCPT TO:<dirk@"
	died      = "Connected to @ but connection died. "
)

var refusals = []refusal{
	{"greeting", script{"": "554 go away"}, "Connected to @ but greeting failed.\nRemote host said: 554 go away\n", false},
	{"greeting for now", script{"": "421 busy"}, "Connected to @ but greeting failed.\nRemote host said: 421 busy\n", false},
	{"HELO", script{"HELO": "550 who?"}, "Connected to @ but my name was rejected.\nRemote host said: 550 who?\n", false},
	{"MAIL", script{"MAIL": "550 not you"}, "Connected to @ but sender was rejected.\nRemote host said: 550 not you\n", true},
	{"MAIL for now", script{"MAIL": "451 not yet"}, "Connected to @ but sender was rejected.\nRemote host said: 451 not yet\n", false},
	{"RCPT", script{recipient: "550-not him\r\n550 nor her"}, "@ does not like recipient.\nRemote host said: 550-not him\n550 nor her\nGiving up on @.\n", true},
	{"RCPT for now", script{recipient: "450 later"}, "@ does not like recipient.\nRemote host said: 450 later\nGiving up on @.\n", false},
	{"DATA", script{"DATA": "554 no room"}, "@ failed on DATA command.\nRemote host said: 554 no room\n", true},
	{"DATA for now", script{"DATA": "451 no room"}, "@ failed on DATA command.\nRemote host said: 451 no room\n", false},
	{"message", script{".": "554 spam"}, "@ failed after I sent the message.\nRemote host said: 554 spam\n", true},
	{"message for now", script{".": "452 full"}, "@ failed after I sent the message.\nRemote host said: 452 full\n", false},
	{"hung up at once", script{"": hangUp}, died + "(#4.4.2)\n", false},
	{"hung up at MAIL", script{"MAIL": hangUp}, died + "(#4.4.2)\n", false},
	{"hung up at the end", script{".": hangUp}, died + "Possible duplicate! (#4.4.2)\n", false},
}

// logged is a text as it stands in the log.
func logged(text string) string { return strings.NewReplacer(" ", "_", "\n", "/").Replace(text) }

func TestARefusalAtEachStageReachesTheSender(t *testing.T) {
	t.Parallel()
	// Each refusal has an address of b, and a domain there.
	zone, addresses := "", addrB
	at := make([]string, len(refusals))
	for i := range refusals {
		at[i] = fmt.Sprintf("192.0.2.%d", 10+i)
		zone += lab.NameRecords(fmt.Sprintf("r%d.example", i), netip.MustParseAddr(at[i]))
		addresses += " " + at[i]
	}
	h := newHosts(t, zone, addrA, addresses)
	a, b := h[0], h[1]
	a.start()
	var peers []*peer
	for i, r := range refusals {
		peers = append(peers, b.peer(at[i], r.script))
		a.enqueue(r.name, a.at("susie"), fmt.Sprintf("dirk@r%d.example", i))
	}
	for i, r := range refusals {
		text := strings.ReplaceAll(r.text, "@", at[i])
		if r.failed {
			a.awaitLog(": failure: " + logged(text))
			a.awaitMail("susie", fmt.Sprintf("\n<dirk@r%d.example>:\n%s\n--- Below this line", i, text))
		} else {
			a.awaitLog(": deferral: " + logged(text))
		}
	}
	// Those that were deferred arrive once the others have come round.
	for i, p := range peers {
		if n := len(p.messages()); n != 0 {
			t.Errorf("%s: %d messages were taken", refusals[i].name, n)
		}
		p.follow(nil)
	}
	a.alarm()
	a.awaitEmpty()
	for i, r := range refusals {
		if n := len(peers[i].messages()); (n == 0) != r.failed || n > 1 {
			t.Errorf("%s: %d messages were taken in the end", r.name, n)
		}
	}
}

func TestWhatAHostRefusesReachesTheSender(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	b.up()
	for _, c := range []struct{ control, text, answer string }{
		{"badmailfrom", "@a.example\n", "192.0.2.2 does not like recipient.\nRemote host said: 553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)\nGiving up on 192.0.2.2.\n"},
		{"databytes", "10\n", "192.0.2.2 failed after I sent the message.\nRemote host said: 552 sorry, that message size exceeds my databytes limit (#5.3.4)\n"},
		{"rcpthosts", "c.example\n", "192.0.2.2 does not like recipient.\nRemote host said: 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)\nGiving up on 192.0.2.2.\n"},
	} {
		before, _ := b.read(home + "/control/" + c.control)
		b.control(c.control, c.text)
		a.enqueue(c.control, a.at("susie"), b.at("dirk"))
		a.awaitMail("susie", "\n<dirk@b.example>:\n"+c.answer+"\n--- Below this line is a copy of the message.\n")
		b.control(c.control, before)
	}
	// A full disk is trouble of b's, and the mail waits at a.
	b.replace("qmail-queue", "exit 53\n")
	a.enqueue("patience", a.at("susie"), b.at("dirk"))
	a.awaitLog("deferral: 192.0.2.2_failed_after_I_sent_the_message./Remote_host_said:_451_qq_write_error_or_disk_full_(#4.3.0)/")
	b.run("umount", home+"/bin/qmail-queue")
	a.alarm()
	b.awaitMail("dirk", "Subject: patience")
	a.awaitEmpty()
	if got := b.mail("dirk"); len(got) != 1 {
		t.Errorf("dirk got %q", got)
	}
}

func TestOnlyRefusedRecipientsBounce(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	p := b.peer(addrB, script{"RCPT TO:<never@": "550 never", "RCPT TO:<later@": "450 later"})
	a.enqueue("three ways", a.at("susie"), b.at("now"), b.at("never"), b.at("later"))
	a.awaitLog("failure: 192.0.2.2_does_not_like_recipient./Remote_host_said:_550_never/")
	a.awaitLog("deferral: 192.0.2.2_does_not_like_recipient./Remote_host_said:_450_later/")
	a.awaitLog("success: 192.0.2.2_accepted_message./") // or ALRM would come too early for the message
	// The bounce comes when nobody is left to be tried.
	if n := len(a.mail("susie")); n != 0 {
		t.Errorf("%d bounces while a recipient waits", n)
	}
	p.follow(nil)
	a.alarm()
	bounce := a.awaitMail("susie", "failure notice")
	a.awaitEmpty()
	if !strings.Contains(bounce, "<never@b.example>:") || strings.Contains(bounce, "<now@") || strings.Contains(bounce, "<later@") {
		t.Errorf("the bounce is %q", bounce)
	}
	if n := len(p.messages()); n != 2 {
		t.Errorf("%d messages were taken, want 2", n)
	}
}

// HUP is how a host learns that a domain is its own.
func TestAHostTakesANewDomainOverAfterAHup(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "new.example MX 10 b.example\n", addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	b.up()
	a.enqueue("too early", a.at("susie"), "dirk@new.example")
	a.awaitMail("susie", "\n<dirk@new.example>:\n192.0.2.2 does not like recipient.\nRemote host said: 553 ")
	b.control("rcpthosts", "b.example\nnew.example\n")
	b.control("locals", "b.example\nnew.example\n")
	// Now b takes it, and then does not know what to do with it but to give it to
	// itself, which it knows better than to try.
	a.enqueue("half way", a.at("susie"), "dirk@new.example")
	b.awaitLog("failure: Sorry._Although_I'm_listed_as_a_best-preference_MX")
	b.Signal(t, "qmail-send", syscall.SIGHUP)
	b.await("a local delivery", func() bool {
		a.enqueue("in time", a.at("susie"), "dirk@new.example")
		return b.log.has("to local dirk@new.example")
	})
	b.awaitMail("dirk", "Delivered-To: dirk@new.example\n")
}
