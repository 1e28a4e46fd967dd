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
	patient bool          // the server knows how long to wait for what the client says
}

// long is as good as for ever.
const long = 30 * 24 * time.Hour

func (c *connection) Read(p []byte) (int, error) {
	limit := c.limit
	if c.patient {
		limit = long
	}
	return timeout.Reader{File: c.in, Limit: limit}.Read(p)
}

func (c *connection) Write(p []byte) (int, error) {
	return timeout.Writer{File: c.out, Limit: c.limit}.Write(p)
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
