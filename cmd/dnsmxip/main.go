// Dnsmxip prints the addresses that take mail for a domain, one a line, each with
// its preference.
//
//	dnsmxip domain
//
// It exits 0, 100 if there is no such domain, or 111 if nobody can tell now. See
// dnsmxip(8).
package main

import (
	"io"
	"strconv"

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
	hosts, err := resolver.Exchangers(c.Args[1])
	if len(hosts) == 0 && err != nil {
		return dns.Complain(c.Err(), err)
	}
	for _, host := range hosts {
		io.WriteString(c.Out(), host.Addr.String()+" "+strconv.Itoa(host.Pref)+"\n")
	}
	return exit.OK
}
