package main

import (
	"bufio"
	"io"
	"os"
	"strings"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/qmail"
	"goqmail/lib/quote"
)

// queue hands the message to qmail-queue.
func (in *injection) queue(env call.Env, stderr *os.File, body io.Reader) error {
	queue, err := qmail.Open(env, stderr)
	if err != nil {
		return exit.Defer("unable to run qmail-queue", nil)
	}
	if err := in.write(queue, body); err != nil {
		queue.Abort()
		return err
	}
	queue.From(untilNUL(in.sender))
	for _, list := range in.envelope() {
		for _, recipient := range list {
			queue.To(untilNUL(recipient))
		}
	}
	return queue.Close()
}

// envelope returns the recipients. There may be none: qmail-queue decides what
// to do about that.
func (in *injection) envelope() [][]string {
	switch {
	case !in.useHeader:
		return [][]string{in.argRecipients}
	case in.resent():
		return [][]string{in.argRecipients, in.resentRecipients}
	}
	return [][]string{in.argRecipients, in.recipients}
}

// print writes the message to out, with the sender as Return-Path.
func (in *injection) print(out *bufio.Writer, body io.Reader) error {
	io.WriteString(out, "Return-Path: <"+quote.Address(untilNUL(in.sender))+">\n")
	if err := in.write(unfailing{out}, body); err != nil {
		return err
	}
	out.Flush() // too late to say that it failed
	return nil
}

// unfailing is w with errors left to the next Flush.
type unfailing struct{ w *bufio.Writer }

func (u unfailing) Write(p []byte) (int, error) {
	u.w.Write(p)
	return len(p), nil
}

// untilNUL is what an envelope or a Message-ID can hold of s.
func untilNUL(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}
