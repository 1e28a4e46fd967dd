//go:build linux && (amd64 || arm64)

package entry

import (
	"syscall"
	"unsafe"
)

func restore() {
	if dataChanged != 0 {
		setrlimit(syscall.RLIMIT_DATA, data)
	}
	if addressSpaceChanged != 0 {
		setrlimit(syscall.RLIMIT_AS, addressSpace)
	}
}

func raise() {
	if addressSpaceChanged != 0 {
		setrlimit(syscall.RLIMIT_AS, limit{addressSpace.max, addressSpace.max})
	}
	if dataChanged != 0 {
		setrlimit(syscall.RLIMIT_DATA, limit{data.max, data.max})
	}
}

// setrlimit cannot fail: it moves a soft limit below its hard one.
func setrlimit(resource int, l limit) {
	syscall.RawSyscall(syscall.SYS_SETRLIMIT, uintptr(resource), uintptr(unsafe.Pointer(&l)), 0)
}

// free gives the calling thread the processors and the timer slack that the
// program was started with. It can only fail if those processors are all gone
// meanwhile, and then the one it is on serves.
func free() {
	if pinned != 0 {
		syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, uintptr(pinned), uintptr(unsafe.Pointer(&affinity)))
	}
	if slack != 0 {
		const setTimerSlack = 29 // PR_SET_TIMERSLACK
		syscall.RawSyscall(syscall.SYS_PRCTL, setTimerSlack, uintptr(slack), 0)
	}
}
