package main

import (
	"bytes"
	"io"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/netstring"
	"goqmail/lib/qmail"
	"goqmail/lib/received"
)

// maxAddress is more than the bytes that an address may have.
const maxAddress = 1000

// mail is the message under way.
type mail struct {
	*qmail.Queue
	env call.Env
	odd bool // an address is too long, or has a NUL in it
}

// receive takes a message with a text of n bytes: sender and recipients fill
// the rest of the input.
func (m *mail) receive(in *input, n int) error {
	m.WriteString(received.FromEnv(m.env).Line("QMQP", time.Now()))
	for n > 0 {
		piece, err := in.next(n)
		if err != nil {
			return err
		}
		m.Write(piece)
		n -= len(piece)
	}
	if err := netstring.Comma(in); err != nil {
		return err
	}
	sender, err := m.address(in)
	if err != nil {
		return err
	}
	m.From(sender)
	for in.left > 0 {
		recipient, err := m.address(in)
		if err != nil {
			return err
		}
		m.To(recipient)
	}
	return in.end()
}

// address reads an address. Once there is one that cannot be meant, nothing is
// queued, but the client is heard out.
func (m *mail) address(in *input) (string, error) {
	n, err := netstring.Length(in)
	if err != nil {
		return "", err
	}
	odd := n >= maxAddress
	var address []byte
	for n > 0 {
		piece, err := in.next(n)
		if err != nil {
			return "", err
		}
		n -= len(piece)
		if !odd {
			address = append(address, piece...)
		}
	}
	if odd || bytes.IndexByte(address, 0) >= 0 {
		m.odd = true
		m.Fail()
		address = nil
	}
	return string(address), netstring.Comma(in)
}

// maxStart is how many bytes the length at the very start may take.
const maxStart = 100

// input is the netstring that the client sends.
type input struct {
	r    io.Reader
	buf  []byte // read and not yet used
	room [512]byte
	left int // bytes to come, of the netstring
}

func newInput(r io.Reader) *input { return &input{r: r, left: maxStart} }

// start reads the length of it all, and that of the text.
func (in *input) start() (n int, err error) {
	if in.left, err = netstring.Length(in); err != nil {
		return 0, err
	}
	return netstring.Length(in)
}

// end reads the comma behind it all.
func (in *input) end() error {
	in.left = 1
	return netstring.Comma(in)
}

// next returns the next bytes, at least one and at most n. They are good until
// the next call. The error is netstring.ErrFormat when nothing is left, or r's.
func (in *input) next(n int) ([]byte, error) {
	if in.left == 0 {
		return nil, netstring.ErrFormat
	}
	for len(in.buf) == 0 {
		got, err := in.r.Read(in.room[:])
		if got == 0 && err != nil {
			return nil, err
		}
		in.buf = in.room[:got]
	}
	piece := in.buf[:min(n, in.left, len(in.buf))]
	in.buf = in.buf[len(piece):]
	in.left -= len(piece)
	return piece, nil
}

// ReadByte is next for one byte.
func (in *input) ReadByte() (byte, error) {
	piece, err := in.next(1)
	if err != nil {
		return 0, err
	}
	return piece[0], nil
}
