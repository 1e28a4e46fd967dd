package main

import (
	"errors"
	"math"
	"os"
	"syscall"

	"goqmail/lib/dns"
	"goqmail/lib/ipme"
	"goqmail/lib/socket"
	"goqmail/lib/tcpto"
)

// target is a host to try, the port of it, and who we are there.
type target struct {
	dns.Host
	port  uint16
	login login
}

// maxTargets is how many addresses are tried in one delivery, which must come to
// an end however many the DNS names.
const maxTargets = 100

// hostsFor lists the hosts that a sender's mail for a domain may go to, best
// first: the relay that a route names, or else the domain's mail exchangers
// that are better than this host.
func (c *config) hostsFor(sender, domain string) ([]target, verdict) {
	own, err := ipme.Look()
	if err != nil {
		return nil, noResources
	}
	resolver := dns.New()
	resolver.IPv6 = own.IPv6()
	resolver.Unicode = c.utf8
	look := resolver.Exchangers
	route, routed := c.route(sender, domain)
	if routed {
		domain, look = route.relay, resolver.Addresses
	}
	hosts, err := look(domain)
	switch {
	case len(hosts) > 0:
	case errors.Is(err, dns.ErrNone):
		return nil, noHost(domain)
	case err != nil:
		return nil, noDNS
	default:
		return nil, noExchanger
	}
	limit := math.MaxInt
	if !routed {
		limit = bestOwn(hosts, own)
	}
	var targets []target
	for _, host := range hosts {
		if host.Pref < limit {
			targets = append(targets, target{host, route.port, route.login})
		}
	}
	if targets == nil {
		return nil, ambiguous
	}
	return targets[:min(len(targets), maxTargets)], ""
}

// bestOwn is the preference of this host among the hosts. Mail goes to better
// ones only, lest it go in circles (RFC 5321, section 5.1).
func bestOwn(hosts []dns.Host, own *ipme.Set) int {
	best := math.MaxInt
	for _, host := range hosts {
		if own.Has(host.Addr) {
			best = min(best, host.Pref)
		}
	}
	return best
}

// connect connects to a target. The verdict is tryNext if that does not answer, or
// lately did not.
func (c *config) connect(t target) (*os.File, verdict) {
	var notes tcpto.Notes
	if notes.Dead(t.Addr) {
		return nil, tryNext
	}
	conn, err := socket.Connect(socket.TCP, c.source.For(t.Addr), t.Addr, int(t.port), c.connectTimeout)
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
		return nil, noResources
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		notes.TimedOut(t.Addr)
	default: // a refusal is an answer, too
		notes.Answered(t.Addr)
	}
	if err != nil {
		return nil, tryNext
	}
	return conn, ""
}
