//go:build linux && (amd64 || arm64)

package sig

import (
	"syscall"
	"unsafe"
)

// block blocks signals in the calling thread and returns what undoes it.
func block(signals []syscall.Signal) (restore func()) {
	var mask, old uint64
	for _, s := range signals {
		mask |= 1 << (s - 1)
	}
	procmask(0, &mask, &old)                 // SIG_BLOCK
	return func() { procmask(2, &old, nil) } // SIG_SETMASK
}

// procmask cannot fail.
func procmask(how uintptr, mask, old *uint64) {
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, how, uintptr(unsafe.Pointer(mask)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(*mask), 0, 0)
}
