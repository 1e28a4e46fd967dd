//go:build linux

package story

import (
	"strings"
	"testing"
)

func TestTheBestExchangerThatAnswersGetsTheMail(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "d.example MX 20 c.example\nd.example MX 10 b.example\n", addrA, addrB, addrC)
	a, b, c := h[0], h[1], h[2]
	a.start()
	c.peer(addrC, nil)
	a.enqueue("best is down", a.at("susie"), "dirk@d.example")
	a.awaitLog("success: 192.0.2.3_accepted_message./")
	best := b.peer(addrB, nil)
	a.enqueue("best is up", a.at("susie"), "dirk@d.example")
	a.awaitLog("success: 192.0.2.2_accepted_message./")
	// A host that answers has the last word, even if that is no.
	best.follow(script{"": "421 busy"})
	a.enqueue("best is busy", a.at("susie"), "dirk@d.example")
	a.awaitLog("deferral: Connected_to_192.0.2.2_but_greeting_failed./Remote_host_said:_421_busy/")
}

func TestABusyExchangerIsPassedOverWithRFC2821(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "d.example MX 20 c.example\nd.example MX 10 b.example\n", addrA, addrB, addrC)
	a, b, c := h[0], h[1], h[2]
	a.needOurs("extensions")
	a.control("extensions", "rfc2821\n")
	a.start()
	best := b.peer(addrB, script{"": "421 busy"})
	c.peer(addrC, nil)
	a.enqueue("best is busy", a.at("susie"), "dirk@d.example")
	a.awaitLog("success: 192.0.2.3_accepted_message./")
	// No for good is no for all.
	best.follow(script{"": "554 never"})
	a.enqueue("best refuses", a.at("susie"), "dirk@d.example")
	a.awaitMail("susie", "\n<dirk@d.example>:\nConnected to 192.0.2.2 but greeting failed.\nRemote host said: 554 never\n\n")
}

func TestMailOnlyGoesToBetterExchangersThanOurselves(t *testing.T) {
	t.Parallel()
	zone := "d.example MX 10 b.example\nd.example MX 20 a.example\nd.example MX 30 c.example\ne.example MX 10 a.example\ne.example MX 20 b.example\n"
	h := newHosts(t, zone, addrA, addrB, addrC)
	a, b, c := h[0], h[1], h[2]
	a.up()
	worse := c.peer(addrC, nil)
	a.enqueue("second", a.at("susie"), "dirk@d.example")
	a.awaitLog(noConnection)
	better := b.peer(addrB, nil)
	a.alarm()
	a.await("the better one to take it", func() bool { return len(better.messages()) == 1 })
	a.enqueue("best", a.at("susie"), "dirk@e.example")
	a.awaitMail("susie", "\n<dirk@e.example>:\nSorry. Although I'm listed as a best-preference MX or A for that host,\nit isn't in my control/locals file, so I don't treat it as local. (#5.4.6)\n\n")
	a.awaitEmpty()
	if n := len(worse.messages()); n != 0 {
		t.Errorf("a worse exchanger took %d messages", n)
	}
	if log, _ := a.read("/var/log/smtpd"); strings.Contains(log, " from "+addrA) {
		t.Errorf("the host talked to itself: %s", log)
	}
}

func TestDomainsWithoutMailBounce(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "null.example MX 0 .\nnull.example A 192.0.2.2\ntext.example TXT none\ngone.example MX 10 nowhere.example\n", addrA, addrB)
	a, b := h[0], h[1]
	a.start()
	p := b.peer(addrB, nil)
	for domain, text := range map[string]string{
		"null.example": "Sorry, I couldn't find a mail exchanger or IP address. (#5.4.4)",
		"gone.example": "Sorry, I couldn't find a mail exchanger or IP address. (#5.4.4)",
		"text.example": "Sorry, I couldn't find any host named text.example. (#5.1.2)",
		"none.example": "Sorry, I couldn't find any host named none.example. (#5.1.2)",
	} {
		a.enqueue(domain, a.at("susie"), "dirk@"+domain)
		a.awaitMail("susie", "\n<dirk@"+domain+">:\n"+text+"\n\n")
	}
	// Without an answer there is no telling.
	a.names.Close()
	a.enqueue("no DNS", a.at("susie"), b.at("dirk"))
	a.awaitLog("deferral: Sorry,_I_couldn't_find_any_host_by_that_name._(#4.1.2)/")
	if n := len(p.messages()); n != 0 {
		t.Errorf("%d messages arrived", n)
	}
}

// Host a knows nothing of c but the way there.
func TestARelayPassesMailOn(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB, addrC)
	a, b, c := h[0], h[1], h[2]
	a.setNames("b.example A 192.0.2.2\n")
	a.control("smtproutes", ".elsewhere.example:[192.0.2.9]\nc.example:b.example\n")
	b.control("rcpthosts", "b.example\nc.example\n")
	a.start()
	b.up()
	c.up()
	a.enqueue("by relay", a.at("susie"), c.at("dirk"))
	got := c.awaitMail("dirk", "Subject: by relay")
	at := 0
	for _, step := range []string{
		"Received: from b.example (192.0.2.2)\n  by c.example with SMTP; ",
		"Received: from a.example (192.0.2.1)\n  by b.example with SMTP; ",
		" invoked by uid 0); ",
	} {
		i := strings.Index(got[at:], step)
		if i < 0 {
			t.Fatalf("no %q in its place in %q", step, got)
		}
		at += i
	}
	// A bounce takes the same way back, which is open here.
	a.enqueue("by relay, in vain", a.at("susie"), c.at("nobody-here"))
	c.awaitLog("failure: Sorry,_no_mailbox_here_by_that_name._(#5.1.1)/")
	c.awaitLog("deferral: Sorry,_I_wasn't_able_to_establish_an_SMTP_connection._(#4.4.1)/")
	a.listen()
	c.alarm()
	a.awaitMail("susie", "\n<nobody-here@c.example>:\n")
	c.awaitEmpty()
}
