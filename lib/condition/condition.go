// Package condition runs the program that decides what becomes of a message,
// for condredirect, bouncesaying and except.
package condition

import (
	"os"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
)

// Holds runs a program, found along PATH, with the descriptors and environment
// of c, and tells whether it exited 0. Any other code is a no, and so is a
// program that can never be run; but exit.Temp, a crash, and a program that
// cannot be run just now are errors, to be tried again later.
func Holds(c *call.Call, program []string) (bool, error) {
	cmd := child.Cmd{Args: program, Env: c.Env, Files: []*os.File{c.In(), c.Out(), c.Err()}}
	pid, err := cmd.StartFound()
	switch {
	case child.ForkFailed(err):
		return false, exit.Defer("unable to fork", err)
	case errno.Temp(err):
		return false, exit.Defer("temporary child error", nil)
	case err != nil:
		return false, nil
	}
	status, err := child.Wait(pid)
	switch {
	case err != nil:
		return false, exit.Defer("wait failed", nil)
	case status.Signaled():
		return false, exit.Defer("child crashed", nil)
	case status.ExitStatus() == exit.Temp:
		return false, exit.Defer("temporary child error", nil)
	}
	return status.ExitStatus() == 0, nil
}
