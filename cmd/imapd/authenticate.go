package main

import (
	"encoding/base64"
	"errors"
	"strings"

	"goqmail/lib/imap"
	"goqmail/lib/sasl"
)

// authenticate is AUTHENTICATE (RFC 9051 section 6.2.2).
func (c *conn) authenticate() error {
	c.r.Space()
	mechanism := c.r.Atom()
	var response []byte // nil: the client has none yet
	if !c.r.AtEnd() {
		c.r.Space()
		response = c.decode(c.r.Word(isBase64))
	}
	if err := c.args(); err != nil {
		return err
	}
	exchange, err := c.srv.sasl.Load().Start(c.sasl(), mechanism)
	if err != nil {
		return denied(err)
	}
	defer exchange.Close()
	for {
		challenge, done, err := exchange.Next(response)
		if err != nil {
			return denied(err)
		}
		if done {
			break
		}
		c.line("+ " + base64.StdEncoding.EncodeToString(challenge))
		if err := c.flush(); err != nil {
			return err
		}
		if response, err = c.response(); err != nil {
			return err
		}
	}
	if err := c.begin(exchange.User()); err != nil {
		return err
	}
	layer := "no"
	if c.tls != nil {
		layer = "tls"
	}
	return c.welcome("Success (" + layer + " protection)")
}

// response reads a line of an exchange; a client that gives up says "*".
func (c *conn) response() ([]byte, error) {
	c.r.Start()
	text := ""
	if !c.r.AtEnd() {
		text = c.r.Word(isBase64)
	}
	if err := c.args(); err != nil {
		return nil, err
	}
	if text == "*" {
		return nil, imap.Syntax("Authentication canceled")
	}
	response := c.decode(text)
	return response, c.r.Err()
}

// decode never returns nil but with an error: a response may be empty. "=" is an empty
// one beside the mechanism's name, and some send it also later.
func (c *conn) decode(text string) []byte {
	if text == "=" {
		return []byte{}
	}
	response, err := base64.StdEncoding.DecodeString(text)
	if err != nil && text != "*" {
		c.r.Fail(imap.Syntax("Invalid base64 string"))
		return nil
	}
	return append([]byte{}, response...)
}

func isBase64(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '+' || b == '/' || b == '=' || b == '*'
}

// denied is the reply to somebody who has not logged in.
func denied(err error) error {
	var e *sasl.Error
	if !errors.As(err, &e) {
		return err
	}
	code := "AUTHENTICATIONFAILED"
	switch {
	case e.Temporary():
		code = "UNAVAILABLE"
	case e.Denied():
		code = "AUTHORIZATIONFAILED"
	case e.Unusable():
		code = "CANNOT"
	}
	return no(code, e.Text)
}

// sasl is what is known of the connection.
func (c *conn) sasl() sasl.Peer { return sasl.PeerOf(c.net, c.tls, c.srv.tls) }

// auth are the capabilities that say how the client may log in.
func (c *conn) auth() (all []string) {
	s := c.srv.sasl.Load()
	peer := c.sasl()
	if !s.Plaintext(peer) {
		all = append(all, "LOGINDISABLED")
	}
	for _, name := range s.Mechanisms(peer) {
		all = append(all, "AUTH="+name)
	}
	return append(all, "SASL-IR")
}

// newSASL makes what knows who may log in, anew when the settings are.
func (s *server) newSASL() { s.sasl.Store(sasl.New(s.settings(), "imap", s.note)) }

// login is LOGIN (RFC 9051 section 6.2.3).
func (c *conn) login() error {
	c.r.Space()
	name := c.r.Astring()
	c.r.Space()
	password := c.r.Astring()
	if err := c.args(); err != nil {
		return err
	}
	s, peer := c.srv.sasl.Load(), c.sasl()
	if !s.Plaintext(peer) {
		return no("PRIVACYREQUIRED", "Login only available under a layer")
	}
	user, err := s.Login(peer, name, password)
	if err != nil {
		r := denied(err)
		var refused reply
		if errors.As(r, &refused) {
			refused.text = "Login failed: " + refused.text
			return refused
		}
		return r
	}
	if err := c.begin(user); err != nil {
		return err
	}
	return c.welcome("User logged in")
}

// welcome ends the command by which a user has logged in.
func (c *conn) welcome(text string) error {
	c.autocreate()
	if err := c.tellMOTD(); err != nil {
		return err
	}
	return ok("CAPABILITY "+strings.Join(c.capabilities(), " "), text)
}
