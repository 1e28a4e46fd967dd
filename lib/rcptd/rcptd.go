// Package rcptd is how qmail-rcptd(8) is asked whether a local address exists.
// A question is a connection to its socket: a netstring with the local part as
// qmail-lspawn would get it, then one byte of answer.
package rcptd

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/descriptor"
	"goqmail/lib/netstring"
)

// Answer is what qmail-rcptd says of an address. The letters are those of the
// reports of a delivery.
type Answer byte

// The answers.
const (
	Exists  Answer = 'K' // a delivery would find instructions
	Missing Answer = 'D' // a delivery would bounce: there is no such mailbox
	Unsure  Answer = 'Z' // a delivery might be put off, or nobody can tell
)

// Socket is the path of the socket. Whoever may write it may ask.
func Socket() string { return auto.Home + "/rcptd/socket" }

// localMax bounds a local part. Qmail-smtpd takes addresses of 900 bytes, and a
// virtual domain prepends a few.
const localMax = 4096

// ErrQuestion is the error for what is no question.
var ErrQuestion = errors.New("bad question")

// Patience is how long Ask waits at each step for qmail-rcptd, which itself has
// an answer sooner, be it that it cannot tell.
const Patience = 10 * time.Second

// Ask asks about a local part. The answer is Unsure if there is an error.
func Ask(local string) (Answer, error) { return ask(Socket(), local, Patience) }

// ask does without os.File and its poller, because it is all that a short life
// is for.
func ask(socket, local string, patience time.Duration) (Answer, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return Unsure, err
	}
	conn := descriptor.File(fd)
	defer conn.Close()
	limit := syscall.NsecToTimeval(int64(patience))
	for _, direction := range []int{syscall.SO_RCVTIMEO, syscall.SO_SNDTIMEO} {
		if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, direction, &limit); err != nil {
			return Unsure, err
		}
	}
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: socket}); err != nil {
		return Unsure, err
	}
	if _, err := conn.Write(netstring.Append(nil, local)); err != nil {
		return Unsure, err
	}
	var answer [1]byte
	if _, err := conn.Read(answer[:]); err != nil {
		return Unsure, err
	}
	switch a := Answer(answer[0]); a {
	case Exists, Missing:
		return a, nil
	}
	return Unsure, nil
}

// ReadQuestion reads the local part that is asked about. It holds no NUL, which
// no program's argument can. The error is ErrQuestion or r's.
func ReadQuestion(r io.Reader) (local string, err error) {
	in := bufio.NewReaderSize(r, 64)
	n, err := netstring.Length(in)
	if errors.Is(err, netstring.ErrFormat) || n > localMax {
		return "", ErrQuestion
	}
	if err != nil {
		return "", err
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(in, b); err != nil {
		return "", err
	}
	if err := netstring.Comma(in); err != nil || strings.IndexByte(string(b), 0) >= 0 {
		return "", ErrQuestion
	}
	return string(b), nil
}
