//go:build linux

package story

import (
	"strings"
	"testing"
)

// exchange sends a message and an answer, which must come from these addresses.
func exchange(a, b *host, fromA, fromB string) {
	a.t.Helper()
	a.enqueue("there", a.at("susie"), b.at("dirk"))
	got := b.awaitMail("dirk", "Subject: there")
	if want := "Received: from a.example (" + fromA + ")\n  by b.example with SMTP; "; !strings.Contains(got, want) {
		a.t.Errorf("no %q in %q", want, got)
	}
	b.enqueue("and back", b.at("dirk"), a.at("susie"))
	got = a.awaitMail("susie", "Subject: and back")
	if want := "Received: from b.example (" + fromB + ")\n  by a.example with SMTP; "; !strings.Contains(got, want) {
		a.t.Errorf("no %q in %q", want, got)
	}
}

func TestMailCrossesIPv6WhereThereIsNothingElse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, addrs string }{{"one has IPv4", addrA + " " + addr6A}, {"none has IPv4", addr6A}} {
		t.Run(c.name, func(t *testing.T) {
			h := newHosts(t, "", c.addrs, addr6B)
			a, b := h[0], h[1]
			a.up()
			b.up()
			exchange(a, b, addr6A, addr6B)
			a.awaitEmpty()
			b.awaitEmpty()
		})
	}
}

func TestIPv4ComesFirst(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA+" "+addr6A, addrB+" "+addr6B)
	a, b := h[0], h[1]
	a.up()
	b.up()
	exchange(a, b, addrA, addrB)
}

func TestTheOtherFamilyIsTriedWhereOneIsUnreachable(t *testing.T) {
	t.Parallel()
	// Nobody has 192.0.2.99, nor 2001:db8::99.
	zone := "six.example A 192.0.2.99\nsix.example AAAA 2001:db8::2\n" +
		"four.example MX 10 nowhere.example\nfour.example MX 20 b.example\nnowhere.example AAAA 2001:db8::99\n" +
		"neither.example A 192.0.2.99\nneither.example AAAA 2001:db8::99\n"
	h := newHosts(t, zone, addrA+" "+addr6A, addrB+" "+addr6B)
	a, b := h[0], h[1]
	a.start()
	four, six := b.peer(addrB, nil), b.peer(addr6B, nil)
	for _, domain := range []string{"four", "six", "neither"} {
		a.enqueue(domain, a.at("susie"), "dirk@"+domain+".example")
	}
	a.awaitLog("success: 192.0.2.2_accepted_message./")
	a.awaitLog("success: 2001:db8::2_accepted_message./")
	a.awaitLog(noConnection)
	for name, p := range map[string]*peer{"four": four, "six": six} {
		if got := p.messages(); len(got) != 1 || !strings.Contains(got[0], "Subject: "+name+"\r\n") {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// Without an address of its own, a host does not bother with IPv6.
func TestAHostWithoutIPv6DoesNotSeeIt(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "both.example A 192.0.2.2\nboth.example AAAA 2001:db8::2\nsix.example AAAA 2001:db8::2\n", addrA, addrB+" "+addr6B)
	a, b := h[0], h[1]
	a.start()
	b.peer(addrB, nil)
	a.enqueue("both", a.at("susie"), "dirk@both.example")
	a.awaitLog("success: 192.0.2.2_accepted_message./")
	a.enqueue("six", a.at("susie"), "dirk@six.example")
	a.awaitMail("susie", "\n<dirk@six.example>:\nSorry, I couldn't find any host named six.example. (#5.1.2)\n\n")
}

// Mail for a host's address is mail for the host.
func TestMailForAnAddressInBracketsArrives(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA+" "+addr6A, addrB+" "+addr6B)
	a, b := h[0], h[1]
	a.start()
	b.up()
	for literal, from := range map[string]string{"[192.0.2.2]": addrA, "[IPv6:2001:db8::2]": addr6A} {
		a.enqueue("for "+literal, a.at("susie"), "dirk@"+literal)
		got := b.awaitMail("dirk", "Subject: for "+literal)
		for _, part := range []string{"\nDelivered-To: dirk@b.example\n", "\nReceived: from a.example (" + from + ")\n"} {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %q in %q", literal, part, got)
			}
		}
	}
	// A stranger's address is somebody else.
	a.control("smtproutes", "[192.0.2.9]:b.example\n")
	a.enqueue("stranger", a.at("susie"), "dirk@[192.0.2.9]")
	a.awaitMail("susie", "\n<dirk@[192.0.2.9]>:\n192.0.2.2 does not like recipient.\nRemote host said: 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)\n")
}
