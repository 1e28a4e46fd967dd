// Package exit names the exit codes by which the programs speak to each other
// and carries them in errors. qmail-queue's own codes are in lib/qmail.
package exit

import (
	"errors"
	"io"

	"goqmail/lib/errno"
)

// The codes of qmail-command(8), which most programs share.
const (
	OK   = 0
	Drop = 99  // done, and skip the remaining instructions
	Perm = 100 // permanent failure
	Temp = 111 // temporary failure: try again later
)

// Error is a failure with the exit code that tells it. Text says what could
// not be done, in lower case and without a full stop; Err, if any, says why.
type Error struct {
	Code int
	Text string
	Err  error
}

// Error gives the text, and after ": " the reason in qmail's words.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + errno.Text(e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Reject is a permanent failure. err may be nil.
func Reject(text string, err error) error { return &Error{Perm, text, err} }

// Defer is a temporary failure. err may be nil.
func Defer(text string, err error) error { return &Error{Temp, text, err} }

// Code is the exit code for err: 0 for nil, and Temp for an error that carries
// none, because doubt must never lose mail.
func Code(err error) int {
	if err == nil {
		return OK
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Temp
}

// Report writes "PROGRAM: fatal: TEXT\n" for an error, nothing for nil, and
// returns the code to exit with. A failed write cannot be told to anyone.
func Report(w io.Writer, program string, err error) int {
	if err != nil {
		io.WriteString(w, program+": fatal: "+err.Error()+"\n")
	}
	return Code(err)
}
