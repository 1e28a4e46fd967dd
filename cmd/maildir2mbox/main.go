// Maildir2mbox moves the messages of a maildir to the end of an mbox file.
//
//	maildir2mbox
//
// MAILDIR names the maildir, MAIL the mbox and MAILTMP a file beside the mbox
// in which the new one is put together. Whenever it is stopped, each message is
// still in the maildir or already in the mbox, at worst in both. It exits 0 when
// all is moved and 111 if it cannot, with everything as it was. See
// maildir2mbox(1).
package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
	"goqmail/lib/maildir"
	"goqmail/lib/sig"
	"goqmail/lib/syncdir"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	return exit.Report(c.Err(), "maildir2mbox", maildir2mbox(c))
}

func maildir2mbox(c *call.Call) error {
	syscall.Umask(0o077)
	mail, ok := c.Env.Lookup("MAIL")
	if !ok {
		return exit.Defer("MAIL not set", nil)
	}
	temporary, ok := c.Env.Lookup("MAILTMP")
	if !ok {
		return exit.Defer("MAILTMP not set", nil)
	}
	dir, ok := c.Env.Lookup("MAILDIR")
	if !ok {
		return exit.Defer("MAILDIR not set", nil)
	}
	// MAIL and MAILTMP are relative to the maildir.
	if err := syscall.Chdir(dir); err != nil {
		return exit.Defer("unable to chdir to "+dir, err)
	}
	maildir.Clean(".")
	messages, err := maildir.Scan(".", "new", "cur")
	if err != nil || len(messages) == 0 {
		return err
	}
	lock, err := lock(mail)
	if err != nil {
		return exit.Defer("unable to lock "+mail, err)
	}
	defer syscall.Close(lock)
	if err := rewrite(mail, temporary, messages); err != nil {
		return err
	}
	for _, m := range messages {
		if err := syscall.Unlink(m.Name); err != nil {
			io.WriteString(c.Err(), "maildir2mbox: warning: $MAILDIR/"+m.Name+
				" will be delivered twice; unable to unlink: "+errno.Text(err)+"\n")
		}
	}
	return nil
}

// lock waits for the lock on the mbox, which is made if there is none. The lock
// holds until the descriptor is closed.
func lock(mail string) (fd int, err error) {
	const flags = syscall.O_WRONLY | syscall.O_NONBLOCK | syscall.O_APPEND | syscall.O_CREAT | syscall.O_CLOEXEC
	fd, err = syscall.Open(mail, flags, 0o600)
	if err != nil {
		return -1, err
	}
	for {
		err = syscall.Flock(fd, syscall.LOCK_EX)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// rewrite puts a copy of the mbox with the messages behind it in its place.
func rewrite(mail, temporary string, messages []maildir.Message) error {
	old, err := os.Open(mail)
	if err != nil {
		return exit.Defer("unable to read "+mail, err)
	}
	defer old.Close()
	out, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return exit.Defer("unable to create "+temporary, err)
	}
	defer out.Close()
	n := &newMbox{name: temporary, w: out}
	if err := n.addOld(mail, old); err != nil {
		return err
	}
	for _, m := range messages {
		if err := n.add(m); err != nil {
			return err
		}
	}
	if err := n.close(); err != nil {
		return err
	}
	if err := syscall.Rename(temporary, mail); err != nil {
		return exit.Defer("unable to move "+temporary+" to "+mail, err)
	}
	// Before the messages go, the new mbox must be there for good. A directory
	// may be closed to its own user's eyes, and then cannot be synced.
	if err := syncdir.Sync(filepath.Dir(mail)); err != nil && !errors.Is(err, syscall.EACCES) {
		return exit.Defer("unable to move "+temporary+" to "+mail, err)
	}
	return nil
}
