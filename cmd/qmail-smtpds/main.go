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
	queue := qmail.Caller(pool().Call)
	if warm.Alone() {
		var ok bool
		if queue, ok = confined(); !ok {
			os.Exit(1)
		}
	}
	open := func(env call.Env, stderr *os.File) (*qmail.Queue, error) { return qmail.OpenWarm(queue, env, stderr) }
	server := smtp.NewServer(open)
	warm.Many(func(c *call.Call) int { return server.Serve(whole(c)) })
}

// whole is a call with descriptors 1 and 2: those that do not come along are the
// connection, once more, and our own standard error.
func whole(c *call.Call) *call.Call {
	files := map[int]*os.File{0: c.In(), 1: c.Out(), 2: c.Err()}
	if files[1] == nil {
		files[1] = files[0]
	}
	if files[2] == nil {
		files[2] = os.Stderr
	}
	w := call.New(c.Args, c.Env, files)
	w.Pid = c.Pid
	return w
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
func confined() (queue qmail.Caller, ok bool) {
	program := "bin/qmail-queue"
	process, ok := warm.Begin(child.Cmd{Path: program, Args: []string{program}, Env: os.Environ(), Dir: auto.Home})
	if !ok {
		return nil, false
	}
	ipme.Keep()
	if confine.Process(confine.Rules{Read: confine.Linked(auto.Home + "/control")}) != nil {
		return nil, false
	}
	go func() {
		<-process.Over()
		warm.NoMore()
	}()
	return func(cmd child.Cmd) (warm.Process, bool) {
		p, err := process.Start(cmd)
		return p, err == nil
	}, true
}
