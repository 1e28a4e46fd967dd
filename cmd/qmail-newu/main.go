// Qmail-newu makes users/cdb of users/assign.
//
//	qmail-newu
//
// The new users/cdb takes the place of the old one at once, when it is
// complete and on disk. Qmail-newu exits 111 when it cannot make one; the
// old one stays. See lib/users and qmail-users(5).
package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/sig"
	"goqmail/lib/users"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	sig.Default(syscall.SIGPIPE)
	return exit.Report(c.Err(), "qmail-newu", newu())
}

func newu() error {
	syscall.Umask(0o033) // everybody may read the result
	if os.Chdir(auto.Home) != nil {
		return exit.Defer("unable to chdir", nil)
	}
	assign, err := os.OpenFile("users/assign", os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return exit.Defer("unable to open users/assign", nil)
	}
	defer assign.Close()
	tmp, err := os.OpenFile("users/cdb.tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return exit.Defer("unable to open users/cdb.tmp", nil)
	}
	defer tmp.Close()
	if err := compile(assign, tmp); err != nil {
		return err
	}
	if tmp.Sync() != nil || tmp.Close() != nil {
		return errWrite()
	}
	if os.Rename("users/cdb.tmp", "users/cdb") != nil {
		return exit.Defer("unable to move users/cdb.tmp to users/cdb", nil)
	}
	return nil
}

// compile turns assignments into a database. A line that starts with a dot
// ends them, and must be there: without it the file was cut short.
func compile(assign io.Reader, db io.WriteSeeker) error {
	table, err := users.NewTable(db)
	if err != nil {
		return errWrite()
	}
	lines := bufio.NewReader(assign)
	for {
		line, err := lines.ReadString('\n')
		switch {
		case err != nil && err != io.EOF:
			return exit.Defer("unable to read users/assign", nil)
		case strings.HasPrefix(line, "."):
			if table.Close() != nil {
				return errWrite()
			}
			return nil
		case err == io.EOF:
			return exit.Defer(users.ErrFormat.Error(), nil)
		}
		switch err := table.Add(line); {
		case errors.Is(err, users.ErrFormat):
			return exit.Defer(users.ErrFormat.Error(), nil)
		case err != nil:
			return errWrite()
		}
	}
}

func errWrite() error { return exit.Defer("unable to write users/cdb.tmp", nil) }
