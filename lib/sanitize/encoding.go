package sanitize

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
)

// The encodings of Content-Transfer-Encoding that change what is seen.
const (
	encodedBase64 = "base64"
	encodedQuoted = "quoted-printable"
)

// decoder gives a body as those readers see it that forgive most.
func decoder(encoding string, body []byte) io.Reader {
	switch encoding {
	case encodedBase64:
		return &fromBase64{text: body}
	case encodedQuoted:
		return &fromQuoted{text: body}
	}
	return bytes.NewReader(body)
}

// fromBase64 decodes base64 and skips all that is none; after padding it goes on.
type fromBase64 struct {
	text []byte
	bits uint32
	n    int // digits in bits
	left []byte
}

func (d *fromBase64) Read(p []byte) (n int, err error) {
	if len(d.left) == 0 && len(p) < 3 { // a group has no room
		var few [3]byte
		n, err = d.Read(few[:])
		d.left = few[:n]
	}
	if len(d.left) > 0 {
		n = copy(p, d.left)
		d.left = d.left[n:]
		return n, nil
	}
	if err != nil {
		return 0, err
	}
	for n+3 <= len(p) {
		if len(d.text) == 0 {
			n += d.flush(p[n:])
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		b := d.text[0]
		d.text = d.text[1:]
		digit := uint32(0)
		switch {
		case 'A' <= b && b <= 'Z':
			digit = uint32(b - 'A')
		case 'a' <= b && b <= 'z':
			digit = uint32(b-'a') + 26
		case '0' <= b && b <= '9':
			digit = uint32(b-'0') + 52
		case b == '+':
			digit = 62
		case b == '/':
			digit = 63
		case b == '=':
			n += d.flush(p[n:])
			continue
		default:
			continue
		}
		d.bits = d.bits<<6 | digit
		if d.n++; d.n == 4 {
			p[n], p[n+1], p[n+2] = byte(d.bits>>16), byte(d.bits>>8), byte(d.bits)
			n += 3
			d.bits, d.n = 0, 0
		}
	}
	return n, nil
}

// flush writes the bytes of an unfinished group.
func (d *fromBase64) flush(p []byte) (n int) {
	switch d.n {
	case 2:
		p[0] = byte(d.bits >> 4)
		n = 1
	case 3:
		p[0], p[1] = byte(d.bits>>10), byte(d.bits>>2)
		n = 2
	}
	d.bits, d.n = 0, 0
	return n
}

// fromQuoted decodes quoted-printable, and leaves what is none as it is.
type fromQuoted struct{ text []byte }

func (d *fromQuoted) Read(p []byte) (n int, err error) {
	if len(d.text) == 0 {
		return 0, io.EOF
	}
	for n < len(p) && len(d.text) > 0 {
		if d.text[0] == '=' {
			if skip := softBreak(d.text); skip > 0 {
				d.text = d.text[skip:]
				continue
			}
			if len(d.text) >= 3 {
				high, low := unhex(d.text[1]), unhex(d.text[2])
				if high >= 0 && low >= 0 {
					p[n] = byte(high<<4 | low)
					n++
					d.text = d.text[3:]
					continue
				}
			}
		}
		p[n] = d.text[0]
		n++
		d.text = d.text[1:]
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// softBreak is the length of a soft line break at the start of a text.
func softBreak(text []byte) int {
	i := 1
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	if i == len(text) {
		return i
	}
	if text[i] == '\n' {
		return i + 1
	}
	return 0
}

func unhex(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}

// encoder writes to w what decoder reads, in lines that end with eol.
func encoder(encoding, eol string, w io.Writer) io.WriteCloser {
	switch encoding {
	case encodedBase64:
		lines := &lineWriter{w: w, eol: eol}
		return closers{base64.NewEncoder(base64.StdEncoding, lines), lines}
	case encodedQuoted:
		if eol == "\n" {
			w = withoutCR{w}
		}
		return quotedprintable.NewWriter(w)
	}
	return closers{writer: w}
}

// closers is a writer and what else to close after it.
type closers struct {
	writer io.Writer
	last   io.Closer
}

func (c closers) Write(p []byte) (int, error) { return c.writer.Write(p) }

func (c closers) Close() error {
	if first, ok := c.writer.(io.Closer); ok && c.last != nil {
		if err := first.Close(); err != nil {
			return err
		}
		return c.last.Close()
	}
	return nil
}

// lineWriter breaks a text into lines of 76 bytes.
type lineWriter struct {
	w   io.Writer
	eol string
	n   int
}

func (l *lineWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part := rest[:min(len(rest), 76-l.n)]
		if _, err := l.w.Write(part); err != nil {
			return 0, err
		}
		rest = rest[len(part):]
		if l.n += len(part); l.n == 76 {
			if err := l.Close(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

// Close ends the last line.
func (l *lineWriter) Close() error {
	if l.n == 0 {
		return nil
	}
	l.n = 0
	_, err := io.WriteString(l.w, l.eol)
	return err
}

// withoutCR drops the CR of each line's end.
type withoutCR struct{ w io.Writer }

func (c withoutCR) Write(p []byte) (int, error) {
	if _, err := c.w.Write(bytes.ReplaceAll(p, []byte("\r"), nil)); err != nil {
		return 0, err
	}
	return len(p), nil
}
