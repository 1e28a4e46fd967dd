package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/control"
	"goqmail/lib/dns"
	"goqmail/lib/ip"
	"goqmail/lib/ipme"
	"goqmail/lib/route"
)

// dnsPatience is how long all questions together may take.
const dnsPatience = 30 * time.Second

// errPatience is the error where that is over.
var errPatience = errors.New("it takes too long")

// dns checks what others find out about this host and its domains.
func (c *checker) dns() {
	me, there, err := control.Line("me")
	table, err2 := route.Read()
	if !there || me == "" || err != nil || err2 != nil {
		return // of which the check of control tells
	}
	own, err := ipme.Look()
	if err != nil {
		c.unseen("dns", "this host's addresses: "+text(err), "")
		return
	}
	a := &asker{resolver: dns.New(), until: time.Now().Add(c.patience)}
	a.resolver.IPv6 = true
	hosts, err := a.addresses(me)
	switch {
	case errors.Is(err, dns.ErrNone):
		c.wrong("control/me", me+" is not in the DNS: many hosts refuse mail from such a name", "dnsip "+quoted(me))
	case err != nil:
		c.unseen("dns", "there is no answer: "+text(err), "dnsip "+quoted(me))
		return
	case !slices.ContainsFunc(hosts, func(h dns.Host) bool { return own.Has(h.Addr) }):
		c.doubt("control/me", me+" is "+list(hosts)+" in the DNS, which is neither an address of this host nor in control/moreipme", "ipmeprint")
	default:
		c.reverse(a, me, hosts)
	}
	for _, domain := range ownDomains(table) {
		if domain == "localhost" || !strings.Contains(domain, ".") {
			continue
		}
		if !c.exchangers(a, domain, own) {
			c.unseen("dns", domain+" and what follows: "+errPatience.Error(), auto.Home+"/bin/qmail-check dns")
			return
		}
	}
}

// reverse checks that the addresses of this host's name lead back to it.
func (c *checker) reverse(a *asker, me string, hosts []dns.Host) {
	for _, h := range hosts {
		if own := h.Addr.String(); strings.HasPrefix(own, "127.") || own == "::1" {
			c.doubt("control/me", me+" is "+own+" in the DNS, which is every host's own", "")
			continue
		}
		name, err := a.name(h.Addr)
		switch {
		case errors.Is(err, dns.ErrNone):
			c.doubt("dns", h.Addr.String()+" of "+me+" has no name in the DNS: many hosts refuse mail from such an address", "dnsptr "+h.Addr.String())
		case err == nil && !strings.EqualFold(name, me):
			c.doubt("dns", h.Addr.String()+" of "+me+" is called "+name, "dnsptr "+h.Addr.String())
		}
	}
}

// exchangers checks that mail for a domain comes here. It returns false when there is no
// more time.
func (c *checker) exchangers(a *asker, domain string, own *ipme.Set) bool {
	hosts, err := a.exchangers(domain)
	switch {
	case errors.Is(err, errPatience):
		return false
	case errors.Is(err, dns.ErrNone):
		c.doubt("dns", domain+" is one of ours, and is not in the DNS: nobody can send to it", "dnsmxip "+quoted(domain))
	case err != nil && len(hosts) == 0:
		c.unseen("dns", domain+": "+text(err), "dnsmxip "+quoted(domain))
	case !slices.ContainsFunc(hosts, func(h dns.Host) bool { return own.Has(h.Addr) }):
		c.doubt("dns", domain+" is one of ours, but its mail is sent to "+list(hosts)+", and that is not this host", "dnsmxip "+quoted(domain))
	}
	return true
}

// list names a few hosts.
func list(hosts []dns.Host) string {
	var names []string
	for _, h := range hosts[:min(len(hosts), 3)] {
		names = append(names, h.Addr.String())
	}
	return strings.Join(names, ", ")
}

// asker asks questions until its time is over.
type asker struct {
	resolver *dns.Resolver
	until    time.Time
}

func (a *asker) addresses(name string) ([]dns.Host, error) {
	return ask(a, func() ([]dns.Host, error) { return a.resolver.Addresses(name) })
}

func (a *asker) exchangers(name string) ([]dns.Host, error) {
	return ask(a, func() ([]dns.Host, error) { return a.resolver.Exchangers(name) })
}

func (a *asker) name(of ip.Addr) (string, error) {
	return ask(a, func() (string, error) { return a.resolver.Name(of) })
}

// ask waits for an answer, and leaves the question alone when it takes too long.
func ask[T any](a *asker, question func() (T, error)) (answer T, err error) {
	type result struct {
		answer T
		err    error
	}
	done := make(chan result, 1)
	go func() {
		answer, err := question()
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		return r.answer, r.err
	case <-time.After(time.Until(a.until)):
		return answer, errPatience
	}
}
