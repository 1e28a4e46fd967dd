//go:build linux

package story

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"goqmail/t/lab"
)

// serveNames has the host answer questions of others.
func (h *host) serveNames(addr, zone string) {
	h.t.Helper()
	h.in(func() error {
		names, err := lab.ServeNames(netip.MustParseAddr(addr), zone)
		if err == nil {
			h.t.Cleanup(names.Close)
		}
		return err
	})
}

// patient is for a machine so busy that an answer takes long.
const patient = "options timeout:10 attempts:3\n"

// resolvConf gives the host a resolv.conf of its own.
func (h *host) resolvConf(text string) {
	h.t.Helper()
	h.write("/tmp/resolv.conf", text, "root")
	h.in(func() error { return lab.Bind("/tmp/resolv.conf", "/etc/resolv.conf") })
}

func TestTheSecondNameServerIsAskedWhereTheFirstIsDown(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB, addrC)
	a, b, c := h[0], h[1], h[2]
	a.resolvConf("nameserver " + addrB + "\nnameserver " + addrC + "\n" + patient)
	a.start()
	p := b.peer(addrB, nil)
	a.enqueue("nobody knows", a.at("susie"), "dirk@d.example")
	a.awaitLog("deferral: Sorry,_I_couldn't_find_any_host_by_that_name._(#4.1.2)/")
	c.serveNames(addrC, "d.example MX 10 b.example\nb.example A 192.0.2.2\n")
	a.alarm()
	a.await("the mail", func() bool { return len(p.messages()) == 1 })
	a.awaitEmpty()
}

func TestANameServerCanBeReachedByIPv6(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addr6A, addr6B)
	a, b := h[0], h[1]
	a.resolvConf("nameserver " + addr6B + "\n" + patient)
	b.serveNames(addr6B, "d.example AAAA 2001:db8::2\n")
	a.start()
	b.peer(addr6B, nil)
	a.enqueue("by IPv6", a.at("susie"), "dirk@d.example")
	a.awaitLog("success: 2001:db8::2_accepted_message./")
}

// The answer for a domain with many exchangers does not fit into a datagram.
func TestAnAnswerThatIsTooLongComesByTCP(t *testing.T) {
	t.Parallel()
	zone := "d.example MX 5 b.example\n"
	for i := range 100 {
		zone += fmt.Sprintf("d.example MX 10 exchanger%d.example\nexchanger%d.example A 192.0.2.99\n", i, i)
	}
	h := newHosts(t, zone, addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	b.peer(addrB, nil)
	a.enqueue("by TCP", a.at("susie"), "dirk@d.example")
	a.awaitLog("success: 192.0.2.2_accepted_message./")
}

// An alias says where mail goes, and nothing of what its address is.
func TestAnAliasInTheDNSLeavesTheRecipientAlone(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "alias.example CNAME d.example\nd.example MX 10 b.example\n", addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	b.peer(addrB, script{"RCPT TO:<dirk@alias.example>": "250 that is me", "RCPT": "550 who?"})
	a.enqueue("alias", a.at("susie"), "dirk@alias.example")
	a.awaitLog("success: 192.0.2.2_accepted_message./")
	if got := a.mail("susie"); len(got) != 0 {
		t.Errorf("susie got %q", strings.Join(got, ""))
	}
}
