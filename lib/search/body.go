package search

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"

	"goqmail/lib/casemap"
	"goqmail/lib/digest"
)

// finder looks for texts in messages, in pieces, so that their size does not matter.
type finder struct {
	needles [][]byte
	found   []bool
	left    int // needles that were not found
	longest int

	raw, window []byte
}

const (
	piece         = 32 << 10
	maxPartHeader = 64 << 10
)

// find tells which needles are in the text of a message: in its parts that are texts,
// decoded, and in the headers of parts.
func (f *finder) find(r io.ReaderAt, root *digest.Part) ([]bool, error) {
	f.found, f.left, f.longest = make([]bool, len(f.needles)), len(f.needles), 0
	for _, needle := range f.needles {
		f.longest = max(f.longest, len(needle))
	}
	if f.raw == nil {
		f.raw = make([]byte, piece)
	}
	err := f.part(r, root)
	return f.found, err
}

// part looks into a part, not into its header.
func (f *finder) part(r io.ReaderAt, p *digest.Part) error {
	for _, child := range p.Parts {
		if f.left == 0 {
			return nil
		}
		raw := make([]byte, min(child.Header.Len(), maxPartHeader))
		n, err := r.ReadAt(raw, child.Header.Start)
		if err != nil && err != io.EOF {
			return err
		}
		f.look(wholeHeader(raw[:n]))
		if err := f.part(r, child); err != nil {
			return err
		}
	}
	if len(p.Parts) > 0 || p.Type != "text" && p.Type != "message" {
		return nil
	}
	return f.text(io.NewSectionReader(r, p.Body.Start, p.Body.Len()), p)
}

// text looks into a text.
func (f *finder) text(r io.Reader, p *digest.Part) error {
	switch p.Encoding {
	case "BASE64":
		r = base64.NewDecoder(base64.StdEncoding, &alphabet{r: r})
	case "QUOTED-PRINTABLE":
		r = quotedPrintable{bufio.NewReader(r)}
	}
	name := ""
	for _, param := range p.Params {
		if param.Name == "charset" {
			name = param.Value
		}
	}
	if !ascii(name) {
		if decoded, err := charset.Reader(name, r); err == nil {
			r = decoded
		}
	}
	f.window = f.window[:0]
	torn := 0 // bytes of a letter that is not whole yet
	for f.left > 0 {
		n, err := io.ReadAtLeast(r, f.raw[torn:], 1)
		text := f.raw[:torn+n]
		whole := len(text)
		if err == nil {
			whole -= unfinished(text)
		}
		f.window = casemap.Append(f.window, text[:whole])
		f.look(f.window)
		torn = copy(f.raw, text[whole:])
		keep := min(f.longest-1, len(f.window))
		f.window = f.window[:copy(f.window, f.window[len(f.window)-max(keep, 0):])]
		if err != nil { // the end, or an encoding that makes no sense from here on
			var unreadable *fs.PathError
			if errors.As(err, &unreadable) {
				return err
			}
			return nil
		}
	}
	return nil
}

// look looks for the needles that were not found yet.
func (f *finder) look(text []byte) {
	for i, needle := range f.needles {
		if !f.found[i] && bytes.Contains(text, needle) {
			f.found[i] = true
			f.left--
		}
	}
}

// unfinished is how many bytes at the end are the start of a letter.
func unfinished(text []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(text)); n++ {
		if c := text[len(text)-n]; utf8.RuneStart(c) {
			if utf8.FullRune(text[len(text)-n:]) {
				return 0
			}
			return n
		}
	}
	return 0
}

// alphabet passes on the bytes that base64 is made of.
type alphabet struct{ r io.Reader }

func (a *alphabet) Read(p []byte) (int, error) {
	for {
		n, err := a.r.Read(p)
		kept := p[:0]
		for _, c := range p[:n] {
			if 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '=' {
				kept = append(kept, c)
			}
		}
		if len(kept) > 0 || err != nil {
			return len(kept), err
		}
	}
}

// quotedPrintable undoes that encoding; what makes no sense stays.
type quotedPrintable struct{ r *bufio.Reader }

func (q quotedPrintable) Read(p []byte) (n int, err error) {
	for n < len(p) {
		c, err := q.r.ReadByte()
		if err != nil {
			if n > 0 && err == io.EOF {
				err = nil
			}
			return n, err
		}
		if c == '=' {
			next, _ := q.r.Peek(2) // an error comes again
			escaped, taken := escape(next)
			q.r.Discard(taken)
			if escaped < 0 {
				continue
			}
			c = byte(escaped)
		}
		p[n] = c
		n++
	}
	return n, nil
}

// escape returns the byte that = and what follows it stand for, a negative number for
// none, and how many bytes follow it.
func escape(next []byte) (c, taken int) {
	switch {
	case len(next) == 2 && digit(next[0]) >= 0 && digit(next[1]) >= 0:
		return digit(next[0])<<4 | digit(next[1]), 2
	case len(next) == 2 && next[0] == '\r' && next[1] == '\n':
		return -1, 2
	case len(next) > 0 && next[0] == '\n':
		return -1, 1
	}
	return '=', 0
}

// digit is the value of a hexadecimal digit, -1 for what is none.
func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
