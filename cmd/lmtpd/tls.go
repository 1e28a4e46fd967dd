package main

import (
	"context"
	"crypto/tls"
	"errors"

	"goqmail/lib/imaptls"
	"goqmail/lib/syslog"
)

// errEarly is for a client that speaks on before the handshake: of what it said then we
// do not know who it came from.
var errEarly = errors.New("commands in clear text after STARTTLS")

// startTLS is STARTTLS (RFC 3207).
func (c *conn) startTLS() error {
	if c.tls != nil {
		return c.mistake("454 4.3.3 Already successfully executed STARTTLS")
	}
	if c.r.Buffered() > 0 {
		c.reply("421 4.7.0 " + errEarly.Error())
		return errEarly
	}
	c.reply("220 Begin TLS negotiation now")
	if err := c.w.Flush(); err != nil {
		return err
	}
	t := tls.Server(c.net, c.srv.tls.Config())
	ctx, cancel := context.WithTimeout(context.Background(), c.srv.timeout)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		c.agent.Log(syslog.Notice, "STARTTLS failed: %s: %v", c.client, err)
		return err
	}
	c.tls = t
	timed := timed{t, c.srv}
	c.r.Reset(timed)
	c.w.Reset(timed)
	// What the client said before, anybody may have said.
	c.reset()
	c.helo = "unknown"
	peer := c.peer()
	c.agent.Log(syslog.Notice, "%s", imaptls.Describe(*peer.TLS, peer.Identity))
	return nil
}

// secure tells whether the client may have TLS. Where nobody can listen there is none.
func (c *conn) secure() bool { return c.srv.tls != nil && !c.local }
