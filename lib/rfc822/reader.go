package rfc822

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"goqmail/lib/ascii"
)

// Field is one header field: name, colon and body, with the newline at the end
// of each of its lines.
type Field string

// Name returns the field's name in lower case, without the blanks that may
// stand before the colon. A name is made of printable ASCII characters (RFC
// 822, section 3.2); for text that does not start with one, Name returns "".
func (f Field) Name() string {
	name, _, ok := strings.Cut(string(f), ":")
	if !ok {
		return ""
	}
	name = strings.TrimRight(name, " \t")
	for i := range len(name) {
		if name[i] <= ' ' || name[i] > '~' {
			return ""
		}
	}
	return ascii.Lower(name)
}

// Reader reads a message: its header field by field, then its body as a
// stream. It holds one field at a time, and nothing of the body.
type Reader struct {
	in   *bufio.Reader
	next []byte    // the line after the last field; nil before the first
	end  bool      // in has no more: a terminal would start again
	body io.Reader // nil while in the header
}

// NewReader returns a Reader of the message that r yields.
func NewReader(r io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, 8192)}
}

// Next returns the next header field, with the lines that continue it. It
// returns io.EOF where the header ends: at an empty line, at a line that is
// neither a field nor the continuation of one, or with the message. Any other
// error comes from the underlying reader.
//
// A line "From ...", as mailboxes hold it, is a field of the name MBOX-Line.
func (r *Reader) Next() (Field, error) {
	if r.next == nil {
		if err := r.advance(); err != nil {
			return "", err
		}
	}
	if r.body != nil || r.endsHeader() {
		return "", io.EOF
	}
	field := r.next
	if bytes.HasPrefix(field, []byte("From ")) {
		field = append([]byte("MBOX-Line: "), field...)
	}
	for {
		if err := r.advance(); err != nil {
			return "", err
		}
		if len(r.next) == 0 || r.next[0] != ' ' && r.next[0] != '\t' {
			return Field(field), nil
		}
		field = append(field, r.next...)
	}
}

// Body is the rest of the message, once Next has returned io.EOF: the empty
// line that ends the header, put in where it is missing, and what follows it. A
// last line without a newline gets one. A message that is all header has an
// empty body, without that line.
func (r *Reader) Body() io.Reader { return r.body }

// endsHeader sets body if the next line is not a field.
func (r *Reader) endsHeader() bool {
	switch {
	case len(r.next) == 0 || string(r.next) == "\n":
		r.body = io.MultiReader(bytes.NewReader(r.next), &rest{in: r.in, end: r.end})
	case !bytes.HasPrefix(r.next, []byte("From ")) && Field(r.next).Name() == "":
		r.body = io.MultiReader(strings.NewReader("\n"), bytes.NewReader(r.next), &rest{in: r.in, end: r.end})
	}
	return r.body != nil
}

// advance reads a line into next, which is empty, but not nil, at the end.
func (r *Reader) advance() error {
	r.next = []byte{}
	if r.end {
		return nil
	}
	line, err := r.in.ReadBytes('\n')
	switch {
	case err == nil:
		r.next = line
	case err != io.EOF:
		return err
	default:
		r.end = true
		if len(line) > 0 {
			r.next = append(line, '\n')
		}
	}
	return nil
}

// rest passes on what in yields, and a newline if that ends inside a line.
type rest struct {
	in     io.Reader
	inside bool // a line
	end    bool
}

func (r *rest) Read(p []byte) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case r.end:
		return 0, io.EOF
	}
	n, err := r.in.Read(p)
	if n > 0 {
		r.inside = p[n-1] != '\n'
		return n, nil // bufio.Reader gives an error with no bytes
	}
	if err != io.EOF {
		return 0, err
	}
	r.end = true
	if !r.inside {
		return 0, io.EOF
	}
	p[0] = '\n'
	return 1, nil
}
