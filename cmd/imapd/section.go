package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"mime/quotedprintable"
	"os"
	"slices"
	"strconv"
	"strings"

	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/digest"
	"goqmail/lib/mailstore"
)

// source is a literal that is copied from the message's file when it is sent.
type source struct {
	at           int // where in fetcher.b
	span         digest.Span
	encoding     string // that is undone; "" for none
	skip, length int64  // what is wanted of it then
}

// section appends the value of BODY[...]: a literal, or NIL for a part that is not there.
func (f *fetcher) section(it item, m *mailstore.Message, root *digest.Part, header []byte) error {
	s := it.section
	if len(s.part) == 0 && strings.HasPrefix(s.what, "HEADER") {
		if s.fields != nil {
			header = digest.Fields(header, s.fields, s.what == "HEADER.FIELDS.NOT")
		} else if !digest.Whole(header) {
			return f.wholeHeader(m.UID, it.partial)
		}
		f.literal(header, it.partial)
		return nil
	}
	if len(s.part) == 0 && s.what == "" {
		return f.file(m.UID, digest.Span{End: int64(m.Size)}, it.partial)
	}
	p := find(root, s.part)
	if p == nil {
		f.b = append(f.b, "NIL"...)
		return nil
	}
	switch s.what {
	case "MIME":
		return f.file(m.UID, p.Header, it.partial)
	case "":
		return f.file(m.UID, p.Body, it.partial)
	}
	if len(s.part) > 0 { // of the message that the part is
		if !isMessage(p) {
			f.b = append(f.b, "NIL"...)
			return nil
		}
		p = p.Parts[0]
	}
	switch {
	case s.what == "TEXT":
		return f.file(m.UID, p.Body, it.partial)
	case s.fields == nil:
		return f.file(m.UID, p.Header, it.partial)
	}
	text, err := f.read(m.UID, p.Header)
	if err == nil {
		f.literal(digest.Fields(text, s.fields, s.what == "HEADER.FIELDS.NOT"), it.partial)
	}
	return err
}

// wholeHeader has the header sent of which the index has only a part.
func (f *fetcher) wholeHeader(uid uint32, partial *[2]uint64) error {
	var span digest.Span
	err := f.c.sel.box.Columns(goimap.UIDSetNum(goimap.UID(uid)), []mailstore.Column{mailstore.Parts}, func(_ uint32, values [][]byte) error {
		p, err := digest.ParseParts(values[0])
		if err == nil {
			span = p.Header
		}
		return err
	})
	if err != nil {
		return err
	}
	return f.file(uid, span, partial)
}

// find returns the part of a message with a number such as 1.2, nil if there is none. The
// only part of a message that has no parts is its number 1.
func find(message *digest.Part, number []int) *digest.Part {
	p, whole := message, true
	for i, n := range number {
		if i > 0 && isMessage(p) {
			p, whole = p.Parts[0], true
		}
		switch {
		case p.Type == "multipart" && n <= len(p.Parts):
			p = p.Parts[n-1]
		case p.Type != "multipart" && whole && n == 1:
		default:
			return nil
		}
		whole = false
	}
	return p
}

// isMessage tells whether a part is a message that was read as one.
func isMessage(p *digest.Part) bool { return p.Type == "message" && len(p.Parts) == 1 }

// cut returns what a partial fetch takes of a length.
func cut(length int64, partial *[2]uint64) (start, end int64) {
	if partial == nil {
		return 0, length
	}
	start = min(int64(min(partial[0], 1<<62)), length)
	return start, start + min(int64(min(partial[1], 1<<62)), length-start)
}

// literal appends bytes as a literal.
func (f *fetcher) literal(text []byte, partial *[2]uint64) {
	start, end := cut(int64(len(text)), partial)
	f.announce(end - start)
	f.b = append(f.b, text[start:end]...)
}

func (f *fetcher) announce(length int64) {
	f.b = append(f.b, '{')
	f.b = strconv.AppendInt(f.b, length, 10)
	f.b = append(f.b, "}\r\n"...)
}

// file has bytes of the message that is answered for sent as a literal.
func (f *fetcher) file(uid uint32, span digest.Span, partial *[2]uint64) error {
	if err := f.open(uid); err != nil {
		return err
	}
	start, end := cut(span.Len(), partial)
	return f.send(source{span: span, skip: start, length: end - start})
}

// send appends a source as a literal, now if it is small.
func (f *fetcher) send(s source) error {
	f.announce(s.length)
	s.at = len(f.b)
	if s.length > smallLiteral {
		f.sources = append(f.sources, s)
		return nil
	}
	f.b = slices.Grow(f.b, int(s.length))[:s.at+int(s.length)]
	_, err := io.ReadFull(s.reader(f.message), f.b[s.at:])
	return err
}

