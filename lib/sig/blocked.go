package sig

import (
	"runtime"
	"syscall"
)

// Blocked calls f in a thread that blocks signals. A program that f starts
// begins with them blocked.
func Blocked(f func(), signals ...syscall.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer block(signals)()
	f()
}
