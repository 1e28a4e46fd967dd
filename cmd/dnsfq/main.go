// Dnsfq prints the canonical name of a host.
//
//	dnsfq host
//
// It exits 0, 100 if there is none, or 111 if nobody can tell now. See dnsfq(8).
package main

import (
	"errors"
	"io"

	"goqmail/lib/call"
	"goqmail/lib/dns"
	"goqmail/lib/exit"
	"goqmail/lib/resolv"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	if len(c.Args) < 2 {
		return exit.Perm
	}
	resolver := dns.New()
	hosts, err := search(resolver, resolv.Load().Candidates(c.Args[1]))
	if err != nil {
		return dns.Complain(c.Err(), err)
	}
	if len(hosts) == 0 { // an alias that leads nowhere
		io.WriteString(c.Err(), "no IP addresses\n")
		return exit.Perm
	}
	name, err := resolver.Name(hosts[0].Addr)
	if err != nil {
		return dns.Complain(c.Err(), err)
	}
	io.WriteString(c.Out(), name+"\n")
	return exit.OK
}

// search looks for the first of names that exists.
func search(resolver *dns.Resolver, names []string) (hosts []dns.Host, err error) {
	for _, name := range names {
		hosts, err = resolver.Addresses(name)
		if !errors.Is(err, dns.ErrNone) {
			return hosts, err
		}
	}
	return hosts, err
}
