package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strconv"

	"goqmail/lib/netstring"
	"goqmail/lib/qmail"
	"goqmail/lib/timeout"
)

// errEnvelope is the error for an envelope that is not one.
var errEnvelope = errors.New("bad envelope")

// mail is a message with its envelope. The text is held in pieces: QMQP wants
// to know its length first, and there is no queue to put it in.
type mail struct {
	text     [][]byte
	textLen  int
	envelope []byte // netstrings: the sender, the recipients
}

const pieceLen = 32 << 10

// readMail reads a message and its envelope, as qmail-queue takes them.
func readMail(mess, envelope io.Reader) (*mail, error) {
	m := &mail{}
	for {
		piece := make([]byte, pieceLen)
		n, err := io.ReadFull(mess, piece)
		m.text = append(m.text, piece[:n])
		m.textLen += n
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return m, m.readEnvelope(bufio.NewReader(envelope))
}

// readEnvelope reads strings that end in NUL: F and the sender, T and a
// recipient each, then an empty one; see envelopes(5).
func (m *mail) readEnvelope(r *bufio.Reader) error {
	for letter := byte('F'); ; letter = 'T' {
		s, err := r.ReadString(0)
		switch {
		case err == io.EOF:
			return errEnvelope
		case err != nil:
			return err
		case s == "\x00" && letter == 'T':
			return nil
		case s[0] != letter:
			return errEnvelope
		}
		m.envelope = netstring.Append(m.envelope, s[1:len(s)-1])
	}
}

// deliver sends the message to a server and returns the exit code that its
// answer asks for.
func (m *mail) deliver(conn *os.File) int {
	if err := m.write(timeout.Writer{File: conn, Limit: serverLimit}); err != nil {
		return qmail.ExitLost
	}
	// The answer is a netstring, but the first of three letters says it all. It
	// stands near the start.
	answer := bufio.NewReaderSize(timeout.Reader{File: conn, Limit: serverLimit}, 1024)
	for range answer.Size() {
		c, err := answer.ReadByte()
		switch {
		case err != nil:
			return qmail.ExitLost
		case c == 'K':
			return 0
		case c == 'Z':
			return qmail.ExitTry
		case c == 'D':
			return qmail.ExitRefused
		}
	}
	return qmail.ExitLost
}

// write sends a netstring of the text, the sender and the recipients, each of
// which is a netstring itself.
func (m *mail) write(w io.Writer) error {
	out := bufio.NewWriterSize(w, 4096)
	textLen := strconv.Itoa(m.textLen)
	total := len(textLen) + len(":") + m.textLen + len(",") + len(m.envelope)
	out.WriteString(strconv.Itoa(total) + ":" + textLen + ":")
	for _, piece := range m.text {
		inParts(out, piece)
	}
	out.WriteString(",")
	inParts(out, m.envelope)
	out.WriteString(",")
	return out.Flush() // of whatever went wrong before, too
}

// inParts writes p in parts that a slow connection takes within the limit.
func inParts(out *bufio.Writer, p []byte) {
	for len(p) > 0 {
		n := min(len(p), out.Size())
		if n > out.Available() {
			out.Flush()
		}
		out.Write(p[:n])
		p = p[n:]
	}
}
