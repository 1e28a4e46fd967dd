// Package sig sets what signals do to the process, as sigaction(2) would in a
// program without a runtime.
//
// The Go runtime catches every signal it can, so that by default an ALRM or
// USR1 does nothing and an ABRT prints goroutines. Where a program has nothing
// to do at a signal but die or ignore it, this package says so to the kernel
// itself. That also spares what os/signal costs at start: a thread, two
// goroutines, about 0.15 ms of a process that lives for one.
//
// A signal given to this package must not be given to os/signal as well.
// Programs started through package child begin with default actions.
package sig

import (
	"syscall"
	"time"
)

// Fatal are the signals of a broken program: what qmail calls a bug.
var Fatal = [...]syscall.Signal{
	syscall.SIGILL, syscall.SIGABRT, syscall.SIGFPE, syscall.SIGBUS, syscall.SIGSEGV, syscall.SIGSYS,
}

// Misc are signals from terminals and resource limits, which must not stop a
// program in the middle of work that others rely on.
var Misc = [...]syscall.Signal{
	syscall.SIGVTALRM, syscall.SIGPROF, syscall.SIGQUIT, syscall.SIGINT, syscall.SIGHUP,
	syscall.SIGXCPU, syscall.SIGXFSZ,
}

// Ignore makes the process ignore signals. For PIPE use os/signal if descriptor
// 1 or 2 is written to as an os.File: the runtime sends itself that signal.
func Ignore(signals ...syscall.Signal) { ignore(signals) }

// Default gives signals back their default action, which for most is to kill
// the process.
func Default(signals ...syscall.Signal) { deflt(signals) }

// Exit makes the process exit with code at once when one of signals arrives.
// Nothing runs before that: no deferred function and no clean-up.
func Exit(code int, signals ...syscall.Signal) { exit(code, signals) }

// Unblock lets all signals through again that whoever started the process had
// blocked. Call it from main, before other goroutines run.
func Unblock() { unblock() }

// Alarm has the system send ALRM after d, of real time, even to a process that
// was stopped meanwhile. It replaces an earlier alarm.
func Alarm(d time.Duration) { alarm(d) }
