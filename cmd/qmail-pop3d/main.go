// Qmail-pop3d lets a user read and delete the mail in his maildir by POP3, on
// descriptors 0 and 1. The user is the one it runs as: a program like
// checkpassword has seen to that.
//
//	qmail-pop3d maildir
//
// It exits 0, whatever happens, but 1 if it runs as root, who has no maildir.
// See qmail-pop3d(8).
package main

import (
	"io"
	"os"
	"os/signal"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/commands"
	"goqmail/lib/exit"
	"goqmail/lib/maildir"
	"goqmail/lib/sig"
	"goqmail/lib/socket"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	signal.Ignore(syscall.SIGPIPE)
	sig.Default(sig.Swallowed[:]...)
	sig.Exit(exit.OK, syscall.SIGALRM)
	if os.Getuid() == 0 {
		io.WriteString(c.Err(), "qmail-pop3d invoked as uid 0, terminating\n")
		return 1
	}
	// A reply is several packets: none of them must wait until the client gets
	// round to say that it has those before.
	socket.NoDelay(c.Out())
	serve(c)
	return exit.OK
}

// serve leads a dialogue from its first reply to its end. How it ends makes no
// difference to anyone.
func serve(c *call.Call) {
	s := newSession(c)
	if len(c.Args) < 2 || os.Chdir(c.Args[1]) != nil {
		s.refuse("this user has no $HOME/Maildir")
		return
	}
	maildir.Clean(".")
	messages, err := maildir.Scan(".", "new", "cur")
	if err != nil {
		s.refuse("unable to scan $HOME/Maildir")
		return
	}
	s.messages = messages
	s.deleted = make([]bool, len(messages))
	if s.okay("") == nil {
		commands.Serve(s.in, s, table[:], (*session).unimplemented)
	}
}
