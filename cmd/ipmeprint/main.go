// Ipmeprint prints the addresses that this host takes for its own, one a line.
//
// It takes no arguments, and exits 0, or 100 when the addresses cannot be had.
// See ipmeprint(8).
package main

import (
	"io"
	"strings"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/ipme"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	own, err := ipme.Look()
	if err != nil {
		io.WriteString(c.Err(), "hard error\n")
		return exit.Perm
	}
	var b strings.Builder
	for _, a := range own.Interfaces() {
		b.WriteString(a.String() + "\n")
	}
	io.WriteString(c.Out(), b.String()) // a failed write cannot be told to anyone
	return exit.OK
}
