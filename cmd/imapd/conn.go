package main

import (
	"bufio"
	"container/list"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"goqmail/lib/account"
	"goqmail/lib/imap"
	"goqmail/lib/mboxname"
)

// conn is a client's connection.
type conn struct {
	srv *server
	net net.Conn      // as it was accepted
	on  io.ReadWriter // what is read and written: net, or the layer above it
	r   *imap.Reader
	w   *bufio.Writer

	tls        *tls.Conn // nil: there is none
	compressed *deflated // likewise

	command  string // that runs
	tag      string // of it
	mistakes int
	bye      bool         // the connection ends after this command
	then     func() error // what is done after its reply
	stopped  atomic.Bool  // the client is to be read no more

	waiting *list.Element // in crowd.halfOpen

	user   string // "" before login
	admin  bool
	groups account.Members // in which the user is
	space  mboxname.Space
	sel    *selection // nil: no mailbox is selected

	// What ENABLE, and commands that imply it, have switched on.
	condstore, qresync, utf8, rev2 bool
}

// errBye ends a connection of which the client has been told.
var errBye = errors.New("bye")

// serve speaks with a client until the end.
func (s *server) serve(n net.Conn) {
	c := &conn{srv: s, net: n, on: n}
	defer n.Close()
	if refusal := s.enter(c); refusal != "" {
		n.SetWriteDeadline(time.Now().Add(lastTime))
		io.WriteString(n, "* BYE "+refusal+"\r\n")
		return
	}
	defer s.left(c)
	defer c.leave()
	defer c.survive()
	timed := timed{c}
	c.r = imap.NewReader(timed)
	c.r.Limit = strangerLimit
	if s.settings().Bool("literalminus", false) {
		c.r.Unasked = literalMinus
	}
	c.w = bufio.NewWriterSize(timed, 4<<10)
	c.r.Continued = func() error {
		c.line("+ go ahead")
		return c.flush()
	}
	if s.secure && c.encrypt() != nil {
		return
	}
	c.line("* OK " + s.name + " goqmail IMAP4 server ready")
	err := c.converse()
	switch {
	case errors.Is(err, errEnding):
		c.line("* BYE " + s.name + " is shutting down")
	case errors.Is(err, errTimeout):
		c.line("* BYE Autologout; idle for too long")
	case errors.Is(err, imap.ErrAbuse):
		c.line("* BYE Literal too large")
	}
	c.flush()
	if c.tls != nil {
		c.tls.CloseWrite() // so that the client knows that it has all
	}
}

// survive keeps a defect that one client runs into from all others. It must be deferred.
func (c *conn) survive() {
	if p := recover(); p != nil {
		c.srv.log("bug: %s of %s: %v %s", c.command, c.user, p, debug.Stack())
		c.stop()
	}
}

// converse reads and runs commands until an error ends the connection.
func (c *conn) converse() error {
	for {
		// Replies to commands that came together go together.
		if !c.r.Buffered() {
			if err := c.flush(); err != nil {
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
		c.srv.log("leaving %s: %v", s.box.Name(), err)
	}
	c.srv.warm.keep(s.box, s.view.Len())
}

var (
	errTimeout = errors.New("timeout")          // the client has said nothing for too long
	errEnding  = errors.New("server is ending") // no fault of the client's
)

// strangerLimit is the most bytes of a command before login: ID may take that much.
const strangerLimit = 40 << 10

// literalMinus is the most bytes of a literal that comes without being asked for, if
// LITERAL- is announced (RFC 7888 section 5).
const literalMinus = 4096

const (
	loginTime = 2 * time.Minute  // for each word of one who has not logged in
	writeTime = 5 * time.Minute  // for a client to take what it is sent
	lastTime  = 10 * time.Second // likewise when the server ends
)

// timed is the connection with its time limits.
type timed struct{ c *conn }

func (t timed) Read(p []byte) (int, error) {
	limit := t.c.srv.timeout()
	if t.c.user == "" {
		limit = min(limit, loginTime)
	}
	t.c.net.SetReadDeadline(time.Now().Add(limit))
	if err := t.c.ending(); err != nil { // after setting the limit: who ends it sets another one after that
		return 0, err
	}
	n, err := t.c.on.Read(p)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		if err = t.c.ending(); err == nil {
			err = errTimeout
		}
	}
	return n, err
}

// stop makes a read that waits, and all that follow, return errBye.
func (c *conn) stop() {
	c.stopped.Store(true)
	c.net.SetReadDeadline(time.Now())
}

// ending tells why the client is not to be read any more, if it is so.
func (c *conn) ending() error {
	switch {
	case c.stopped.Load():
		return errBye
	case c.srv.ending.Load():
		return errEnding
	}
	return nil
}

func (t timed) Write(p []byte) (int, error) {
	t.c.net.SetWriteDeadline(time.Now().Add(writeTime))
	if t.c.srv.ending.Load() { // after that, as in Read
		t.c.net.SetWriteDeadline(time.Now().Add(lastTime))
	}
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

// flush sends what was written.
func (c *conn) flush() error {
	err := c.w.Flush()
	if err == nil && c.compressed != nil {
		err = c.compressed.flush()
	}
	return err
}

// peer is where the client is, for the log.
func (c *conn) peer() string {
	if host, _, err := net.SplitHostPort(c.net.RemoteAddr().String()); err == nil {
		return host
	}
	return "local"
}
