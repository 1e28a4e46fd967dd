//go:build linux

// Package lab starts private systems for the tests and looks into them.
//
// A Host is a machine of its own made of namespaces: mounts, processes,
// network, host name and IPC. It has its own /etc/passwd, loopback interface,
// home directories and qmail home, and nothing it does shows on the machine
// that runs the tests. When the host, or the test process, ends, the kernel
// takes everything away. Connect makes a network of several hosts, ServeNames
// gives them names.
//
// Namespaces need root; Need says why they are not to be had. The tests stay
// outside and reach in with Host.Do, so one test can hold several hosts.
package lab

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// T is what the lab needs of a test. *testing.T and *testing.B have it; a
// program that is no test brings its own.
type T interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	Cleanup(func())
}

// Main runs a package's tests and then removes what they shared. Call it from
// TestMain: os.Exit(lab.Main(m)).
func Main(m interface{ Run() int }) int {
	// A signal that was ignored when the tests were started, as in the
	// background of a shell, would stay ignored in every program under test,
	// and a descriptor that was open would stay open.
	closeOnExec()
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
	defer removeShared()
	return m.Run()
}

func closeOnExec() {
	open, _ := os.ReadDir("/proc/self/fd") // without /proc there are no hosts either
	for _, e := range open {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}

var shared struct {
	sync.Mutex
	dirs []string
}

// SharedDir makes a directory for all tests of this process, which Main
// removes. Everybody may read it.
func SharedDir() (string, error) {
	dir, err := os.MkdirTemp("", "goqmail-lab.")
	if err != nil {
		return "", err
	}
	shared.Lock()
	shared.dirs = append(shared.dirs, dir)
	shared.Unlock()
	return dir, os.Chmod(dir, 0o755)
}

func removeShared() {
	for _, dir := range shared.dirs {
		os.RemoveAll(dir) // what cannot be removed is the temporary directory's business
	}
}

// Need skips the test where hosts cannot be made.
func Need(t T) {
	t.Helper()
	if err := Refused(); err != nil {
		t.Skipf("%v", err)
	}
}

// NeedLandlock skips the test where the kernel has none.
func NeedLandlock(t T) {
	t.Helper()
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION); errno != 0 {
		t.Skipf("this kernel has no Landlock: %v", errno)
	}
}

// Refused says why hosts cannot be made here, nil when they can.
var Refused = sync.OnceValue(func() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("private systems need root")
	}
	h, err := start(nil)
	if err != nil {
		return fmt.Errorf("private systems need namespaces, which are refused here: %w", err)
	}
	h.Close()
	return nil
})

// Patience is how long tests wait for anything. Some programs take seconds even on
// a machine that has nothing else to do.
const Patience = 5 * time.Minute

// Await waits until cond holds, as long as Patience, and fails the test otherwise:
// what names what was waited for.
func Await(t T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
