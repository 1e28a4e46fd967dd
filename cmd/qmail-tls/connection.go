package main

import (
	"net"
	"os"
	"time"

	"goqmail/lib/timeout"
)

// connection makes a net.Conn of two descriptors, which may be pipes as well.
type connection struct {
	in, out *os.File
	limit   time.Duration // for each wait
	until   time.Time     // when the handshake has to be over
	patient bool          // it is, and the server knows how long to wait for the client
	ticket  bool          // the last record of what is written next is a session ticket
	held    []byte        // a record to send before the next
}

// long is as good as for ever.
const long = 30 * 24 * time.Hour

func (c *connection) Read(p []byte) (int, error) {
	limit := min(c.limit, time.Until(c.until))
	if c.patient {
		limit = long
	}
	return timeout.Reader{File: c.in, Limit: limit}.Read(p)
}

// Write sends records of TLS, but keeps a session ticket back. Package tls sends
// it with the last of the server's handshake, before the client has answered,
// and there are large senders that hang up at that (golang.org/issue/70232).
func (c *connection) Write(p []byte) (int, error) {
	n := len(p)
	p = append(c.held, p...)
	c.held = nil
	if c.ticket {
		last := lastRecord(p)
		p, c.held = p[:last:last], p[last:]
		c.ticket = false
	}
	if len(p) == 0 {
		return n, nil
	}
	if _, err := (timeout.Writer{File: c.out, Limit: c.limit}).Write(p); err != nil {
		return 0, err
	}
	return n, nil
}

// release sends what was kept back.
func (c *connection) release() error {
	_, err := c.Write(nil)
	return err
}

// lastRecord is where the last of the records in p begins (RFC 8446, section 5.1).
func lastRecord(p []byte) (at int) {
	const header = 5 // bytes, the last two of which are the length of the rest
	for next := 0; next+header <= len(p); {
		at = next
		next += header + int(p[at+3])<<8 + int(p[at+4])
	}
	return at
}

// Close closes nothing: the process ends soon, and the server has the same
// descriptors.
func (c *connection) Close() error { return nil }

// What crypto/tls does not need here.

func (c *connection) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (c *connection) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (c *connection) SetDeadline(time.Time) error      { return nil }
func (c *connection) SetReadDeadline(time.Time) error  { return nil }
func (c *connection) SetWriteDeadline(time.Time) error { return nil }
