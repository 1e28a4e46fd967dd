// Qmail-send delivers the messages that qmail-queue put into the queue.
//
//	qmail-send
//
// Qmail-start arranges its descriptors: it logs to 0, asks qmail-lspawn for
// local deliveries on 1 and reads the results from 2, does the same with
// qmail-rspawn on 3 and 4, and has qmail-clean remove files through 5 and 6.
// It exits 0 after TERM, once the deliveries under way have ended, or when one
// of the others is gone, and 111 if it cannot start. See qmail-send(8) and, for
// what it logs, qmail-log(5).
//
// One goroutine, manager.run, decides everything: it owns the schedule, the
// jobs and the log. Other goroutines read and write the pipes, preprocess new
// messages and send bounces, and only send it functions to call, so that
// new mail, deliveries and bounces never wait for each other's disk accesses.
package main

import (
	"errors"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/entry"
	"goqmail/lib/exit"
	"goqmail/lib/queue"
	"goqmail/lib/sig"
	"goqmail/lib/spawn"
)

func main() {
	signal.Ignore(syscall.SIGPIPE)
	sig.Default(syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGVTALRM, syscall.SIGPROF, syscall.SIGXCPU, syscall.SIGXFSZ)
	call.Main(run)
}

func run(c *call.Call) int {
	log := &logger{f: c.File(0)}
	defer log.flush()
	cannot := func(reason string) int {
		log.print("alert: cannot start: ", reason)
		return exit.Temp
	}
	// The queue is the working directory from here on, so that the work goes
	// on whatever happens to the directories above.
	if os.Chdir(auto.Home) != nil {
		return cannot("unable to switch to home directory")
	}
	set, err := readSettings()
	if err != nil {
		return cannot("unable to read controls")
	}
	if os.Chdir("queue") != nil {
		return cannot("unable to switch to queue directory")
	}
	signals := catch(syscall.SIGTERM, syscall.SIGALRM, syscall.SIGHUP)
	syscall.Umask(0o077)

	mutex, err := os.OpenFile(string(queue.SendMutex), os.O_WRONLY, 0)
	if err != nil {
		return cannot("unable to open mutex")
	}
	defer mutex.Close()
	if syscall.Flock(int(mutex.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return cannot("qmail-send is already running")
	}

	local := newChannel("local", 10, queue.Layout.Local, c.File(1), c.File(2))
	remote := newChannel("remote", 20, queue.Layout.Remote, c.File(3), c.File(4))
	if err = local.greet(); err == nil {
		err = remote.greet()
	}
	if errors.Is(err, spawn.ErrMixed) {
		return cannot("qmail-lspawn or qmail-rspawn is " + err.Error())
	}
	if err != nil {
		return cannot("hath the daemon spawn no fire?")
	}

	// Descriptor 2 is a pipe, where nobody would see the report of a crash. If
	// this fails there is no such report.
	debug.SetCrashOutput(log.f, debug.CrashOptions{})
	// Most memory is the schedule, which lives long and grows seldom; what the
	// rest leaves behind is small and worth collecting early.
	debug.SetGCPercent(50)
	entry.Stay()
	for _, complaint := range set.unknown {
		log.print("warning: ", complaint)
	}
	m := newManager(c.Env, log, signals, set, local, remote)
	m.stderr = c.File(2)
	m.cleaner = newCleaner(m.do, c.File(5), c.File(6))
	go keepQueue(auto.Home, c.Env)
	m.load()
	m.run()
	return exit.OK
}

// catch returns a channel with the signals that arrive. One may be lost that
// is of the same kind as one before which was not received yet, but no other.
func catch(signals ...os.Signal) <-chan os.Signal {
	all := make(chan os.Signal, len(signals))
	for _, s := range signals {
		kind := make(chan os.Signal, 1)
		signal.Notify(kind, s)
		go func() {
			for s := range kind {
				all <- s
			}
		}()
	}
	return all
}
