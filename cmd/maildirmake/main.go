// Maildirmake makes an empty maildir.
//
//	maildirmake name
//
// It exits 0 when it has made one, 100 without a name, and 111 if it cannot.
// See maildirmake(1) and maildir(5).
package main

import (
	"io"
	"os"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/exit"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	if len(c.Args) < 2 {
		io.WriteString(c.Err(), "maildirmake: usage: maildirmake name\n")
		return exit.Perm
	}
	return exit.Report(c.Err(), "maildirmake", maildirmake(c.Args[1]))
}

func maildirmake(name string) error {
	syscall.Umask(0o077) // whatever the caller's, the owner must be able to use it
	if err := os.Mkdir(name, 0o700); err != nil {
		return exit.Defer("unable to mkdir "+name, err)
	}
	for _, dir := range []string{"/tmp", "/new", "/cur"} {
		if err := os.Mkdir(name+dir, 0o700); err != nil {
			return exit.Defer("unable to mkdir "+name+dir, err)
		}
	}
	return nil
}
