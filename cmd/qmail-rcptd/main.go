// Qmail-rcptd tells qmail-smtpd's recipient check which local addresses exist.
//
//	qmail-rcptd
//
// It listens on the socket rcptd/socket below the home directory, which only
// qmaild may use; lib/rcptd has the protocol. For each question it finds out who
// controls the address, as qmail-lspawn does, and has qmail-local -n tell, as
// that user, whether there are instructions for it. So the answer is what a
// delivery would come to. It runs as root for this, and parses nothing else.
//
// It runs until a signal ends it, and exits 111 if it cannot start.
// See qmail-rcptd(8).
package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/entry"
	"goqmail/lib/exit"
	"goqmail/lib/owner"
	"goqmail/lib/rcptd"
	"goqmail/lib/sig"
	"goqmail/lib/socket"
	"goqmail/lib/spawn"
	"goqmail/lib/warm"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	listening, err := listen()
	if err != nil {
		return exit.Report(c.Err(), "qmail-rcptd", err)
	}
	owners, missing := owner.NewFinder(c.Env, c.Err())
	if missing != "" {
		return exit.Report(c.Err(), "qmail-rcptd", exit.Defer("unable to find "+missing, nil))
	}
	signal.Ignore(syscall.SIGPIPE) // who asked may be gone
	sig.Default(sig.Swallowed[:]...)
	entry.Stay()
	start := spawn.Warm(&warm.Pool{Size: 10, Calls: 1000, Idle: 2 * time.Second})
	s := newServer(&mailboxes{owners, start, c.Env}, patience)
	return exit.Report(c.Err(), "qmail-rcptd", s.serve(listening))
}

// waiting is how many questions the system keeps until we get to them.
const waiting = 512

// listen makes the socket. Nobody can use it before it is qmaild's.
func listen() (*os.File, error) {
	uid, err := account.Uid(auto.UserD)
	if err != nil {
		return nil, exit.Defer("unable to find user "+auto.UserD, nil)
	}
	if err := os.Chdir(auto.Home); err != nil {
		return nil, exit.Defer("unable to chdir to "+auto.Home, err)
	}
	path := rcptd.Socket()
	if err := os.Mkdir("rcptd", 0o755); err != nil && !os.IsExist(err) {
		return nil, exit.Defer("unable to create "+auto.Home+"/rcptd", err)
	}
	if err := syscall.Unlink(path); err != nil && err != syscall.ENOENT {
		return nil, exit.Defer("unable to remove "+path, err)
	}
	syscall.Umask(0o177)
	listening, err := socket.ListenUnix(path)
	syscall.Umask(0o077)
	if err != nil {
		return nil, exit.Defer("unable to bind "+path, err)
	}
	if err := syscall.Lchown(path, uid, -1); err != nil {
		return nil, exit.Defer("unable to give "+path+" to "+auto.UserD, err)
	}
	if err := socket.Backlog(listening, waiting); err != nil {
		return nil, exit.Defer("unable to listen", err)
	}
	return listening, nil
}
