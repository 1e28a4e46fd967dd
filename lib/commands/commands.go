// Package commands reads the command lines of SMTP and POP3: a verb in any
// case, blanks, and an argument.
package commands

import (
	"bufio"
	"errors"
	"strings"

	"goqmail/lib/ascii"
)

// maxLine is the length in bytes of the longest command line. Standards ask
// for 512 (RFC 5321, section 4.5.3.1.4); this limit is for the memory.
const maxLine = 1 << 20

// ErrTooLong is the error for a line that would take too much memory.
var ErrTooLong = errors.New("command line too long")

// Command is one line of a table of commands. S is the state of a dialogue.
type Command[S any] struct {
	Verb string
	Run  func(s S, argument string) error
}

// Serve reads commands and runs them until one returns an error, which Serve
// returns, or reading fails: with io.EOF where the peer has closed, also within
// a line. What is not in the table is left to unknown.
func Serve[S any](r *bufio.Reader, s S, table []Command[S], unknown func(s S, argument string) error) error {
	for {
		line, err := ReadLine(r)
		if err != nil {
			return err
		}
		verb, argument := Split(line)
		run := unknown
		for _, c := range table {
			if ascii.Equal(c.Verb, verb) {
				run = c.Run
				break
			}
		}
		if err := run(s, argument); err != nil {
			return err
		}
	}
}

// ReadLine reads a line and returns it without LF, or CR LF, at its end. It
// returns ErrTooLong for one of more than 1 MB, and io.EOF where the peer has
// closed, also within a line.
func ReadLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		if len(line)+len(piece) > maxLine {
			return "", ErrTooLong
		}
		line = append(line, piece...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return "", err
		}
		return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
	}
}

// Split divides a line at its first blank. A NUL ends the line, as mail has no
// use for one.
func Split(line string) (verb, argument string) {
	line, _, _ = strings.Cut(line, "\x00")
	verb, argument, _ = strings.Cut(line, " ")
	return verb, strings.TrimLeft(argument, " ")
}
