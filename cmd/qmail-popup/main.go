// Qmail-popup reads a user name and password by POP3, on descriptors 0 and 1, and
// runs a program that checks them and goes on.
//
//	qmail-popup hostname program [ arg ... ]
//
// It exits 1, whatever happens. See qmail-popup(8).
package main

import (
	"bufio"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/commands"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

// code is the exit code. The server that started us has no use for another one.
const code = 1

// patience is how long each wait for the client may last (RFC 1939, section 3,
// wants no less than 10 minutes).
const patience = 20 * time.Minute

// ahead is how much is read at a time. What of it follows the password is lost: the
// program that is run goes on reading from the client.
const ahead = 128

func run(c *call.Call) int {
	signal.Ignore(syscall.SIGPIPE)
	sig.Default(sig.Swallowed[:]...)
	sig.Exit(code, syscall.SIGALRM)
	serve(c)
	return code
}

// serve leads a dialogue until it is over, or another program leads it on.
func serve(c *call.Call) {
	s := &session{call: c, in: bufio.NewReaderSize(nil, ahead), out: bufio.NewWriter(nil)}
	s.use(connection{c.In(), c.Out()})
	if len(c.Args) < 3 {
		s.refuse("usage: popup hostname subprogram")
		return
	}
	if err := s.readEncryption(); err != nil {
		s.complain(err)
		return
	}
	defer s.tls.close()
	if s.secureAtOnce() != nil {
		return
	}
	s.stamp = "<" + strconv.Itoa(os.Getpid()) + "." + strconv.FormatInt(time.Now().Unix(), 10) + "@" + c.Args[1] + ">"
	if s.reply("+OK "+s.stamp) == nil {
		commands.Serve(s.in, s, table[:], (*session).tooEarly)
	}
}
