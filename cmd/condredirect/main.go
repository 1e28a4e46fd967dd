// Condredirect sends a message on to another address if a program says so. It
// is meant for .qmail files; the environment is qmail-local's.
//
//	condredirect newaddress program [ arg ... ]
//
// The program decides by its exit code: 0 redirects the message, and then
// condredirect exits 99, so that the instructions behind it are skipped; 111
// tries again later; any other code lets the message pass. See condredirect(1).
package main

import (
	"io"
	"os/signal"
	"strconv"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/condition"
	"goqmail/lib/exit"
	"goqmail/lib/qmail"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	sig.Default(syscall.SIGPIPE)
	if len(c.Args) < 3 {
		io.WriteString(c.Err(), "condredirect: usage: condredirect newaddress program [ arg ... ]\n")
		return exit.Perm
	}
	yes, err := condition.Holds(c, c.Args[2:])
	if err != nil || !yes {
		return exit.Report(c.Err(), "condredirect", err)
	}
	// The program may have read the message.
	if _, err := c.In().Seek(0, io.SeekStart); err != nil {
		return exit.Report(c.Err(), "condredirect", exit.Defer("unable to rewind", err))
	}
	signal.Ignore(syscall.SIGPIPE)
	pid, err := qmail.Forward(c, "SENDER", c.Args[1])
	if err != nil {
		return exit.Report(c.Err(), "condredirect", err)
	}
	io.WriteString(c.Err(), "condredirect: qp "+strconv.Itoa(pid)+"\n")
	return exit.Drop
}
