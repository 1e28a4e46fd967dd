package main

import (
	"bufio"
	"container/list"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"goqmail/lib/mailstore"
	"goqmail/lib/syslog"
)

// session is one dialogue (RFC 1939).
type session struct {
	srv     *server
	conf    *settings // as they were at its beginning
	net     net.Conn  // as it was accepted
	on      net.Conn  // what is read and written: net, or TLS on it
	tls     *tls.Conn // nil: all can be overheard
	in      *bufio.Reader
	out     *bufio.Writer // flushed whenever a read has to wait
	waiting *list.Element // its place among those before login

	challenge string // of APOP; "" if that is not allowed
	name      string // that USER gave
	user      string // "" before login

	box  *mailstore.Mailbox
	view *mailstore.View // the maildrop, which stays as it was at login
	gone map[int]bool    // numbers of messages that DELE has marked
}

var (
	errQuit    = errors.New("client has quit")
	errTimeout = errors.New("client says nothing")
	errEnding  = errors.New("server is ending")
	errTooLong = errors.New("line too long")
)

// serve speaks with a client until the end.
func (s *server) serve(n net.Conn) {
	c := &session{srv: s, conf: s.now.Load(), net: n, on: n}
	defer n.Close()
	if !s.enter(c) {
		return
	}
	defer s.left(c)
	c.in = bufio.NewReader(timed{c})
	c.out = bufio.NewWriter(timed{c})
	if s.secure && c.encrypt() != nil {
		return
	}
	c.greet()
	err := c.converse()
	switch {
	case errors.Is(err, errTimeout):
		c.reply("-ERR idle for too long")
	case errors.Is(err, errEnding):
		c.reply("-ERR [SYS/TEMP] server is shutting down")
	case errors.Is(err, errTooLong):
		c.reply("-ERR line too long")
	}
	c.out.Flush()
	if c.box != nil {
		c.box.Close()
	}
}

// greet sends the first line. With a challenge in it clients use APOP.
func (c *session) greet() {
	ready := "+OK " + c.conf.name() + " goqmail POP3 server ready"
	if c.conf.Bool("allowapop", true) {
		var b [12]byte
		rand.Read(b[:])
		c.challenge = fmt.Sprintf("<%s.%d@%s>", hex.EncodeToString(b[:]), time.Now().Unix(), c.conf.name())
		ready += " " + c.challenge
	}
	c.reply(ready)
}

// converse reads and runs commands until an error ends the session.
func (c *session) converse() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		verb, argument, _ := strings.Cut(line, " ")
		if err := c.command(strings.ToUpper(verb), argument); err != nil {
			return err
		}
	}
}

// command runs a command. Its error ends the session; all else the client is told.
func (c *session) command(verb, argument string) error {
	switch verb {
	case "QUIT":
		c.quit()
		return errQuit
	case "CAPA":
		c.capabilities()
		return nil
	case "NOOP":
		c.reply("+OK")
		return nil
	}
	if c.user == "" {
		return c.stranger(verb, argument)
	}
	switch verb {
	case "STAT":
		c.stat()
	case "LIST":
		c.listing(argument, "scan listing follows", c.size)
	case "UIDL":
		c.listing(argument, "unique-id listing follows", c.uid)
	case "RETR":
		return c.retr(argument)
	case "TOP":
		return c.top(argument)
	case "DELE":
		c.dele(argument)
	case "RSET":
		clear(c.gone)
		c.reply("+OK")
	default:
		c.reply("-ERR Unrecognized command")
	}
	return nil
}

// stranger runs a command of a client that has not logged in.
func (c *session) stranger(verb, argument string) error {
	switch verb {
	case "USER":
		c.userName(argument)
	case "PASS":
		c.pass(argument)
	case "APOP":
		c.apop(argument)
	case "AUTH":
		return c.auth(argument)
	case "STLS":
		return c.startTLS()
	default:
		c.reply("-ERR Unrecognized command")
	}
	return nil
}

