// Except turns the answer of a program around. It is meant for .qmail files,
// in front of the programs that condredirect and bouncesaying ask.
//
//	except program [ arg ... ]
//
// It exits 100 if the program exits 0, 111 if it exits 111, and 0 if it exits
// with any other code. See except(1).
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
		io.WriteString(c.Err(), "except: usage: except program [ arg ... ]\n")
		return exit.Perm
	}
	yes, err := condition.Holds(c, c.Args[1:])
	if err == nil && yes {
		return exit.Perm
	}
	return exit.Report(c.Err(), "except", err)
}
