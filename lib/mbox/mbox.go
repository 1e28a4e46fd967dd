// Package mbox adds messages to mbox files, the traditional mailboxes that
// hold one message after the other; see mbox(5). It does not read them.
package mbox

import (
	"bufio"
	"io"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/descriptor"
	"goqmail/lib/errno"
	"goqmail/lib/syncdir"
)

// lockTimeout is how long a mail reader may hold the lock before a delivery is
// put off.
const lockTimeout = 30 * time.Second

// Step is a part of a delivery that may fail.
type Step int

// The steps.
const (
	Open  Step = iota // the file cannot be opened or made
	Lock              // another process has kept the lock for 30 seconds
	Read              // the message cannot be read
	Write             // the file cannot be written
)

// Error tells why a message was not delivered, and at which step.
type Error struct {
	Step Step
	Err  error // nil for Lock
}

// Error gives the reason in qmail's words.
func (e *Error) Error() string {
	if e.Err == nil {
		return "mbox is locked"
	}
	return errno.Text(e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Append adds one message to the mbox file name, which it makes with mode 0600
// where there is none: head, which starts with the line that From gives, and
// mess, quoted. On success the message is on disk. On failure, an *Error, the
// file is as long as it was, unless it is on a file system without locks: there
// another process may have added a message behind the part of this one.
func Append(name, head string, mess io.Reader) error {
	// Not to wait for somebody to read, should it be a FIFO.
	file, err := descriptor.Open(name, syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_APPEND|syscall.O_CREAT, 0o600)
	if err != nil {
		return &Error{Open, err}
	}
	locked, err := lock(file, lockTimeout)
	if err != nil {
		return err // whoever waits for the lock closes the file
	}
	defer file.Close()
	end, seekErr := syscall.Seek(int(file), 0, io.SeekEnd) // fails on a FIFO
	err = appendTo(file, head, mess)
	if err == nil && end == 0 {
		err = syncParent(name, file) // the file may be new
	}
	if err != nil && locked && seekErr == nil {
		syscall.Ftruncate(int(file), end) // nothing is left to do if it fails
	}
	return err
}

func appendTo(file descriptor.File, head string, mess io.Reader) error {
	w := bufio.NewWriterSize(file, 8192)
	w.WriteString(head)
	q := NewQuoter(w)
	buf := make([]byte, 8192)
	for {
		n, err := mess.Read(buf)
		if _, err := q.Write(buf[:n]); err != nil {
			return &Error{Write, err}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return &Error{Read, err}
		}
	}
	q.Close()
	if err := w.Flush(); err != nil {
		return &Error{Write, err}
	}
	if err := file.Sync(); err != nil {
		return &Error{Write, err}
	}
	return nil
}

// syncParent makes the name of a file durable.
func syncParent(name string, file descriptor.File) error {
	dir := name[:strings.LastIndexByte(name, '/')+1] + "."
	if err := syncdir.SyncOf(dir, int(file)); err != nil {
		return &Error{Write, err}
	}
	return nil
}
