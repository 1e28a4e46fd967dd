package main

import (
	"bufio"

	"goqmail/lib/qmail"
	"goqmail/lib/queue"
)

// maxAddress is the length of the longest address that is taken.
const maxAddress = 1002

// copyEnvelope copies the records of an envelope, without the NUL that ends
// it, and returns an exit code. What follows that NUL is not looked at.
func copyEnvelope(w *bufio.Writer, r *bufio.Reader) int {
	if code := copyAddress(w, r, queue.Sender); code != 0 {
		return code
	}
	for {
		next, err := r.Peek(1)
		if err != nil {
			return qmail.ExitRead
		}
		if next[0] == 0 {
			return 0
		}
		if code := copyAddress(w, r, queue.ToDo); code != 0 {
			return code
		}
	}
}

// copyAddress copies one record, which must be of the given kind.
func copyAddress(w *bufio.Writer, r *bufio.Reader, kind byte) int {
	c, err := r.ReadByte()
	if err != nil {
		return qmail.ExitRead
	}
	if c != kind {
		return qmail.ExitEnvelope
	}
	w.WriteByte(c)
	for range maxAddress + 1 {
		c, err := r.ReadByte()
		if err != nil {
			return qmail.ExitRead
		}
		if w.WriteByte(c) != nil {
			return qmail.ExitWrite
		}
		if c == 0 {
			return 0
		}
	}
	return qmail.ExitLong
}
