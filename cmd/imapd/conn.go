package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"goqmail/lib/imap"
	"goqmail/lib/mboxname"
)

// conn is a client's connection.
type conn struct {
	srv *server
	net net.Conn      // as it was accepted
	on  io.ReadWriter // what is read and written: net, or a layer above it
	r   *imap.Reader
	w   *bufio.Writer

	command  string // that runs
	mistakes int
	bye      bool // the connection ends after this command

	user  string // "" before login
	admin bool
	space mboxname.Space
	sel   *selection // nil: no mailbox is selected

	// What ENABLE, and commands that imply it, have switched on.
	condstore, qresync, rev2 bool
}

// errBye ends a connection of which the client has been told.
var errBye = errors.New("bye")

// serve speaks with a client until the end.
func (s *server) serve(n net.Conn) {
	c := &conn{srv: s, net: n, on: n}
	defer n.Close()
	if !s.enter(c) {
		return
	}
	defer s.left(c)
	defer c.leave()
	timed := timed{c}
	c.r = imap.NewReader(timed)
	c.w = bufio.NewWriterSize(timed, 4<<10)
	c.r.Continued = func() error {
		c.line("+ go ahead")
		return c.w.Flush()
	}
	c.line("* OK " + s.name + " " + s.software + " server ready")
	err := c.converse()
	switch {
	case errors.Is(err, errEnding):
		c.line("* BYE " + s.name + " is shutting down")
	case errors.Is(err, errTimeout):
		c.line("* BYE Autologout; idle for too long")
	case errors.Is(err, imap.ErrAbuse):
		c.line("* BYE Literal too large")
	}
	c.w.Flush()
}

// converse reads and runs commands until an error ends the connection.
func (c *conn) converse() error {
	for {
		// Replies to commands that came together go together.
		if !c.r.Buffered() {
			if err := c.w.Flush(); err != nil {
				return err
			}
		}
		if err := c.next(); err != nil {
			return err
		}
	}
}

// leave gives up the selected mailbox.
func (c *conn) leave() {
	s := c.sel
	if s == nil {
		return
	}
	c.sel = nil
	if s.watch != nil {
		s.watch.Stop()
	}
	if err := s.box.SaveRecent(); err != nil {
		c.srv.log("error: leaving %s: %v", s.box.Name(), err)
	}
	c.srv.warm.keep(s.box, s.view.Len())
}

var (
	errTimeout = errors.New("timeout")          // the client has said nothing for too long
	errEnding  = errors.New("server is ending") // no fault of the client's
)

const (
	loginTime = 2 * time.Minute  // for each word of one who has not logged in
	writeTime = 5 * time.Minute  // for a client to take what it is sent
	lastTime  = 10 * time.Second // likewise when the server ends
)

// timed is the connection with its time limits.
type timed struct{ c *conn }

func (t timed) Read(p []byte) (int, error) {
	limit := t.c.srv.timeout
	if t.c.user == "" {
		limit = min(limit, loginTime)
	}
	t.c.net.SetReadDeadline(time.Now().Add(limit))
	if t.c.srv.ending.Load() { // after setting the limit: shutDown sets another one after ending
		return 0, errEnding
	}
	n, err := t.c.on.Read(p)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		err = errTimeout
		if t.c.srv.ending.Load() {
			err = errEnding
		}
	}
	return n, err
}

func (t timed) Write(p []byte) (int, error) {
	limit := writeTime
	if t.c.srv.ending.Load() {
		limit = lastTime
	}
	t.c.net.SetWriteDeadline(time.Now().Add(limit))
	return t.c.on.Write(p)
}

// line sends a line. c.w keeps an error for the next Flush.
func (c *conn) line(text string) {
	c.w.WriteString(text)
	c.w.WriteString("\r\n")
}

func (c *conn) printf(format string, args ...any) {
	fmt.Fprintf(c.w, format, args...)
	c.w.WriteString("\r\n")
}

// args ends the reading of a command's arguments, and returns what was wrong with
// them: a command that gets an error here must do nothing.
func (c *conn) args() error {
	c.r.End()
	return c.r.Err()
}

// mailbox reads the name of a mailbox, as the client has it.
func (c *conn) mailbox() string { return c.r.Astring() }
