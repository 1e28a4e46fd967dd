package main

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/call"
	"goqmail/lib/date822"
	"goqmail/lib/descriptor"
	"goqmail/lib/qmail"
	"goqmail/lib/queue"
	"goqmail/lib/quote"
	"goqmail/lib/syncdir"
)

// note is a text on its way to a file in bounce.
type note struct {
	file queue.Name
	f    descriptor.File
	open bool
	text []byte // what is not yet written
	err  error  // of the last write or sync
}

func newNote(file queue.Name, text []byte) *note { return &note{file: file, text: text} }

// write appends the text, or what is left of it after an earlier error.
func (n *note) write() error {
	if !n.open {
		n.f, n.err = descriptor.Open(string(n.file), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_APPEND|unix.O_CREAT, 0o600)
		if n.err != nil {
			return n.err
		}
		n.open = true
	}
	var written int
	written, n.err = n.f.Write(n.text)
	n.text = n.text[written:]
	return n.err
}

// sync makes text and file name durable. It may run in any goroutine.
func (n *note) sync() {
	n.err = n.f.Sync()
	if n.err == nil {
		n.err = syncdir.Sync("bounce")
	}
}

func (n *note) close() { n.f.Close() }

// bounce is a message about the failures of another. To the sender of that it
// comes from nobody, so that it cannot bounce back for ever; if there is none,
// because that was a bounce itself, it is a double bounce to the postmaster,
// from the sender that only a triple bounce could go to.
type bounce struct {
	set    *settings
	sender string     // of the message that bounces
	text   queue.Name // on its failures
	mess   queue.Name // the message itself
}

const doubleBounceSender = "#@[]"

// What keeps a bounce from being queued.
var (
	errNoQueue   = errors.New("unable to start qmail-queue, will try later")
	errNotQueued = errors.New("trouble injecting bounce message, will try later")
)

// send puts the bounce into the queue. It calls started with the process id of
// the qmail-queue that is to take it. It may run in any goroutine.
func (b *bounce) send(env call.Env, stderr *os.File, started func(pid int)) error {
	q, err := qmail.Open(env, stderr)
	if err != nil {
		return errNoQueue
	}
	started(q.Pid())
	from, to := "", b.sender
	if b.sender == "" {
		from, to = doubleBounceSender, b.set.doubleBounceTo
	}
	q.WriteString("Date: " + date822.Format(time.Now()) +
		"\nFrom: " + quote.Box(b.set.bounceFrom) + "@" + b.set.bounceHost +
		"\nTo: " + quote.Address(to) +
		"\nSubject: failure notice\n\nHi. This is the qmail-send program at " + b.set.bounceHost + ".\n")
	if b.sender != "" {
		q.WriteString("I'm afraid I wasn't able to deliver your message to the following addresses.\n" +
			"This is a permanent error; I've given up. Sorry it didn't work out.\n\n")
	} else {
		q.WriteString("I tried to deliver a bounce message to this address, but the bounce bounced!\n\n")
	}
	copyFile(q, b.text, 0)
	if b.sender != "" {
		q.WriteString("--- Below this line is a copy of the message.\n\n")
	} else {
		q.WriteString("--- Below this line is the original bounce.\n\n")
	}
	q.WriteString("Return-Path: <" + quote.Address(b.sender) + ">\n")
	copyFile(q, b.mess, b.set.bounceMax)
	q.From(from)
	q.To(to)
	if q.Close() != nil {
		return errNotQueued
	}
	return nil
}

// copyFile adds a file to a message, or makes sure that the message is not
// queued without it. If limit is positive, no more bytes than that are added.
func copyFile(q *qmail.Queue, name queue.Name, limit int64) {
	f, err := openRead(name)
	if err != nil {
		q.Fail()
		return
	}
	defer f.Close()
	if limit <= 0 {
		_, err = io.Copy(q, f)
	} else if _, err = io.CopyN(q, f, limit); err == nil {
		var more [1]byte
		var n int
		if n, err = f.Read(more[:]); n > 0 {
			q.WriteString("\n\n--- End of message stripped.\n")
		}
	}
	if err != nil && err != io.EOF {
		q.Fail()
	}
}
