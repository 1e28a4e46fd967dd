// Package imapclient speaks with an IMAP server for those who administer or test it:
// commands go out as they are given, and what comes back is kept as it came. It knows no
// mailboxes and keeps no state but the connection.
package imapclient

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"goqmail/lib/imap"
)

// Client is a connection to a server. It is for one goroutine.
type Client struct {
	Greeting Response
	// Trace, if not nil, gets what is sent and received, with "C: " or "S: " before
	// each line.
	Trace io.Writer

	conn net.Conn
	r    *imap.Reader
	caps []string
	tags int

	inLine bool // the trace is in a line of the server
}

// Response is a line from the server with its literals.
type Response struct {
	Tag    string // "*", "+", or that of a command
	Name   string // in capitals: OK, LIST, FETCH ...; empty after "+"
	Number uint32 // before the name, as in "* 3 EXISTS"
	Code   string // of OK, NO, BAD, BYE and PREAUTH: what stands in brackets
	Text   string // of those and of "+": the rest of the line
	Values []any  // of others: string for atoms and strings, nil for NIL, []any for lists
}

// OK tells whether a command was done.
func (r Response) OK() bool { return r.Name == "OK" }

// Error is the refusal of a command.
type Error struct{ Response }

func (e Error) Error() string { return e.Text }

// Raw is an argument that is sent as it stands; strings are sent as strings.
type Raw string

// maxResponse is the most bytes of a response: a list of all mailboxes comes in many.
const maxResponse = 64 << 20

// New begins to speak with the server at the other end of conn. It reads the greeting.
func New(conn net.Conn, trace io.Writer) (*Client, error) {
	c := &Client{conn: conn, Trace: trace}
	c.r = imap.NewReader(input{c})
	c.r.Limit, c.r.UTF8 = maxResponse, true
	var err error
	if c.Greeting, err = c.Read(); err != nil {
		return nil, err
	}
	if c.Greeting.Name == "BYE" {
		return nil, Error{c.Greeting}
	}
	return c, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Conn is the connection, for those who go on with it by themselves.
func (c *Client) Conn() net.Conn { return c.conn }

// TLS is the state of the connection's TLS, nil if it has none.
func (c *Client) TLS() *tls.ConnectionState {
	secure, ok := c.conn.(*tls.Conn)
	if !ok {
		return nil
	}
	state := secure.ConnectionState()
	return &state
}

// input is the connection, traced.
type input struct{ c *Client }

func (i input) Read(p []byte) (int, error) {
	n, err := i.c.conn.Read(p)
	if i.c.Trace == nil {
		return n, err
	}
	for line := range bytes.SplitAfterSeq(p[:n], []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		if !i.c.inLine {
			io.WriteString(i.c.Trace, "S: ")
		}
		i.c.inLine = line[len(line)-1] != '\n'
		i.c.Trace.Write(bytes.ReplaceAll(line, []byte("\r\n"), []byte("\n")))
	}
	return n, err
}

// Relay shows what the server says until it ends the connection, as it is and no
// longer traced.
func (c *Client) Relay(w io.Writer) error {
	c.Trace = nil
	_, err := io.Copy(w, io.MultiReader(c.r.Rest(), c.conn))
	return err
}

// Send sends bytes. What the trace shows instead of them is shown, if that is not empty.
func (c *Client) Send(text, shown string) error {
	if c.Trace != nil {
		if shown == "" {
			shown = strings.TrimSuffix(text, "\r\n")
		}
		fmt.Fprintf(c.Trace, "C: %s\n", shown)
	}
	_, err := io.WriteString(c.conn, text)
	return err
}

// NewTag returns a tag that was not used yet.
func (c *Client) NewTag() string {
	c.tags++
	return fmt.Sprintf("A%02d", c.tags)
}

// Do gives a command and returns what the server said before its reply. The error is an
// Error if the server refuses it.
func (c *Client) Do(command string, args ...any) ([]Response, error) {
	tag := c.NewTag()
	line := []byte(tag + " " + command)
	for _, arg := range args {
		line = append(line, ' ')
		switch arg := arg.(type) {
		case Raw:
			line = append(line, arg...)
		case string:
			text := imap.AppendAstring(nil, arg)
			if text[0] != '{' {
				line = append(line, text...)
				continue
			}
			line = append(line, "{"+strconv.Itoa(len(arg))+"}\r\n"...)
			if err := c.Send(string(line), ""); err != nil {
				return nil, err
			}
			if r, err := c.Read(); err != nil || r.Tag != "+" {
				return nil, errors.Join(err, Error{r})
			}
			line = []byte(arg)
		default:
			panic(fmt.Sprintf("imapclient: argument %T", arg))
		}
	}
	if err := c.Send(string(line)+"\r\n", ""); err != nil {
		return nil, err
	}
	return c.Finish(tag)
}

// Finish reads up to the reply to a command.
func (c *Client) Finish(tag string) (before []Response, err error) {
	for {
		r, err := c.Read()
		if err != nil {
			return before, err
		}
		switch {
		case r.Tag == tag && r.OK():
			return before, nil
		case r.Tag == tag:
			return before, Error{r}
		}
		before = append(before, r)
	}
}

// Capabilities asks the server what it can do, once for each state of the connection.
func (c *Client) Capabilities() ([]string, error) {
	if c.caps != nil {
		return c.caps, nil
	}
	all, err := c.Do("CAPABILITY")
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.Name != "CAPABILITY" {
			continue
		}
		for _, v := range r.Values {
			if name, ok := v.(string); ok {
				c.caps = append(c.caps, strings.ToUpper(name))
			}
		}
	}
	return c.caps, nil
}

