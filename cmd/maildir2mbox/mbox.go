package main

import (
	"bufio"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/exit"
	"goqmail/lib/maildir"
	"goqmail/lib/mbox"
)

// newMbox is the mbox under way. A write that fails shows at the next flush, or
// in close.
type newMbox struct {
	name string
	w    *os.File
	buf  *bufio.Writer
}

func (n *newMbox) unable(err error) error { return exit.Defer("unable to write to "+n.name, err) }

// addOld copies what the mbox holds already.
func (n *newMbox) addOld(name string, old io.Reader) error {
	n.buf = bufio.NewWriterSize(n.w, 8192)
	for part := make([]byte, 8192); ; {
		size, err := old.Read(part)
		if _, err := n.buf.Write(part[:size]); err != nil {
			return n.unable(err)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return exit.Defer("unable to read "+name, err)
		}
	}
}

// add copies a message. What stands behind its last newline is lost; no message
// that came by way of qmail-local has such an end.
func (n *newMbox) add(m maildir.Message) error {
	f, err := os.OpenFile(m.Name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO is empty, not awaited
	if err != nil {
		return exit.Defer("unable to read $MAILDIR/"+m.Name, err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 8192)
	line, err := in.ReadString('\n')
	n.buf.WriteString(fromLine(line, time.Unix(m.Arrived, 0)))
	quoter := mbox.NewQuoter(n.buf)
	for err == nil {
		if _, err := io.WriteString(quoter, line); err != nil {
			return n.unable(err)
		}
		line, err = in.ReadString('\n')
	}
	if err != io.EOF {
		return exit.Defer("unable to read $MAILDIR/"+m.Name, err)
	}
	if err := quoter.Close(); err != nil {
		return n.unable(err)
	}
	return nil
}

// fromLine makes the line that starts a message from the Return-Path field that
// is its first line, or else names XXX.
func fromLine(first string, arrived time.Time) string {
	sender, ok := strings.CutPrefix(first, "Return-Path: <")
	switch {
	case !ok || !strings.HasSuffix(first, "\n"):
		sender = "XXX"
	case sender[0] == '>':
		sender = "MAILER-DAEMON"
	default:
		sender = sender[:max(0, len(sender)-len(">\n"))]
	}
	return mbox.From(sender, arrived)
}

// close makes sure that everything is on disk.
func (n *newMbox) close() error {
	err := n.buf.Flush()
	if err == nil {
		err = n.w.Sync()
	}
	if closed := n.w.Close(); err == nil {
		err = closed // where a network file system reports a full disk
	}
	if err != nil {
		return n.unable(err)
	}
	return nil
}
