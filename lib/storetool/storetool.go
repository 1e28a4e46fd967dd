// Package storetool is how the programs begin that look after the mail store:
// reconstruct, ctl_mboxlist and their like.
package storetool

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"goqmail/lib/imapconf"
	"goqmail/lib/mailstore"
	"goqmail/lib/mboxname"
	"goqmail/lib/service"
)

// The exit codes of these programs, which are those of sysexits(3).
const (
	Usage  = 64
	Failed = 75
	Config = 78
)

// Tool is a program that looks after the store.
type Tool struct {
	Name  string
	Conf  imapconf.Conf
	Store *mailstore.Store
	Space mboxname.Space // how an administrator names mailboxes
}

// Become gives up root for the store's owner, so that nothing in the store is made by
// root. It ends the program if that cannot be.
func Become(name string) {
	if err := service.Identity(); err != nil {
		os.Exit(Report(os.Stderr, name, err))
	}
}

// Open reads the configuration and opens the store, with the
// list of mailboxes from a file if that is not empty. Close the store in the end.
func Open(name, config, list string) (*Tool, error) {
	conf, err := imapconf.Read(config)
	if err == nil {
		err = conf.Check()
	}
	if err != nil {
		return nil, &configError{err}
	}
	layout := mailstore.LayoutOf(conf)
	layout.List = list
	store, err := mailstore.Open(layout)
	if err != nil {
		return nil, err
	}
	t := &Tool{Name: name, Conf: conf, Store: store, Space: mboxname.Space{Separator: '.'}}
	if conf.Bool("unixhierarchysep", false) {
		t.Space.Separator = '/'
	}
	return t, nil
}

// configError is one of the configuration.
type configError struct{ error }

// Report writes an error, nothing for nil, and returns the code to exit with.
func Report(w io.Writer, name string, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(w, "%s: %v\n", name, err)
	if _, ok := err.(*configError); ok {
		return Config
	}
	return Failed
}

// Match lists the mailboxes whose names, as an administrator says them, fit a pattern:
// * stands for anything, % for anything within one part.
func (t *Tool) Match(pattern string) (found []mailstore.Entry, err error) {
	all, err := t.Store.Below("")
	for _, e := range all {
		if match(pattern, t.Space.External(e.Name), t.Space.Separator) {
			found = append(found, e)
		}
	}
	return found, err
}

func match(pattern, name string, separator byte) bool {
	for i := range len(pattern) {
		switch c := pattern[i]; {
		case c == '*' || c == '%':
			for j := i; j <= len(name); j++ {
				if match(pattern[i+1:], name[j:], separator) {
					return true
				}
				if j < len(name) && c == '%' && name[j] == separator {
					return false
				}
			}
			return false
		case i >= len(name) || name[i] != c:
			return false
		}
	}
	return len(pattern) == len(name)
}

// Terminal tells whether somebody watches.
func Terminal(f *os.File) bool {
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// Valid tells whether a name is one that a mailbox in the store can have.
func Valid(name string) bool {
	plain := strings.ReplaceAll(name, "^", "x")
	internal, err := mboxname.Space{Separator: '.'}.Internal(plain)
	return err == nil && internal == plain
}
