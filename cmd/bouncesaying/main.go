// Bouncesaying refuses a message with a text of the user's, always or if a
// program says so. It is meant for .qmail files.
//
//	bouncesaying error [ program [ arg ... ] ]
//
// The program decides by its exit code: 0 refuses the message, and then
// bouncesaying exits 100; 111 tries again later; any other code lets the
// message pass. See bouncesaying(1).
package main

import (
	"io"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/condition"
	"goqmail/lib/exit"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	sig.Default(syscall.SIGPIPE)
	if len(c.Args) < 2 {
		io.WriteString(c.Err(), "bouncesaying: usage: bouncesaying error [ program [ arg ... ] ]\n")
		return exit.Perm
	}
	if len(c.Args) > 2 {
		yes, err := condition.Holds(c, c.Args[2:])
		if err != nil || !yes {
			return exit.Report(c.Err(), "bouncesaying", err)
		}
	}
	io.WriteString(c.Err(), c.Args[1]+"\n")
	return exit.Perm
}
