// Forward sends the message on descriptor 0 on to new recipients. It is meant
// for .qmail files; the environment is qmail-local's.
//
//	forward recipient ...
//
// It exits 0 once the message is queued, 100 if the queue refuses it for good
// and 111 if it may be tried again. See forward(1) and qmail-command(8).
package main

import (
	"io"
	"os/signal"
	"strconv"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/qmail"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	signal.Ignore(syscall.SIGPIPE)
	pid, err := qmail.Forward(c, "NEWSENDER", c.Args[min(1, len(c.Args)):]...)
	if err == nil {
		io.WriteString(c.Err(), "forward: qp "+strconv.Itoa(pid)+"\n")
	}
	return exit.Report(c.Err(), "forward", err)
}
