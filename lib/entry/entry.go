// Package entry is where the programs come to life under old run scripts.
//
// Those scripts say `softlimit -m 2000000`, and a Go runtime reserves more
// address space than that before main. So the linker starts a program not at
// the runtime's entry point but at a few lines of assembly (-E, see the
// Makefile), which raise the soft limits on address space and data to the hard
// ones, note which of the descriptors 0 to 9 are closed, and jump to the
// runtime. The old limit goes on as the runtime's memory limit, and Foreign
// puts the old limits back around the start of programs that are not ours.
//
// There are three such entry points. Programs that live for one message or one
// session start at _goqmail_brief, which first confines them to the processor
// they are on and lets timers be late by a millisecond. The runtime then
// prepares for one processor, its helper threads do not wake each other across
// processors, and its watchdog does not look around every 20 microseconds. That
// takes a third off the CPU time of a start, and a quarter off the rest of
// qmail-queue, mostly waiting for the disk: about what a C program takes. Nor may
// the runtime open files until package syscall raises that limit: it would look
// for limits on processors, of which there is one anyway, in a list of all that is
// mounted, and that is a tenth of a start. Setup
// gives the main thread its freedom back, and Foreign gives it to programs that
// are started. Programs that stay start at _goqmail_entry: they can use
// several processors, and only let timers be late by less. So does a brief program that is to stay, by lib/warm. One
// that stays but does one thing at a time starts at _goqmail_one, the brief way, and
// lets timers be late by more.
//
// In a setuid program either hides from the runtime the variables that it would
// obey, GODEBUG and the like.
//
// Either also asks for the memory that scripts/lean.go takes out of a program's
// file, so that the kernel can load it under such a limit.
//
// A binary linked without either, such as a test, sees unlimited old limits
// and no closed descriptor.
package entry

import (
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
)

// limit is struct rlimit on a 64-bit system.
type limit struct{ cur, max uint64 }

// affinitySize is the size in bytes of the masks below, enough for 8192
// processors, which is the most that Linux can be built for.
const affinitySize = 1024

// briefSlack is by how many nanoseconds timers may be late in the helper
// threads of a brief program. Longer gains little more, and it is also how
// long a goroutine may have to wait for one that blocks in a system call.
//
//lint:ignore U1000 the assembly uses it
const briefSlack = 1_000_000

// oneSlack is the same for a program that stays and does one thing at a time: where
// a system call blocks there is seldom a goroutine to run meanwhile, and a watchdog
// that has seen it block must be woken after it. That was a sixth of the CPU time
// of local deliveries.
//
//lint:ignore U1000 the assembly uses it
const oneSlack = 20_000_000

// staySlack is the same for a program that stays. Its watchdog would otherwise
// look around every 20 microseconds while it works, which is a tenth of the CPU
// time of a local delivery.
//
//lint:ignore U1000 the assembly uses it
const staySlack = 300_000

// What the assembly found. changed is 1 for each limit it raised.
var (
	addressSpace, data               limit
	addressSpaceChanged, dataChanged uint64
	closed, open                     uint64 // bit n: descriptor n was that
	pinned                           uint64 // bytes used in affinity, 0 if not confined
	slack                            uint64 // the slack of timers before, 0 if not changed
	affinity                         [affinitySize]byte
)

// The assembly's own.
var (
	//lint:ignore U1000 the assembly uses it
	processor uint32
	noFiles   limit // max is 0 unless set
	//lint:ignore U1000 the assembly uses it
	one [affinitySize]byte
)

// Setup makes the limit on address space that the program was started under
// the runtime's memory limit. It costs nothing when there was none.
func Setup() {
	free()
	resetFiles()
	for fd := range 3 {
		if Closed(fd) { // what the runtime opened there is not for the program that this one may become
			syscall.CloseOnExec(fd)
		}
	}
	old := uint64(math.MaxInt64)
	if addressSpaceChanged != 0 {
		old = addressSpace.cur
	}
	if dataChanged != 0 {
		old = min(old, data.cur)
	}
	if old < math.MaxInt64 {
		debug.SetMemoryLimit(int64(old))
	}
}

// Closed tells whether descriptor fd, 0 to 9, was closed when the program was
// started. The Go runtime opens /dev/null on a closed 0, 1 or 2, which would
// make a missing message look like an empty one, and files of its own on the
// closed ones that follow.
func Closed(fd int) bool { return closed>>fd&1 != 0 }

// Open tells whether descriptor fd, 0 to 9, was certainly open then.
func Open(fd int) bool { return open>>fd&1 != 0 }

// Hide makes descriptor fd count as closed: it is not for who this program starts.
func Hide(fd int) {
	open &^= 1 << fd
	closed |= 1 << fd
}

// stays is set by Stay where there are old limits.
var stays bool

// Stay prepares a program that stays, and works on in other goroutines while it
// starts programs. During Foreign the runtime can get no more address space, and
// if it needs any it gives up; so Stay takes all now that it should ever need,
// and has Foreign keep the garbage collector out. Without old limits it does
// nothing.
func Stay() {
	if addressSpaceChanged == 0 && dataChanged == 0 {
		return
	}
	stays = true
	const enough = 32 << 20
	debug.SetMemoryLimit(max(debug.SetMemoryLimit(-1), enough))
	room := make([]byte, enough)
	runtime.KeepAlive(room)
	runtime.GC() // now room is free
}

// withoutCollector calls f while no garbage collection is under way, nor what
// one leaves to be done later.
func withoutCollector(f func() error) error {
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(math.MaxInt64)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}()
	runtime.GC()
	return f()
}

var foreign sync.Mutex

// Foreign calls start, which forks and execs (or only execs), under the limits
// this program was itself started with, so that softlimit holds for what we
// run. While start runs, the runtime cannot grow, and what it has may be used up
// at any time: a program whose start takes memory, or that has more than one
// goroutine, calls Stay first.
func Foreign(start func() error) error {
	runtime.LockOSThread() // start runs in the thread that is freed here
	defer runtime.UnlockOSThread()
	free()
	if addressSpaceChanged == 0 && dataChanged == 0 {
		return start()
	}
	foreign.Lock()
	defer foreign.Unlock()
	limited := func() error {
		restore()
		defer raise()
		return start()
	}
	if stays {
		return withoutCollector(limited)
	}
	return limited()
}
