//go:build linux && (amd64 || arm64)

package sig

import (
	"syscall"
	"time"
	"unsafe"
)

// Swallowed are the signals that kill a process by default but that the Go
// runtime lets pass, or answers with a list of goroutines.
var Swallowed = [...]syscall.Signal{
	syscall.SIGALRM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGVTALRM, syscall.SIGPROF,
	syscall.SIGXCPU, syscall.SIGXFSZ, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGTRAP,
	syscall.SIGIO, syscall.SIGPWR, syscall.SIGSTKFLT,
}

// action is the kernel's struct sigaction.
type action struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

const (
	handleDefault, handleIgnore = 0, 1 // SIG_DFL, SIG_IGN
	onStack, hasRestorer        = 0x08000000, 0x04000000
)

// codes holds the exit code for each signal that exit was called with. The
// handler, in assembly, reads it.
var codes [65]uint8

// handlerAddress is the address of the handler, which the kernel calls.
func handlerAddress() uintptr

func ignore(signals []syscall.Signal) { set(signals, action{handler: handleIgnore}) }

func deflt(signals []syscall.Signal) { set(signals, action{handler: handleDefault}) }

func exit(code int, signals []syscall.Signal) {
	for _, s := range signals {
		codes[s] = uint8(code)
	}
	// The handler runs on the runtime's signal stack, because the stack of a
	// goroutine may be too small. It never returns; amd64 insists on a
	// restorer all the same.
	handler := handlerAddress()
	set(signals, action{handler: handler, flags: onStack | hasRestorer, restorer: handler, mask: ^uint64(0)})
}

// set cannot fail: the signals are ones that can be caught.
func set(signals []syscall.Signal, a action) {
	for _, s := range signals {
		syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&a)), 0, unsafe.Sizeof(a.mask), 0, 0)
	}
}

func unblock() {
	const setMask = 2 // SIG_SETMASK
	var none uint64
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, setMask, uintptr(unsafe.Pointer(&none)), 0, unsafe.Sizeof(none), 0, 0)
}

func alarm(d time.Duration) {
	const real = 0 // ITIMER_REAL
	timer := struct{ interval, value syscall.Timeval }{value: syscall.NsecToTimeval(int64(d))}
	syscall.RawSyscall(syscall.SYS_SETITIMER, real, uintptr(unsafe.Pointer(&timer)), 0)
}
