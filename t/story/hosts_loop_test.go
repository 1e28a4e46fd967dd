//go:build linux

package story

import (
	"strings"
	"testing"
)

// Two hosts that each take the other for the way to a domain.
func TestALoopBetweenHostsEndsInABounce(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	for _, h := range h {
		h.control("rcpthosts", h.name+"\nlost.example\n")
	}
	a.control("smtproutes", "lost.example:b.example\n")
	b.control("smtproutes", "lost.example:a.example\n")
	a.up()
	b.up()
	a.enqueue("round and round", a.at("susie"), "dirk@lost.example")
	bounce := a.awaitMail("susie", "\n<dirk@lost.example>:\n")
	if want := " failed after I sent the message.\nRemote host said: 554 too many hops, this message is looping (#5.4.6)\n"; !strings.Contains(bounce, want) {
		t.Errorf("no %q in %q", want, bounce)
	}
	// One line is of the message's start, and each host on the way has left two:
	// so the first message with 100 has 101.
	if n := strings.Count(bounce[strings.Index(bounce, "--- Below"):], "\nReceived: "); n != 101 {
		t.Errorf("the message had %d Received lines, want 101", n)
	}
	a.awaitEmpty()
	b.awaitEmpty()
}

// Two users who forward to each other.
func TestForwardingInACircleEndsWhereItBegan(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.write("/home/dirk/.qmail", "&olaf@b.example\n", "dirk")
	b.write("/home/olaf/.qmail", "&dirk@a.example\n", "olaf")
	a.up()
	b.up()
	a.enqueue("circle", a.at("susie"), a.at("dirk"))
	bounce := a.awaitMail("susie", "\n<dirk@a.example>:\nThis message is looping: it already has my Delivered-To line. (#5.4.6)\n\n")
	for _, line := range []string{"\nDelivered-To: dirk@a.example\n", "\nDelivered-To: olaf@b.example\n"} {
		if n := strings.Count(bounce, line); n != 1 {
			t.Errorf("%q is there %d times in %q", line, n, bounce)
		}
	}
	a.awaitEmpty()
	b.awaitEmpty()
}

func TestABounceCrossesTheNetwork(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.up()
	b.up()
	a.enqueue("lost", a.at("susie"), b.at("nobody-here"))
	bounce := a.awaitMail("susie", "Hi. This is the qmail-send program at b.example.\n")
	for _, part := range []string{
		"Return-Path: <>\nDelivered-To: susie@a.example\n",
		"\nReceived: from b.example (192.0.2.2)\n  by a.example with SMTP; ",
		"\nFrom: MAILER-DAEMON@b.example\nTo: susie@a.example\n",
		"\n<nobody-here@b.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n",
	} {
		if !strings.Contains(bounce, part) {
			t.Errorf("no %q in %q", part, bounce)
		}
	}
}

func TestADoubleBounceGoesToThePostmasterWhereTheBounceBounced(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.up()
	b.up()
	// b bounces it to a sender whom a does not have. That a learns only after it
	// has taken the bounce.
	a.enqueue("lost", a.at("never-was"), b.at("nobody-here"))
	got := a.awaitMail("john", "I tried to deliver a bounce message to this address, but the bounce bounced!\n")
	for _, part := range []string{
		"Return-Path: <#@[]>\nDelivered-To: john@a.example\n", "\nTo: postmaster@a.example\n", "\n<never-was@a.example>:\n",
		"--- Below this line is the original bounce.\n\nReturn-Path: <>\n", "\nFrom: MAILER-DAEMON@b.example\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in %q", part, got)
		}
	}
	a.awaitEmpty()
	b.awaitEmpty()
	if n := len(b.mail("john")); n != 0 {
		t.Errorf("b's postmaster has %d messages", n)
	}
}

func TestADoubleBounceForAnotherHostIsDiscardedThereIfNobodyWantsIt(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.control("doublebouncehost", "b.example\n")
	a.control("doublebounceto", "nobody-either\n")
	a.up()
	b.up()
	a.enqueue("lost", a.at("never-was"), a.at("nobody-here"))
	a.awaitLog("to remote nobody-either@b.example")
	b.awaitLog("from <#@[]>")
	b.awaitLog("triple bounce: discarding bounce/")
	a.awaitEmpty()
	b.awaitEmpty()
}
