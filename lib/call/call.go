// Package call is one start of a program: the arguments, environment and
// descriptors that execve(2) would hand it.
//
// Every short-lived program is a function of a Call that returns its exit
// code and keeps no package state, so that one process can serve many calls.
// Such a function takes from the process only what a Call does not carry: its
// identity, working directory and umask.
package call

import (
	"os"
	"runtime/debug"

	"goqmail/lib/entry"
)

// Call is what a program is started with.
type Call struct {
	Args  []string // Args[0] is the name the program was called by
	Env   Env
	Pid   int              // stands for this call in logs and in names that must be its own
	Uid   int              // the real user id of who made it
	Gone  func() bool      // tells whether who made it has gone meanwhile; nil: nobody can tell
	files map[int]*os.File // nil: the process's own descriptors
	own   map[int]*os.File // of those, the ones above 2 that were asked for
}

// New makes a Call by hand, for a test or for a process that serves calls.
// files maps descriptor numbers to open files; what it lacks is closed.
func New(args []string, env Env, files map[int]*os.File) *Call {
	if files == nil {
		files = map[int]*os.File{}
	}
	return &Call{Args: args, Env: env, Pid: os.Getpid(), Uid: os.Getuid(), files: files}
}

// Main runs a program as the process's only call and exits with its code.
//
// A defect of the program, or a runtime that cannot get a thread or a
// descriptor, kills it with SIGABRT: callers take a crash for a temporary
// failure. The runtime's own way, exit code 2, would bounce mail.
func Main(run func(*Call) int) {
	debug.SetTraceback("crash")
	entry.Setup()
	os.Exit(run(&Call{Args: os.Args, Env: os.Environ(), Pid: os.Getpid(), Uid: os.Getuid()}))
}

// File returns the file that the call has open on descriptor fd. For a
// descriptor that is closed it returns a nil *os.File, on which every
// operation fails, or a file whose operations fail with EBADF.
func (c *Call) File(fd int) *os.File {
	if c.files != nil {
		return c.files[fd]
	}
	switch {
	case entry.Closed(fd):
		return nil
	case fd == 0:
		return os.Stdin
	case fd == 1:
		return os.Stdout
	case fd == 2:
		return os.Stderr
	}
	// Only one os.File for each: it closes its descriptor when it is garbage.
	f := c.own[fd]
	if f == nil {
		if c.own == nil {
			c.own = map[int]*os.File{}
		}
		f = os.NewFile(uintptr(fd), "")
		c.own[fd] = f
	}
	return f
}

// In is descriptor 0.
func (c *Call) In() *os.File { return c.File(0) }

// Out is descriptor 1.
func (c *Call) Out() *os.File { return c.File(1) }

// Err is descriptor 2.
func (c *Call) Err() *os.File { return c.File(2) }

// Arg returns argument i, counted from 1, or "" when there are fewer.
func (c *Call) Arg(i int) string {
	if i < len(c.Args) {
		return c.Args[i]
	}
	return ""
}

// Env is an environment: strings of the form NAME=value, in order. Where a
// name stands twice the first one counts, as for getenv(3).
type Env []string

// Lookup returns the value of name and whether it is set at all. There are so many
// calls that programs would be bigger with it in place of each.
//
//go:noinline
func (e Env) Lookup(name string) (string, bool) {
	for _, s := range e {
		if len(s) > len(name) && s[len(name)] == '=' && s[:len(name)] == name {
			return s[len(name)+1:], true
		}
	}
	return "", false
}

// Get returns the value of name, or "" when it is not set.
func (e Env) Get(name string) string {
	v, _ := e.Lookup(name)
	return v
}

// With returns a copy of e in which name has the given value, once.
func (e Env) With(name, value string) Env {
	out := e.copy()
	out.Set(name, value)
	return out
}

// Set is With for an e that nobody else looks at: e itself changes.
func (e *Env) Set(name, value string) {
	e.drop(name)
	*e = append(*e, name+"="+value)
}

// Without returns a copy of e in which name is not set. As ever in qmail, the
// last variable moves to where it stood.
func (e Env) Without(name string) Env {
	out := e.copy()
	out.drop(name)
	return out
}

func (e Env) copy() Env { return append(make(Env, 0, len(e)+1), e...) }

func (e *Env) drop(name string) {
	for i := len(*e) - 1; i >= 0; i-- {
		if s := (*e)[i]; len(s) > len(name) && s[len(name)] == '=' && s[:len(name)] == name {
			last := len(*e) - 1
			(*e)[i] = (*e)[last]
			*e = (*e)[:last]
		}
	}
}
