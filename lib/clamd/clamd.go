// Package clamd asks clamd, the daemon of ClamAV, whether a message has a virus:
// the command INSTREAM of clamd(8).
package clamd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"
)

// ErrTooBig is the error for a message above clamd's own limit, StreamMaxLength.
var ErrTooBig = errors.New("clamd takes no message of this size")

const (
	chunk    = 32 << 10 // bytes sent at a time
	maxReply = 1024
)

// Scan sends mess to a clamd that was just connected to, and returns the name of
// the virus it has, nothing if it has none. An answer other than those two, or
// one that does not come to its end, is an error.
func Scan(conn io.ReadWriter, mess io.Reader) (virus string, err error) {
	sent, err := send(conn, mess)
	if err != nil {
		return "", err
	}
	reply, err := bufio.NewReaderSize(conn, maxReply).ReadSlice(0)
	switch {
	case sent != nil && !tooBig(reply):
		return "", sent // what else came was not about the whole message
	case err == io.EOF:
		return "", io.ErrUnexpectedEOF
	case err != nil:
		return "", err
	}
	return verdict(strings.TrimSuffix(string(reply), "\x00"))
}

// send sends the message in pieces, each behind its length, the last one empty.
// clamd hangs up in the middle of what is too long for it, after it has said so:
// then its reply is still to be read, and sent says why not all was sent. err is
// one of reading the message.
func send(w io.Writer, mess io.Reader) (sent, err error) {
	if _, err := io.WriteString(w, "zINSTREAM\x00"); err != nil {
		return err, nil
	}
	buf := make([]byte, 4+chunk)
	for {
		n, err := mess.Read(buf[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(buf, uint32(n))
			if _, err := w.Write(buf[:4+n]); err != nil {
				return err, nil
			}
		}
		if err == io.EOF {
			_, err := w.Write(make([]byte, 4))
			return err, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

const sizeLimit = "INSTREAM size limit exceeded. ERROR"

func tooBig(reply []byte) bool { return string(reply) == sizeLimit+"\x00" }

func verdict(reply string) (virus string, err error) {
	if reply == sizeLimit {
		return "", ErrTooBig
	}
	if result, ok := strings.CutPrefix(reply, "stream: "); ok {
		if result == "OK" {
			return "", nil
		}
		if virus, ok := strings.CutSuffix(result, " FOUND"); ok && virus != "" {
			return virus, nil
		}
	}
	return "", errors.New("unexpected answer " + strconv.QuoteToASCII(reply))
}
