// Package ident asks a host whose connection it is that comes from there (RFC
// 1413). The answer is what that host cares to say.
package ident

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"

	"goqmail/lib/ip"
	"goqmail/lib/socket"
)

// Connection is a TCP connection, seen from here.
type Connection struct {
	Remote     ip.Addr
	RemotePort int
	Local      ip.Addr
	LocalPort  int
}

// port is where hosts answer.
const port = 113

// maxLine is more than any host needs to say it.
const maxLine = 64 << 10

// Ask returns what the remote host says, at most max bytes of it, without
// blanks. ok is false if it says nothing: limit is how long it may take to
// connect, and again to answer.
func (c Connection) Ask(limit time.Duration, max int) (info string, ok bool) {
	f, err := socket.Connect(socket.TCP, &c.Local, c.Remote, port, limit)
	if err != nil {
		return "", false
	}
	defer f.Close()
	question := strconv.Itoa(c.RemotePort) + " , " + strconv.Itoa(c.LocalPort) + "\r\n"
	if _, err := io.WriteString(f, question); err != nil { // a new connection has room for that
		return "", false
	}
	if err := f.SetDeadline(time.Now().Add(limit)); err != nil {
		return "", false
	}
	return parse(bufio.NewReaderSize(io.LimitReader(f, maxLine), 512), max)
}

// parse reads a line "6193, 23 : USERID : UNIX : joe" and returns what stands
// behind the third colon, "" if there is none, up to a NUL and without blanks.
// ok is false if the line does not end.
func parse(r io.ByteReader, max int) (info string, ok bool) {
	var b []byte
	colons := 0
	for {
		c, err := r.ReadByte()
		switch {
		case err != nil:
			return "", false
		case c == ' ' || c == '\t' || c == '\r':
		case c == '\n':
			return untilNUL(b), true
		case colons < 3:
			if c == ':' {
				colons++
			}
		default:
			if b = append(b, c); len(b) >= max {
				return untilNUL(b), true
			}
		}
	}
}

// untilNUL is what an environment variable can hold of b.
func untilNUL(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}
