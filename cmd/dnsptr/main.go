// Dnsptr prints the name of an address.
//
//	dnsptr address
//
// It exits 0, 100 if the address has no name, or 111 if nobody can tell now. See
// dnsptr(8).
package main

import (
	"io"

	"goqmail/lib/call"
	"goqmail/lib/dns"
	"goqmail/lib/exit"
	"goqmail/lib/ip"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	if len(c.Args) < 2 {
		return exit.Perm
	}
	addr, ok := ip.Parse(c.Args[1])
	if !ok {
		addr, _ = ip.Scan(c.Args[1])
	}
	name, err := dns.New().Name(addr)
	if err != nil {
		return dns.Complain(c.Err(), err)
	}
	io.WriteString(c.Out(), name+"\n")
	return exit.OK
}
