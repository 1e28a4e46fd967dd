package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"
)

// startTLS is STARTTLS (RFC 9051 section 6.2.1).
func (c *conn) startTLS() error {
	if err := c.args(); err != nil {
		return err
	}
	switch {
	case c.srv.tls == nil:
		return no("", "TLS is not available")
	case c.tls != nil:
		return no("", "TLS already active")
	}
	c.then = func() error {
		if err := c.flush(); err != nil {
			return err
		}
		// What came before the handshake was sent by we do not know whom.
		if c.r.Reset(timed{c}) > 0 {
			return fmt.Errorf("commands in clear text after STARTTLS")
		}
		return c.encrypt()
	}
	return ok("", "Begin TLS negotiation now")
}

// encrypt shakes hands; from then on all is encrypted.
func (c *conn) encrypt() error {
	t := tls.Server(c.net, c.srv.tls.Config())
	ctx, cancel := context.WithTimeout(context.Background(), loginTime)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		c.srv.note("STARTTLS negotiation failed: %s: %v", c.peer(), err)
		return err
	}
	c.net.SetDeadline(time.Time{})
	c.tls, c.on = t, t
	return nil
}
