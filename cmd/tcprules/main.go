// Tcprules compiles the rules by which qmail-listen or tcpserver lets
// connections in.
//
//	tcprules rules.cdb rules.tmp
//
// It reads rules from descriptor 0, writes them to rules.tmp and renames that
// to rules.cdb, so that listeners see the old rules or the new ones. It exits
// 100 for a line that is no rule, 111 if it cannot write, and leaves the old
// rules then. See tcprules(1).
package main

import (
	"errors"
	"io"
	"os"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/cdb"
	"goqmail/lib/exit"
	"goqmail/lib/tcprules"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	if len(c.Args) < 3 {
		io.WriteString(c.Err(), "tcprules: usage: tcprules rules.cdb rules.tmp\n")
		return exit.Perm
	}
	return exit.Report(c.Err(), "tcprules", compile(c.In(), c.Args[1], c.Args[2]))
}

func compile(rules io.Reader, name, temporary string) error {
	out, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return exit.Defer("unable to create "+temporary, err)
	}
	defer out.Close()
	if err := write(rules, out); err != nil {
		var syntax tcprules.SyntaxError
		var read *tcprules.ReadError
		switch {
		case errors.As(err, &syntax):
			return exit.Reject(syntax.Error(), nil)
		case errors.As(err, &read):
			return exit.Defer(read.Error(), read.Err)
		}
		return exit.Defer("unable to write to "+temporary, err)
	}
	if err := syscall.Rename(temporary, name); err != nil {
		return exit.Defer("unable to move "+temporary+" to "+name, err)
	}
	return nil
}

// write makes sure that all is on disk.
func write(rules io.Reader, out *os.File) error {
	db, err := cdb.NewWriter(out)
	if err != nil {
		return err
	}
	if err := tcprules.Compile(rules, db); err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	return out.Close()
}