// Has tells whether the server has a capability.
func (c *Client) Has(name string) bool {
	caps, _ := c.Capabilities()
	for _, have := range caps {
		if strings.EqualFold(have, name) {
			return true
		}
	}
	return false
}

// Forget has Capabilities ask again, after a login.
func (c *Client) Forget() { c.caps = nil }

// StartTLS goes on in TLS. What the server said too early is dropped.
func (c *Client) StartTLS(config *tls.Config) error {
	if _, err := c.Do("STARTTLS"); err != nil {
		return err
	}
	conn := tls.Client(c.conn, config)
	if err := conn.Handshake(); err != nil {
		return err
	}
	c.conn = conn
	c.r.Reset(input{c})
	c.Forget()
	return nil
}

// Read reads a response.
func (c *Client) Read() (Response, error) {
	c.r.Start()
	r := Response{Tag: c.word()}
	if r.Tag == "+" {
		c.r.Accept(' ')
		r.Text = c.rest()
		return r, c.r.Err()
	}
	c.r.Space()
	r.Name = strings.ToUpper(c.word())
	if n, err := strconv.ParseUint(r.Name, 10, 32); err == nil {
		c.r.Space()
		r.Number, r.Name = uint32(n), strings.ToUpper(c.word())
	}
	switch r.Name {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		c.r.Accept(' ')
		r.Text = c.rest()
		if text, ok := strings.CutPrefix(r.Text, "["); ok {
			r.Code, r.Text, _ = strings.Cut(text, "]")
			r.Text = strings.TrimPrefix(r.Text, " ")
		}
		return r, c.r.Err()
	}
	for c.r.Err() == nil && !c.r.AtEnd() {
		if !c.r.Accept(' ') {
			r.Values = append(r.Values, c.value(0))
		}
	}
	c.r.End()
	return r, c.r.Err()
}

// maxNesting is how deep lists may be.
const maxNesting = 1000

// value reads an atom, a string or a list.
func (c *Client) value(depth int) any {
	switch c.r.Peek() {
	case '"', '{', '~':
		return c.r.String()
	case '(':
		c.r.Expect('(')
		list := []any{}
		for c.r.Err() == nil && !c.r.Accept(')') {
			if c.r.Accept(' ') {
				continue
			}
			if c.r.AtEnd() || depth == maxNesting {
				c.r.Fail(imap.Syntax("Malformed list"))
			}
			list = append(list, c.value(depth+1))
		}
		return list
	}
	word := c.word()
	if strings.EqualFold(word, "NIL") {
		return nil
	}
	return word
}

// word reads what is not a blank, a parenthesis or the end of the line; something in
// brackets, as of BODY[HEADER.FIELDS (A)], is part of it.
func (c *Client) word() string {
	depth := 0
	word := c.r.Word(func(b byte) bool {
		switch {
		case b == '\r' || b == '\n' || b == 0:
			return false
		case b == '[':
			depth++
		case b == ']':
			depth--
		}
		return depth > 0 || b != ' ' && b != '(' && b != ')'
	})
	return word
}

// rest reads the rest of the line.
func (c *Client) rest() string {
	text := ""
	if !c.r.AtEnd() {
		text = c.r.Word(func(b byte) bool { return b != '\r' && b != '\n' && b != 0 })
	}
	c.r.End()
	return text
}