// reply sends a line. c.out keeps an error for the next Flush.
func (c *session) reply(line string) {
	c.out.WriteString(line)
	c.out.WriteString("\r\n")
}

// maxLine is the longest line that a client has reason to send: a response of SASL.
const maxLine = 16 << 10

// line reads a line, without its end.
func (c *session) line() (string, error) {
	var line []byte
	for {
		piece, err := c.in.ReadSlice('\n')
		if len(line)+len(piece) > maxLine {
			return "", errTooLong
		}
		line = append(line, piece...)
		if err == nil {
			return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
		}
		if err != bufio.ErrBufferFull {
			return "", err
		}
	}
}

// capabilities is CAPA (RFC 2449).
func (c *session) capabilities() {
	c.reply("+OK List of capabilities follows")
	if c.user == "" {
		if names := c.conf.sasl.Mechanisms(c.peer()); len(names) > 0 {
			c.reply("SASL " + strings.Join(names, " "))
		}
		if c.srv.tls != nil && c.tls == nil {
			c.reply("STLS")
		}
	}
	c.reply("EXPIRE NEVER")
	fmt.Fprintf(c.out, "LOGIN-DELAY %d\r\n", int(c.apart().Seconds()))
	c.reply("TOP")
	c.reply("UIDL")
	c.reply("PIPELINING")
	c.reply("RESP-CODES")
	c.reply("AUTH-RESP-CODE")
	if c.user != "" || c.conf.sasl.Plaintext(c.peer()) {
		c.reply("USER")
	}
	c.reply("IMPLEMENTATION goqmail POP3")
	c.reply(".")
}

// startTLS is STLS (RFC 2595).
func (c *session) startTLS() error {
	switch {
	case c.srv.tls == nil:
		c.reply("-ERR TLS is not available")
		return nil
	case c.tls != nil:
		c.reply("-ERR TLS already active")
		return nil
	}
	c.reply("+OK Begin TLS negotiation now")
	if err := c.out.Flush(); err != nil {
		return err
	}
	// What came before the handshake was sent by we do not know whom.
	if c.in.Buffered() > 0 {
		return errors.New("commands in clear text after STLS")
	}
	c.name = ""
	return c.encrypt()
}

// encrypt shakes hands; from then on all is encrypted.
func (c *session) encrypt() error {
	t := tls.Server(c.net, c.srv.tls.Config())
	ctx, cancel := context.WithTimeout(context.Background(), loginTime)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		c.srv.record(syslog.Notice, "TLS negotiation failed: %s: %v", c.peer().Host, err)
		return err
	}
	c.net.SetDeadline(time.Time{})
	c.on, c.tls = t, t
	return nil
}

const (
	loginTime = 2 * time.Minute  // for each line of one who has not logged in
	writeTime = 5 * time.Minute  // for a client to take what it is sent
	lastTime  = 10 * time.Second // likewise when the server ends
)

// timed is the connection with its time limits.
type timed struct{ c *session }

func (t timed) Read(p []byte) (int, error) {
	c := t.c
	if err := c.out.Flush(); err != nil { // before waiting: replies to pipelined commands go together
		return 0, err
	}
	limit := time.Duration(max(c.conf.Int("poptimeout", 10), 10)) * time.Minute
	if c.user == "" {
		limit = loginTime
	}
	c.net.SetReadDeadline(time.Now().Add(limit))
	if c.srv.ending.Load() { // after setting the limit: end sets another one after ending
		return 0, errEnding
	}
	n, err := c.on.Read(p)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		err = errTimeout
		if c.srv.ending.Load() {
			err = errEnding
		}
	}
	return n, err
}

func (t timed) Write(p []byte) (int, error) {
	t.c.net.SetWriteDeadline(time.Now().Add(writeTime))
	if t.c.srv.ending.Load() { // after that, as in Read
		t.c.net.SetWriteDeadline(time.Now().Add(lastTime))
	}
	return t.c.on.Write(p)
}
