// Qmail-queue puts one message into the queue.
//
//	qmail-queue
//
// It reads the message from descriptor 0 and then its envelope from
// descriptor 1: F, the sender, NUL; T, a recipient, NUL for each; NUL. It exits
// 0 once the message will survive a crash, and otherwise with one of the codes
// in lib/qmail; it prints nothing. See qmail-queue(8).
//
// It runs setuid to the owner of the queue, so it looks at no argument, and at
// no environment variable but QMAILWARM. While qmail-send runs, which keeps one,
// the others have that do their work; see door_linux.go. The states S1 to S4 that it
// takes a message through are explained in lib/queue.
package main

import (
	"runtime"
	"strconv"
	"syscall"
	"time"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/date822"
	"goqmail/lib/descriptor"
	"goqmail/lib/exit"
	"goqmail/lib/qmail"
	"goqmail/lib/queue"
	"goqmail/lib/sig"
	"goqmail/lib/warm"
)

func main() {
	syscall.Umask(0o33)
	sig.Unblock()
	sig.Default(sig.Swallowed[:]...)
	sig.Ignore(sig.Misc[:]...)
	sig.Ignore(syscall.SIGPIPE)
	// No clean-up at these: qmail-send removes what is left in the queue
	// once it is queue.Ossified, which is longer than queue.Death.
	sig.Exit(qmail.ExitTimeout, syscall.SIGALRM)
	sig.Exit(qmail.ExitBug, sig.Fatal[:]...)
	if warm.Stays() {
		// Calls wait for the disk, in system calls that keep their processor until
		// the runtime's watchdog takes it away.
		runtime.GOMAXPROCS(max(8, runtime.NumCPU()))
		if listener, ok := door(); ok {
			warm.Door(run, listener, handed, auto.Home+"/bin/qmail-queue")
		}
	}
	warm.Many(run)
}

// handed is how many files another qmail-queue hands on: its descriptors 0 to 2, and
// mess and intd without names.
const handed = 5

func run(c *call.Call) int {
	sig.Alarm(queue.Death) // of the last call, in a process that takes many
	if queue.ReachHome() != nil {
		return qmail.ExitHome
	}
	if queue.Reach() != nil {
		return qmail.ExitQueue
	}
	layout, err := queue.Look()
	if err != nil {
		return qmail.ExitQueue
	}
	now := time.Now()
	ids, err := account.Uids(auto.UserAlias, auto.UserD, auto.UserS)
	if err != nil {
		missing := []string{auto.UserAlias, auto.UserD, auto.UserS}[len(ids)]
		c.Err().WriteString("fatal: unable to find user " + missing + "\n")
		return exit.Temp
	}
	by := " invoked by uid " + strconv.Itoa(c.Uid)
	switch c.Uid {
	case ids[0]:
		by = " invoked by alias"
	case ids[1]:
		by = " invoked from network"
	case ids[2]:
		by = " invoked for bounce"
	}
	m := message{
		uid:      c.Uid,
		pid:      c.Pid,
		dies:     now.Add(queue.Death),
		gone:     c.Gone,
		received: "Received: (qmail " + strconv.Itoa(c.Pid) + by + "); " + date822.Format(now) + "\n",
		layout:   layout,
	}
	if c.Gone != nil { // another of us hands its message on
		for fd := 3; fd < handed; fd++ {
			m.nameless = append(m.nameless, descriptor.File(c.File(fd).Fd()))
		}
	}
	return m.enqueue(now.Unix(), c.In(), c.Out())
}
