package blast

import (
	"bytes"
	"errors"
	"io"
)

// ErrPartialLine is the error for a message whose last line has no LF, which
// SMTP cannot express.
var ErrPartialLine = errors.New("partial final line")

// Encoder puts a message on the wire: write the message to it, then call End.
//
// A CR before a LF belongs to the line's end. Elsewhere a CR becomes a line's
// end itself, but of several in a row every second one is sent as it is. A
// dot behind either is doubled.
type Encoder struct {
	w   io.Writer
	buf []byte
	at  spot
}

// spot is what the text so far ends in.
type spot byte

const (
	lineStart spot = iota // LF, or nothing yet
	inLine                // something else
	heldCR                // a CR that waits for what follows
	sentCR                // a CR that was sent as it is
)

// NewEncoder returns an Encoder that writes to w in pieces of at most size
// bytes.
func NewEncoder(w io.Writer, size int) *Encoder {
	return &Encoder{w: w, buf: make([]byte, 0, size)}
}

// Write encodes text. The error is the writer's.
func (e *Encoder) Write(text []byte) (n int, err error) {
	for n < len(text) {
		done := 0
		if e.at == inLine {
			done = lineLen(text[n:])
		}
		if done > 0 {
			err = e.copy(text[n : n+done])
		} else {
			done, err = 1, e.encode(text[n])
		}
		if err != nil {
			return n, err
		}
		n += done
	}
	return n, nil
}

// lineLen is how much there is of a line before anything that may end it.
func lineLen(text []byte) int {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	if i := bytes.IndexByte(text, '\r'); i >= 0 {
		text = text[:i]
	}
	return len(text)
}

// copy sends what needs no encoding.
func (e *Encoder) copy(text []byte) error {
	for len(text) > 0 {
		if len(e.buf) == cap(e.buf) {
			if err := e.flush(); err != nil {
				return err
			}
		}
		n := min(len(text), cap(e.buf)-len(e.buf))
		e.buf = append(e.buf, text[:n]...)
		text = text[n:]
	}
	return nil
}

func (e *Encoder) encode(c byte) error {
	if e.at == heldCR && c != '\n' {
		if err := e.put('\r', '\n'); err != nil {
			return err
		}
		if c == '\r' {
			e.at = sentCR
			return e.put('\r')
		}
		e.at = lineStart
	}
	switch c {
	case '\n':
		e.at = lineStart
		return e.put('\r', '\n')
	case '\r':
		e.at = heldCR
		return nil
	case '.':
		if e.at != inLine {
			if err := e.put('.'); err != nil {
				return err
			}
		}
	}
	e.at = inLine
	return e.put(c)
}

// End finishes the message. It returns ErrPartialLine, and leaves the message
// without an end, if the text does not end in LF or CR.
func (e *Encoder) End() error {
	if e.at == heldCR {
		if err := e.put('\r', '\n'); err != nil {
			return err
		}
		e.at = lineStart
	}
	if e.at != lineStart {
		return ErrPartialLine
	}
	if err := e.put('.', '\r', '\n'); err != nil {
		return err
	}
	return e.flush()
}

// put keeps a piece whole: it does not divide CR LF between two writes.
func (e *Encoder) put(piece ...byte) error {
	if len(e.buf)+len(piece) > cap(e.buf) {
		if err := e.flush(); err != nil {
			return err
		}
	}
	e.buf = append(e.buf, piece...)
	return nil
}

func (e *Encoder) flush() error {
	_, err := e.w.Write(e.buf)
	e.buf = e.buf[:0]
	return err
}
