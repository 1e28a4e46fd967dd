// Dnsip prints the addresses of a host, one a line.
//
//	dnsip host
//
// It exits 0, 100 if there is no such host, or 111 if nobody can tell now. See
// dnsip(8).
package main

import (
	"io"

	"goqmail/lib/call"
	"goqmail/lib/dns"
	"goqmail/lib/exit"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	if len(c.Args) < 2 {
		return exit.Perm
	}
	resolver := dns.New()
	resolver.IPv6 = true
	hosts, err := resolver.Addresses(c.Args[1])
	if len(hosts) == 0 && err != nil {
		return dns.Complain(c.Err(), err)
	}
	for _, host := range hosts {
		io.WriteString(c.Out(), host.Addr.String()+"\n")
	}
	return exit.OK
}
