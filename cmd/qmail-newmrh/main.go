// Qmail-newmrh makes control/morercpthosts.cdb of control/morercpthosts, the
// hosts that qmail-smtpd accepts mail for beside those in rcpthosts.
//
//	qmail-newmrh
//
// The new file takes the place of the old one at once, when it is complete and
// on disk. Qmail-newmrh exits 111 when it cannot make one; the old one stays.
package main

import (
	"bufio"
	"io"
	"os"
	"strings"
	"syscall"

	"goqmail/lib/ascii"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/cdb"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
)

func main() { call.Main(run) }

func run(c *call.Call) int { return exit.Report(c.Err(), "qmail-newmrh", newmrh()) }

func newmrh() error {
	syscall.Umask(0o033) // everybody may read the result
	if err := os.Chdir(auto.Home); err != nil {
		return exit.Defer("unable to chdir to "+auto.Home, err)
	}
	hosts, err := os.OpenFile("control/morercpthosts", os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return errRead(err)
	}
	defer hosts.Close()
	tmp, err := os.OpenFile("control/morercpthosts.tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return errWrite(err)
	}
	defer tmp.Close()
	if err := compile(hosts, tmp); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return errWrite(err)
	}
	if err := tmp.Close(); err != nil {
		return errWrite(err)
	}
	if err := syscall.Rename("control/morercpthosts.tmp", "control/morercpthosts.cdb"); err != nil {
		// The missing colon is as old as the program.
		return exit.Defer("unable to move control/morercpthosts.tmp to control/morercpthosts.cdb"+errno.Text(err), nil)
	}
	return nil
}

// compile turns hosts, one a line, into a database with hosts in lower case as
// keys. Blanks at the end of a line, empty lines and lines that start with #
// count for nothing.
func compile(hosts io.Reader, file io.WriteSeeker) error {
	db, err := cdb.NewWriter(file)
	if err != nil {
		return errWrite(err)
	}
	lines := bufio.NewReader(hosts)
	for {
		line, readErr := lines.ReadString('\n')
		if readErr != nil && readErr != io.EOF {
			return errRead(readErr)
		}
		host := strings.TrimRight(ascii.Lower(line), " \n\t")
		if host != "" && host[0] != '#' {
			if err := db.Add(host, ""); err != nil {
				return errWrite(err)
			}
		}
		if readErr == io.EOF {
			break
		}
	}
	if err := db.Close(); err != nil {
		return errWrite(err)
	}
	return nil
}

func errRead(err error) error { return exit.Defer("unable to read control/morercpthosts", err) }

func errWrite(err error) error {
	return exit.Defer("unable to write to control/morercpthosts.tmp", err)
}
