// Qmail-listen waits for TCP connections and runs a program for each, with the
// connection as its descriptors 0 and 1. It is what tcpserver of ucspi-tcp 0.88
// is, under a name of its own: same options, environment, rules and log.
//
//	qmail-listen [ options ] host port program [ arg ... ]
//
// It exits 0 on TERM, 100 if it is not called like this and 111 if it cannot
// listen. See qmail-listen(8), tcprules(1) and tcp-environ(5).
package main

import (
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	o, ok := parse(c)
	if !ok {
		return exit.Perm
	}
	log := logger{w: c.Err(), level: o.verbosity}
	sig.Default(sig.Swallowed[:]...)
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)

	listening, port, err := listen(o, c.Env)
	if err == nil {
		err = drop(o.uid, o.gid)
	}
	if err != nil {
		log.fatal(err)
		return exit.Temp
	}
	if o.printPort {
		io.WriteString(c.Out(), itoa(port)+"\n")
	}
	if err := detach(); err != nil {
		log.fatal(exit.Defer("unable to open /dev/null", err))
		return exit.Temp
	}
	s := server{options: o, log: log, listening: listening, env: c.Env, program: newProgram(o, c.Err())}
	s.serve(term)
	return exit.OK
}

// drop gives up root. Nothing from the network has been looked at before.
func drop(uid, gid int) error {
	if gid != 0 {
		err := syscall.Setgroups([]int{gid})
		if err == nil {
			err = syscall.Setgid(gid)
		}
		if err != nil {
			return exit.Defer("unable to set gid", err)
		}
	}
	if uid != 0 {
		if err := syscall.Setuid(uid); err != nil {
			return exit.Defer("unable to set uid", err)
		}
	}
	return nil
}

// detach lets go of descriptors 0 and 1, for which someone may wait.
func detach() error {
	null, err := syscall.Open("/dev/null", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	for fd := range 2 {
		if err := unix.Dup2(null, fd); err != nil {
			return err
		}
	}
	return nil
}