// reader reads what is wanted of a source.
func (s source) reader(message io.ReaderAt) io.Reader {
	if s.encoding == "" {
		return io.NewSectionReader(message, s.span.Start+s.skip, s.length)
	}
	r := s.decoded(message)
	if _, err := io.CopyN(io.Discard, r, s.skip); err != nil {
		return failing{err}
	}
	return io.LimitReader(r, s.length)
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

// smallLiteral is the most bytes of a literal that is gathered with others.
const smallLiteral = 16 << 10

// open opens the message that is answered for, until flush. From then on it can be
// sent, even if another session expunges it.
func (f *fetcher) open(uid uint32) (err error) {
	if f.message == nil {
		f.message, err = f.c.sel.box.Open(uid)
	}
	return err
}

// read reads bytes of the message that is answered for.
func (f *fetcher) read(uid uint32, span digest.Span) ([]byte, error) {
	if err := f.open(uid); err != nil {
		return nil, err
	}
	b := make([]byte, min(span.Len(), maxSection))
	return b, readAt(f.message, b, span.Start)
}

// readAt fills b; what is too short for it was damaged.
func readAt(message *os.File, b []byte, offset int64) error {
	_, err := message.ReadAt(b, offset)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// maxSection is the most that is read into memory of a part.
const maxSection = 64 << 20

// flush sends what was gathered.
func (f *fetcher) flush() error {
	w := f.c.w
	var piece []byte
	if len(f.sources) > 0 {
		piece = make([]byte, 64<<10)
	}
	at := 0
	for _, s := range f.sources {
		w.Write(f.b[at:s.at])
		at = s.at
		n, err := io.CopyBuffer(struct{ io.Writer }{w}, s.reader(f.message), piece)
		if err != nil || n < s.length {
			return errors.Join(errLost, err)
		}
	}
	_, err := w.Write(f.b[at:])
	f.b, f.sources = f.b[:0], f.sources[:0]
	f.close()
	return err
}

func (f *fetcher) close() {
	if f.message != nil {
		f.message.Close()
		f.message = nil
	}
}

// errLost is for a literal that cannot be sent after it was announced: the connection
// has to end.
var errLost = errors.New("unable to read a message")

// binary appends the value of BINARY[...] or BINARY.SIZE[...] (RFC 3516): a part without
// its transfer encoding.
func (f *fetcher) binary(it item, m *mailstore.Message, root *digest.Part) error {
	if len(it.section.part) == 0 {
		if it.kind == itemBinarySize {
			f.b = strconv.AppendUint(f.b, uint64(m.Size), 10)
			return nil
		}
		return f.file(m.UID, digest.Span{End: int64(m.Size)}, it.partial)
	}
	p := find(root, it.section.part)
	switch {
	case p == nil && it.kind == itemBinarySize:
		f.b = append(f.b, '0')
		return nil
	case p == nil:
		f.b = append(f.b, "NIL"...)
		return nil
	}
	if err := f.open(m.UID); err != nil {
		return err
	}
	if p.Body.Len() > 0 { // it may be damaged
		if err := readAt(f.message, make([]byte, 1), p.Body.End-1); err != nil {
			return err
		}
	}
	src := source{span: p.Body, encoding: p.Encoding}
	size, nul, err := src.measure(f.message)
	if err != nil {
		return err
	}
	if it.kind == itemBinarySize {
		f.b = strconv.AppendInt(f.b, size, 10)
		return nil
	}
	if nul {
		f.b = append(f.b, '~')
	}
	start, end := cut(size, it.partial)
	src.skip, src.length = start, end-start
	return f.send(src)
}

// measure returns how long a source is when it is decoded, and whether it has a NUL.
func (s source) measure(message io.ReaderAt) (size int64, nul bool, err error) {
	var w measured
	_, err = io.Copy(&w, s.decoded(message))
	var ours *fs.PathError
	if err != nil && !errors.As(err, &ours) {
		err = no("UNKNOWN-CTE", "Unable to decode the part")
	}
	return w.size, w.nul, err
}

type measured struct {
	size int64
	nul  bool
}

func (m *measured) Write(p []byte) (int, error) {
	m.size += int64(len(p))
	m.nul = m.nul || bytes.IndexByte(p, 0) >= 0
	return len(p), nil
}

// decoded returns a source without its transfer encoding.
func (s source) decoded(message io.ReaderAt) io.Reader {
	r := io.NewSectionReader(message, s.span.Start, s.span.Len())
	switch s.encoding {
	case "", "7BIT", "8BIT", "BINARY":
		return r
	case "BASE64":
		return &base64Reader{r: r}
	case "QUOTED-PRINTABLE":
		return quotedprintable.NewReader(r)
	}
	return failing{errors.ErrUnsupported}
}

// base64Reader undoes that encoding. What does not belong to it is passed over, and after
// the end of one text another one may begin.
type base64Reader struct {
	r    io.Reader
	bits uint32 // of which the last n are wanted
	n    int
}

func (d *base64Reader) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	decoded := p[:0]
	for _, c := range p[:n] {
		switch {
		case 'A' <= c && c <= 'Z':
			c -= 'A'
		case 'a' <= c && c <= 'z':
			c -= 'a' - 26
		case '0' <= c && c <= '9':
			c += 52 - '0'
		case c == '+':
			c = 62
		case c == '/':
			c = 63
		case c == '=':
			d.bits, d.n = 0, 0
			continue
		default:
			continue
		}
		d.bits, d.n = d.bits<<6|uint32(c), d.n+6
		if d.n >= 8 {
			d.n -= 8
			decoded = append(decoded, byte(d.bits>>d.n))
		}
	}
	return len(decoded), err
}
