// Package child starts other programs and waits for them.
//
// It is os.StartProcess without the descriptors and goroutines that os/exec
// keeps, and it hands programs that are not ours the resource limits that this
// one was started under (see package entry).
package child

import (
	"os"
	"runtime"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/entry"
)

// Cmd is a program to start. Descriptors beyond Files pass on if this process
// itself was started with them.
type Cmd struct {
	Path  string               // the file to execute; Look finds one along PATH
	Args  []string             // arguments, with the name at Args[0]
	Env   call.Env             // the whole environment
	Dir   string               // working directory; "" is the caller's
	Files []*os.File           // Files[n] becomes descriptor n; nil closes it
	Keep  bool                 // but nil leaves what this process was started with
	Large bool                 // a program of ours that no old limit has room for: it starts without
	Sys   *syscall.SysProcAttr // of which only Credential counts
}

// Start starts the program and returns its process id. The error is the system
// call's: of fork, of a step before exec, or of exec itself.
func (c *Cmd) Start() (pid int, err error) {
	fds := make([]uintptr, len(c.Files))
	for i, f := range c.Files {
		switch {
		case f != nil:
			fds[i] = fd(f)
		case c.Keep && entry.Open(i):
			fds[i] = uintptr(i)
		default:
			fds[i] = ^uintptr(0)
		}
	}
	attr := &syscall.ProcAttr{Dir: c.Dir, Env: c.Env, Files: fds, Sys: c.Sys}
	if c.Large {
		pid, err = syscall.ForkExec(c.Path, c.Args, attr)
	} else {
		pid, err = start(c.Path, c.Args, attr)
	}
	runtime.KeepAlive(c.Files)
	return pid, err
}

// ForkFailed tells whether Start failed for want of processes or memory, so that
// the program had no part in it.
func ForkFailed(err error) bool { return err == syscall.EAGAIN || err == syscall.ENOMEM }

// fd is f's descriptor, without the switch to blocking mode that os.File.Fd
// makes: the file description is shared with other processes.
func fd(f *os.File) uintptr {
	n := ^uintptr(0)
	if raw, err := f.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { n = fd })
	}
	return n
}

// Pipe makes a pipe whose ends are in blocking mode, as programs expect of the
// descriptors they are started with. Neither end passes to a child unless it
// stands in Files.
func Pipe() (r, w *os.File, err error) {
	var p [2]int
	if err := pipe(p[:]); err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(p[0]), "pipe"), os.NewFile(uintptr(p[1]), "pipe"), nil
}

// Exec replaces this process by the program. It returns only if that failed.
func Exec(path string, args []string, env call.Env) error { return replace(path, args, env) }

// Wait waits for process pid to end. It returns an error when there is no such
// child.
func Wait(pid int) (syscall.WaitStatus, error) {
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if err != syscall.EINTR {
			return status, err
		}
	}
}
