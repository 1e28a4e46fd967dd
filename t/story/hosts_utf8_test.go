//go:build linux

package story

import (
	"fmt"
	"strings"
	"testing"
)

// newUTF8Hosts makes two hosts that speak SMTPUTF8. The second also takes mail
// for a domain beyond ASCII.
func newUTF8Hosts(t *testing.T) (a, b *host) {
	h := newHosts(t, "xn--bcher-kva.example MX 10 b.example\n", addrA, addrB)
	a, b = h[0], h[1]
	for _, h := range h {
		h.control("extensions", "smtputf8\n")
		h.control("timeoutconnect", "60\n") // nobody is dead here
	}
	b.control("locals", "b.example\nbücher.example\n")
	b.control("rcpthosts", "b.example\nbücher.example\n")
	return a, b
}

func TestAddressesBeyondASCIIReachUsersAndFiles(t *testing.T) {
	t.Parallel()
	a, b := newUTF8Hosts(t)
	b.write("/home/dirk/.qmail-für", "./Maildir/\n", "dirk")
	b.write(home+"/alias/.qmail-größe", "&susie@b.example\n", "alias")
	dirk := users.Account("dirk")
	b.write(home+"/users/assign", fmt.Sprintf("=übung:dirk:%d:%d:%s:::\n.\n", dirk.Uid, users.PrimaryGid("dirk"), dirk.Home), "root")
	b.run(home + "/bin/qmail-newu")
	a.start()
	b.up()
	const from = "Received: from a.example (192.0.2.1)\n  by b.example with UTF8SMTP; "
	for _, c := range []struct{ sender, recipient, user string }{
		{"jörg@a.example", "dirk-für@b.example", "dirk"},
		{"jörg@a.example", "größe@bücher.example", "susie"},
		{"susie@a.example", "übung@b.example", "dirk"},
		{"jörg@a.example", "dirk@b.example", "dirk"},
	} {
		a.enqueue("for "+c.recipient, c.sender, c.recipient)
		got := b.awaitMail(c.user, "Subject: for "+c.recipient+"\n")
		for _, part := range []string{from, "Delivered-To: " + c.recipient + "\n"} {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %q in %q", c.recipient, part, got)
			}
		}
	}
	a.awaitEmpty()
	b.awaitEmpty()
}

func TestABounceFindsItsWayToASenderBeyondASCII(t *testing.T) {
	t.Parallel()
	a, b := newUTF8Hosts(t)
	a.write(home+"/alias/.qmail-jörg", "&susie@a.example\n", "alias")
	a.up()
	b.up()
	a.enqueue("lost", "jörg@a.example", "niemand-ü@b.example")
	got := a.awaitMail("susie", "failure notice")
	for _, part := range []string{
		"Delivered-To: jörg@a.example\n",
		"Received: from b.example (192.0.2.2)\n  by a.example with UTF8SMTP; ",
		"To: \"jörg\"@a.example\n",
		"\n<niemand-ü@b.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n",
		"\nReturn-Path: <\"jörg\"@a.example>\n",
		" with UTF8SMTP; ",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in %q", part, got)
		}
	}
	a.awaitEmpty()
	b.awaitEmpty()
}

func TestAHostThatKnowsNoSMTPUTF8GetsOnlyWhatItUnderstands(t *testing.T) {
	t.Parallel()
	a, b := newUTF8Hosts(t)
	a.start()
	p := b.peer(addrB, nil)
	a.enqueue("cannot", a.at("susie"), "für@b.example")
	a.awaitMail("susie", "\n<für@b.example>:\nConnected to 192.0.2.2 but server does not support internationalized email addresses.\n")
	a.enqueue("can", a.at("susie"), "fuer@b.example")
	a.await("the other message", func() bool { return len(p.messages()) == 1 })
	p.follow(script{"EHLO": "250-b.example\r\n250 SMTPUTF8", "MAIL FROM:<susie@a.example> SMTPUTF8": "250 ok", "MAIL": "555 no"})
	a.enqueue("now it can", a.at("susie"), "für@b.example")
	a.await("the message", func() bool { return len(p.messages()) == 2 })
	a.awaitEmpty()
}
