// Qmail-smtpds is qmail-smtpd for many connections at a time. Qmail-listen
// starts it, warm, where it is told to run qmail-smtpd; see lib/warm. It keeps a
// qmail-queue for the messages of all.
//
// Where it is told to give up rights, see warm.Alone, it is for sessions that
// need no other program: then it starts that qmail-queue first and gives up,
// before it reads from the network, the rights to start programs, to open files
// but those in control, and to open sockets.
//
// Called like qmail-smtpd, it does what that does. It is a program of its own
// because qmail-smtpd is to have room under old limits.
package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/confine"
	"goqmail/lib/ipme"
	"goqmail/lib/qmail"
	"goqmail/lib/sig"
	"goqmail/lib/smtp"
	"goqmail/lib/warm"
)

func main() {
	// A client or a qmail-queue that is gone shows as an error of write.
	signal.Ignore(syscall.SIGPIPE)
	sig.Default(sig.Swallowed[:]...)
	start := pool().Start
	if warm.Alone() {
		var ok bool
		if start, ok = confined(); !ok {
			os.Exit(1)
		}
	}
	open := func(env call.Env, stderr *os.File) (*qmail.Queue, error) { return qmail.OpenWarm(start, env, stderr) }
	warm.Many(func(c *call.Call) int { return smtp.Serve(c, open) })
}

func pool() *warm.Pool {
	return &warm.Pool{
		Classic: func(cmd child.Cmd) (int, error) { return cmd.Start() },
		Many:    true, Size: 1, Calls: 10_000, Idle: time.Minute,
	}
}

// confined gives up what is not needed once there is a qmail-queue. Should that
// end, this process takes no more connections, and the messages of those under
// way are put off.
func confined() (start func(child.Cmd) (warm.Process, error), ok bool) {
	program := "bin/qmail-queue"
	queue, ok := warm.Begin(child.Cmd{Path: program, Args: []string{program}, Env: os.Environ(), Dir: auto.Home})
	if !ok {
		return nil, false
	}
	ipme.Keep()
	if confine.Process(confine.Rules{Read: confine.Linked(auto.Home + "/control")}) != nil {
		return nil, false
	}
	go func() {
		<-queue.Over()
		warm.NoMore()
	}()
	return queue.Start, true
}
