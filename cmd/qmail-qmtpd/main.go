// Qmail-qmtpd takes mail from the network by QMTP and hands it to qmail-queue.
// It is started for each connection, by tcpserver or qmail-listen, with the
// connection on descriptors 0 and 1 and the variables of tcp-environ(5).
//
// It takes no arguments, and exits 0 when the client has closed the connection,
// 100 when the client does not speak QMTP, and 111 when there is trouble here.
// See qmail-qmtpd(8).
package main

import (
	"errors"
	"os/signal"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/netstring"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

// patience is how long a connection may last.
const patience = time.Hour

func run(c *call.Call) int {
	signal.Ignore(syscall.SIGPIPE) // here and in qmail-queue
	sig.Default(sig.Swallowed[:]...)
	sig.Exit(exit.Temp, syscall.SIGALRM)
	sig.Alarm(patience)
	return serve(c)
}

// serve takes messages until the connection ends, and returns the exit code.
func serve(c *call.Call) int {
	s, err := newSession(c)
	if err != nil {
		return exit.Temp
	}
	defer s.rcptHosts.Close()
	for err == nil {
		err = s.message()
	}
	switch {
	case errors.Is(err, netstring.ErrFormat):
		return exit.Perm
	case errors.Is(err, netstring.ErrTooLong), errors.Is(err, errTrouble):
		return exit.Temp
	}
	return exit.OK // the client is gone
}
