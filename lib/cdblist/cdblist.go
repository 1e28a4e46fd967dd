// Package cdblist makes of a file with one key a line the constant database in
// which a program finds any of them quickly: control/morercpthosts.cdb of
// control/morercpthosts, and others like it.
package cdblist

import (
	"bufio"
	"io"
	"os"
	"strings"
	"syscall"

	"goqmail/lib/ascii"
	"goqmail/lib/auto"
	"goqmail/lib/cdb"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
)

// Make makes name.cdb of name, a file below the home directory. prefix stands
// in front of all keys. The new file takes the place of the old one at once, when
// it is complete and on disk. The error, a complete text, means that the old one
// stays.
func Make(name, prefix string) error {
	syscall.Umask(0o033) // everybody may read the result
	if err := os.Chdir(auto.Home); err != nil {
		return exit.Defer("unable to chdir to "+auto.Home, err)
	}
	text, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return errRead(name, err)
	}
	defer text.Close()
	tmp, err := os.OpenFile(name+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return errWrite(name, err)
	}
	defer tmp.Close()
	if err := compile(name, prefix, text, tmp); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return errWrite(name, err)
	}
	if err := tmp.Close(); err != nil {
		return errWrite(name, err)
	}
	if err := syscall.Rename(name+".tmp", name+".cdb"); err != nil {
		// The missing colon is as old as the first of these programs.
		return exit.Defer("unable to move "+name+".tmp to "+name+".cdb"+errno.Text(err), nil)
	}
	return nil
}

// compile turns lines into a database with keys in lower case and without data.
// Blanks at the end of a line, empty lines and lines that start with # count for
// nothing.
func compile(name, prefix string, text io.Reader, file io.WriteSeeker) error {
	db, err := cdb.NewWriter(file)
	if err != nil {
		return errWrite(name, err)
	}
	lines := bufio.NewReader(text)
	for {
		line, readErr := lines.ReadString('\n')
		if readErr != nil && readErr != io.EOF {
			return errRead(name, readErr)
		}
		key := strings.TrimRight(ascii.Lower(line), " \n\t")
		if key != "" && key[0] != '#' {
			if err := db.Add(prefix+key, ""); err != nil {
				return errWrite(name, err)
			}
		}
		if readErr == io.EOF {
			break
		}
	}
	if err := db.Close(); err != nil {
		return errWrite(name, err)
	}
	return nil
}

func errRead(name string, err error) error { return exit.Defer("unable to read "+name, err) }

func errWrite(name string, err error) error {
	return exit.Defer("unable to write to "+name+".tmp", err)
}
