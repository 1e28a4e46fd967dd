package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"strings"

	"goqmail/lib/delivery"
	"goqmail/lib/sasl"
)

// conn is a client's connection.
type conn struct {
	srv   *server
	agent *delivery.Agent
	sasl  *sasl.Server
	net   net.Conn  // as it was accepted
	tls   *tls.Conn // nil: there is none
	r     *bufio.Reader
	w     *bufio.Writer

	client        string // its address, as Received has it
	local         bool   // it is on this host, by a socket of its own
	trusted       bool   // it may send, and say for whom
	authenticated bool   // it has done AUTH
	helo          string
	mistakes      int

	// The transaction.
	sender *string // nil before MAIL
	user   string  // for whom it sends
	to     []delivery.Recipient
}

// serve speaks with a client until the end.
func (s *server) serve(n net.Conn) {
	defer n.Close()
	timed := timed{n, s}
	c := &conn{srv: s, agent: s.agent.Load(), sasl: s.sasl.Load(), net: n, r: bufio.NewReaderSize(timed, 16<<10), w: bufio.NewWriter(timed), helo: "unknown"}
	c.client, c.local = "[unix socket]", true
	if host, _, err := net.SplitHostPort(n.RemoteAddr().String()); err == nil && n.RemoteAddr().Network() == "tcp" {
		c.client, c.local = "["+host+"]", false
	}
	c.trusted = c.local || s.preauth // the permissions of the socket tell who may send
	if !s.enter(n, c.trusted) {
		c.reply("421 4.3.2 too many connections")
		c.w.Flush()
		return
	}
	defer s.left(n)
	c.reply("220 " + c.agent.Name + " LMTP " + c.agent.Software + " ready")
	switch err := c.converse(); {
	case errors.Is(err, errEnding):
		c.reply("421 4.3.2 server is shutting down")
	case errors.Is(err, errTimeout):
		c.reply("421 4.4.1 bye timeout")
	}
	c.w.Flush()
	if c.tls != nil {
		c.tls.CloseWrite() // so that the client knows that it has all
	}
}

// reply sends a reply. c.w keeps an error for the next Flush.
func (c *conn) reply(text string) { c.w.WriteString(text + "\r\n") }

var (
	errQuit    = errors.New("quit")
	errAbuse   = errors.New("too many mistakes")
	errTooLong = errors.New("line too long")
)

const (
	maxLine     = 4096 // bytes of a command
	maxMistakes = 100
)

// converse reads and obeys commands until an error ends the connection.
func (c *conn) converse() error {
	for {
		// Replies to commands that came together go together.
		if c.r.Buffered() == 0 {
			if err := c.w.Flush(); err != nil {
				return err
			}
		}
		line, err := c.line()
		if err == nil {
			err = c.obey(line)
		} else if errors.Is(err, errTooLong) {
			err = c.syntax()
		}
		if err != nil {
			return err
		}
	}
}

// line reads a command. One that is too long is passed over.
func (c *conn) line() (string, error) {
	line, err := c.r.ReadSlice('\n')
	long := len(line) > maxLine
	for errors.Is(err, bufio.ErrBufferFull) {
		long = true
		line, err = c.r.ReadSlice('\n')
	}
	switch {
	case err != nil:
		return "", err
	case long:
		return "", errTooLong
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r"), nil
}

// obey obeys a command.
func (c *conn) obey(line string) error {
	for i := range len(line) {
		if line[i] < ' ' || line[i] == 0x7f {
			return c.syntax()
		}
	}
	verb, rest, hasRest := strings.Cut(line, " ")
	verb = strings.ToUpper(verb)
	switch {
	case verb == "LHLO" && hasRest:
		c.lhlo(rest)
	case verb == "STARTTLS" && !hasRest && c.secure():
		return c.startTLS()
	case verb == "AUTH" && hasRest:
		return c.auth(rest)
	case verb == "MAIL" && hasRest:
		return c.mail(rest)
	case verb == "RCPT" && hasRest:
		return c.rcpt(rest)
	case verb == "DATA" && !hasRest:
		return c.data()
	case verb == "RSET" && !hasRest:
		c.reset()
		c.reply("250 2.0.0 ok")
	case verb == "NOOP" && !hasRest:
		c.reply("250 2.0.0 ok")
	case verb == "VRFY" && hasRest:
		c.reply("252 2.3.3 try RCPT to attempt delivery")
	case verb == "QUIT" && !hasRest:
		c.reply("221 2.0.0 bye")
		return errQuit
	default:
		return c.syntax()
	}
	return nil
}

// syntax answers what is no command.
func (c *conn) syntax() error { return c.mistake("500 5.5.2 Syntax error") }

// mistake answers something that the client should not have said.
func (c *conn) mistake(text string) error {
	c.reply(text)
	if c.mistakes++; c.mistakes < maxMistakes {
		return nil
	}
	c.reply("421 4.7.0 too many mistakes")
	return errAbuse
}

// reset ends a transaction.
func (c *conn) reset() { c.sender, c.user, c.to = nil, "", nil }
