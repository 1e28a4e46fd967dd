//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// imapConn is a client that does as little as it can: it counts responses and looks at
// nothing else in them, so that the time is the server's. What goes wrong panics.
type imapConn struct {
	net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
	long []byte // a line that is longer than in's buffer
	tags int

	capabilities string // with a space around each
}

// login connects, logs in and asks for the capabilities.
func (s imapServer) login() *imapConn {
	c := s.connect()
	c.do("", "LOGIN %s %s", s.user, s.password)
	c.do("CAPABILITY", "CAPABILITY")
	return c
}

func (s imapServer) connect() *imapConn {
	conn, err := net.Dial("tcp", s.address)
	must(err)
	must(conn.SetDeadline(time.Now().Add(20 * time.Minute)))
	c := &imapConn{Conn: conn, in: bufio.NewReaderSize(conn, 256<<10), out: bufio.NewWriterSize(conn, 256<<10)}
	c.line() // the greeting
	return c
}

func (c *imapConn) logout() {
	c.try("", "LOGOUT")
	c.Close()
}

func (c *imapConn) has(capability string) bool {
	return strings.Contains(c.capabilities, " "+capability+" ")
}

// do has a command done and returns the amount of its responses of that name.
func (c *imapConn) do(name, format string, args ...any) int {
	n, result := c.try(name, format, args...)
	if !strings.HasPrefix(result, "OK") {
		panic(fmt.Sprintf(format, args...) + ": " + result)
	}
	return n
}

// try is do for a command that may be refused.
func (c *imapConn) try(name, format string, args ...any) (n int, result string) {
	tag := c.begin(format, args...)
	c.out.WriteString("\r\n")
	return c.wait(tag, name)
}

// begin sends a command up to the end of its line.
func (c *imapConn) begin(format string, args ...any) (tag string) {
	c.tags++
	tag = "b" + strconv.Itoa(c.tags)
	fmt.Fprintf(c.out, tag+" "+format, args...)
	return tag
}

// literal sends a message as a command's argument.
func (c *imapConn) literal(mess []byte) {
	if c.has("LITERAL+") {
		fmt.Fprintf(c.out, " {%d+}\r\n", len(mess))
	} else {
		fmt.Fprintf(c.out, " {%d}\r\n", len(mess))
		c.expectMore()
	}
	c.out.Write(mess)
}

// expectMore waits until the server wants the rest of a command.
func (c *imapConn) expectMore() {
	must(c.out.Flush())
	for {
		line := c.line()
		if line[0] == '+' {
			return
		}
		if line[0] != '*' {
			panic(string(line))
		}
	}
}

// wait reads until the command with that tag is done.
func (c *imapConn) wait(tag, name string) (n int, result string) {
	must(c.out.Flush())
	for {
		line := c.line()
		if rest, ok := bytes.CutPrefix(line, []byte(tag+" ")); ok {
			return n, string(rest)
		}
		found := amount(line, name)
		n += found
		if found > 0 && name == "CAPABILITY" {
			c.capabilities = string(line) + " "
		}
	}
}

// amount is what a response counts for: its number of messages for EXISTS, the numbers
// in it for SEARCH, SORT and THREAD, and one for others of that name.
func amount(line []byte, name string) int {
	rest, ok := bytes.CutPrefix(line, []byte("* "))
	if !ok {
		return 0
	}
	word, rest, _ := bytes.Cut(rest, []byte(" "))
	number, err := strconv.Atoi(string(word))
	if err == nil {
		word, _, _ = bytes.Cut(rest, []byte(" "))
	}
	switch {
	case string(word) != name:
		return 0
	case name == "EXISTS":
		return number
	case name == "SEARCH" || name == "SORT" || name == "THREAD":
		return numbers(rest)
	}
	return 1
}

func numbers(text []byte) (n int) {
	inside := false
	for _, b := range text {
		digit := '0' <= b && b <= '9'
		if digit && !inside {
			n++
		}
		inside = digit
	}
	return n
}

// line reads a response and returns it up to its first literal; it is good until the
// next call.
func (c *imapConn) line() []byte {
	line := c.text()
	size := literalSize(line)
	if size < 0 {
		return line
	}
	line = bytes.Clone(line)
	for size >= 0 {
		_, err := c.in.Discard(size)
		must(err)
		size = literalSize(c.text())
	}
	return line
}

// text reads up to the end of a line.
func (c *imapConn) text() []byte {
	text, err := c.in.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		c.long = c.long[:0]
		for err == bufio.ErrBufferFull {
			c.long = append(c.long, text...)
			text, err = c.in.ReadSlice('\n')
		}
		c.long = append(c.long, text...)
		text = c.long
	}
	must(err)
	return bytes.TrimSuffix(text, []byte("\r\n"))
}

// literalSize is the size of the literal that follows a line, or -1.
func literalSize(line []byte) int {
	if !bytes.HasSuffix(line, []byte("}")) {
		return -1
	}
	size, err := strconv.Atoi(string(line[bytes.LastIndexByte(line, '{')+1 : len(line)-1]))
	if err != nil {
		return -1
	}
	return size
}
