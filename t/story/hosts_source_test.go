//go:build linux

package story

import (
	"strings"
	"testing"
)

func TestMailComesFromOutgoingip(t *testing.T) {
	t.Parallel()
	const other, other6 = "192.0.2.11", "2001:db8::11"
	h := newHosts(t, "", addrA+" "+other+" "+addr6A+" "+other6, addrB+" "+addr6B)
	a, b := h[0], h[1]
	b.control("rcpthosts", "b.example\n[IPv6:2001:db8::2]\n")
	b.up()
	b.serve("qmqpd", "628", "qmail-qmqpd")
	b.awaitPort("628")
	a.start()
	// An address of the other family says nothing of this one.
	for _, c := range []struct{ outgoingip, to, from, qmqp string }{
		{other, "b.example", other, addrB},
		{other6, "[IPv6:2001:db8::2]", other6, addr6B},
		{other6, "b.example", addrA, addrB},
	} {
		a.control("outgoingip", c.outgoingip+"\n")
		a.control("qmqpservers", c.qmqp+"\n")
		what := c.outgoingip + " for " + c.to
		a.enqueue(what, a.at("susie"), "dirk@"+c.to)
		got := b.awaitMail("dirk", "Subject: "+what+"\n")
		if want := "Received: from a.example (" + c.from + ")\n"; !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
		what = "by QMQP: " + what
		if out, err := a.try("susie", "Subject: "+what+"\n\n", []string{"QMAILQUEUE=bin/qmail-qmqpc"}, "qmail-inject", b.at("dirk")); err != nil {
			t.Fatalf("qmail-inject: %v %s", err, out)
		}
		got = b.awaitMail("dirk", "Subject: "+what+"\n")
		if want := "Received: from a.example (" + c.from + ")\n  by b.example with QMQP; "; !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	a.control("outgoingip", "nowhere\n")
	a.enqueue("from nowhere", a.at("susie"), b.at("dirk"))
	a.awaitLog("deferral: invalid_ipaddr_in_control/outgoingip_(#4.3.0)/")
}
