//go:build !(linux && (amd64 || arm64))

package sig

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Swallowed are the signals that kill a process by default but that the Go
// runtime lets pass, or answers with a list of goroutines.
var Swallowed = [...]syscall.Signal{
	syscall.SIGALRM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGVTALRM, syscall.SIGPROF,
	syscall.SIGXCPU, syscall.SIGXFSZ, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGTRAP, syscall.SIGIO,
}

func ignore(signals []syscall.Signal) { signal.Ignore(list(signals)...) }

// deflt goes by way of Notify, because Reset does not undo Ignore: programs that
// are started would go on ignoring the signals.
func deflt(signals []syscall.Signal) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, list(signals)...)
	signal.Stop(c)
}

func exit(code int, signals []syscall.Signal) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, list(signals)...)
	go func() {
		<-c
		os.Exit(code)
	}()
}

func unblock() {} // os/signal unblocks what it is asked for

func alarm(d time.Duration) {
	time.AfterFunc(d, func() { syscall.Kill(os.Getpid(), syscall.SIGALRM) })
}

func list(signals []syscall.Signal) []os.Signal {
	l := make([]os.Signal, len(signals))
	for i, s := range signals {
		l[i] = s
	}
	return l
}
