package digest

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"sync"
)

// Part is a part of a message, or the message itself, which is the part in which
// all others are. Offsets count from the start of the message.
type Part struct {
	Type, Subtype string // in lower case; text and plain if nothing else can be told
	Params        []Param
	ID            string
	Description   string
	Encoding      string // in capitals; 7BIT if there is none
	MD5           string
	Disposition   string // in lower case
	DispParams    []Param
	Languages     []string
	Location      string
	Header        Span // up to and with the empty line
	Body          Span
	Lines         int     // line ends in the body
	Parts         []*Part // of a multipart; of a message/rfc822 the one message
	Envelope      []byte  // of a message: the whole one, or one in it
}

// Param is a parameter of a field such as Content-Type.
type Param struct{ Name, Value string }

// Span is where something lies in the message.
type Span struct{ Start, End int64 }

// Len returns its length.
func (s Span) Len() int64 { return s.End - s.Start }

// What a message may have. What lies deeper or comes later is part of what it
// stands in, which is taken as a whole.
const (
	maxDepth   = 50
	maxParts   = 10000
	maxHeader  = 1 << 20 // bytes of a header that are looked at
	maxHeaders = 4 << 20 // of all parts; the last of them may be beyond it
	maxLine    = 64 << 10
)

// scanner goes through a message line by line.
type scanner struct {
	r          *bufio.Reader
	at         int64    // offset of the next line
	boundaries []string // of the multiparts that the line is in, innermost last
	parts      int
	headers    int // bytes of them

	line   []byte // the line with its end; of a very long one the start and the end
	size   int64  // of the whole line
	eof    bool
	held   bool  // the line is to be given again
	before int64 // length of the line end before the line
	lines  int   // line ends before the line
}

// scan reads a message. It knows the header of each message in it, too.
func scan(r io.Reader) (*Part, []byte, error) {
	buf := buffers.Get().(*bufio.Reader)
	defer buffers.Put(buf)
	buf.Reset(r)
	s := &scanner{r: buf}
	var header bytes.Buffer
	p, err := s.part("text", "plain", true, 0, &header)
	if err != nil {
		return nil, nil, err
	}
	text := header.Bytes()
	if int64(len(text)) != p.Header.Len() { // cut
		text = bytes.TrimSuffix(text, []byte("\r\n"))
	}
	return p, text, nil
}

var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, maxLine) }}

// next goes to the next line. It returns false at the end of the message.
func (s *scanner) next() (bool, error) {
	if s.held {
		s.held = false
		return !s.eof, nil
	}
	s.at += s.size
	if s.before = lineEnd(s.line); s.before > 0 {
		s.lines++
	}
	line, err := s.r.ReadSlice('\n')
	s.line, s.size = line, int64(len(line))
	for err == bufio.ErrBufferFull { // a very long line: its start is enough, but for its end
		s.line = bytes.Clone(s.line[:min(len(s.line), 1000)])
		for err == bufio.ErrBufferFull {
			line, err = s.r.ReadSlice('\n')
			s.size += int64(len(line))
		}
		s.line = append(s.line, line[max(0, len(line)-2):]...)
	}
	if err != nil && err != io.EOF {
		return false, err
	}
	s.eof = s.size == 0
	return !s.eof, nil
}

// lineEnd is the length of the CR LF or LF at the end of a line.
func lineEnd(line []byte) int64 {
	switch {
	case bytes.HasSuffix(line, []byte("\r\n")):
		return 2
	case bytes.HasSuffix(line, []byte("\n")):
		return 1
	}
	return 0
}

// boundary tells which multipart's boundary the line is, as an index, and whether
// it closes it. level is negative if it is none.
func (s *scanner) boundary() (level int, closes bool) {
	if len(s.boundaries) == 0 || len(s.line) < 3 || s.line[0] != '-' || s.line[1] != '-' {
		return -1, false
	}
	text := strings.TrimRight(string(s.line[2:]), " \t\r\n")
	for i := len(s.boundaries) - 1; i >= 0; i-- {
		rest, ok := strings.CutPrefix(text, s.boundaries[i])
		if ok && (rest == "" || rest == "--") {
			return i, rest == "--"
		}
	}
	return -1, false
}

// part reads a part from the next line on, up to the boundary after it, which is
// held. kind and subtype are what it is if it does not say; message tells that it is
// a message. The header's bytes go to keep, if that is not nil.
func (s *scanner) part(kind, subtype string, message bool, depth int, keep *bytes.Buffer) (*Part, error) {
	s.parts++
	p := &Part{}
	var header bytes.Buffer
	if err := s.header(p, &header); err != nil {
		return nil, err
	}
	s.headers += header.Len()
	if keep != nil {
		keep.Write(header.Bytes())
	}
	h := fields(header.Bytes())
	p.describe(h, kind, subtype)
	if message {
		p.Envelope = readEnvelope(h).append(nil)
	}
	p.Body.Start = p.Header.End
	p.Lines = -s.lines // see end
	if !s.held && lineEnd(s.line) > 0 {
		p.Lines--
	}
	boundary := p.param("boundary")
	var err error
	switch {
	case depth == maxDepth || s.full():
		if p.Type == "multipart" || p.isMessage() {
			p.Type, p.Subtype = "application", "octet-stream"
		}
		err = s.leaf(p)
	case p.Type == "multipart" && boundary != "":
		err = s.multipart(p, boundary, depth)
	case p.Type == "multipart":
		p.Type, p.Subtype, p.Params = "text", "plain", nil
		err = s.leaf(p)
	case p.isMessage():
		err = s.message(p, depth)
	default:
		err = s.leaf(p)
	}
	return p, err
}

// full tells whether the message has as many parts as it may.
func (s *scanner) full() bool { return s.parts >= maxParts || s.headers >= maxHeaders }

// isMessage tells whether the part is a message that can be looked into.
func (p *Part) isMessage() bool {
	return p.Type == "message" && (p.Subtype == "rfc822" || p.Subtype == "global") &&
		(p.Encoding == "7BIT" || p.Encoding == "8BIT" || p.Encoding == "BINARY")
}

func (p *Part) param(name string) string {
	for _, param := range p.Params {
		if param.Name == name {
			return param.Value
		}
	}
	return ""
}

// header reads lines up to the empty one.
func (s *scanner) header(p *Part, text *bytes.Buffer) error {
	first := true
	for {
		more, err := s.next()
		if err != nil {
			return err
		}
		if first {
			p.Header = Span{s.at, s.at}
			first = false
		}
		if !more {
			return nil
		}
		if level, _ := s.boundary(); level >= 0 { // a part that ends in its header
			s.held = true
			p.Header.End = max(p.Header.Start, s.at-s.before)
			return nil
		}
		p.Header.End = s.at + s.size
		if text.Len()+len(s.line) <= maxHeader {
			text.Write(s.line)
		}
		if int64(len(s.line)) == lineEnd(s.line) {
			return nil
		}
	}
}

// leaf reads a body up to a boundary or the end of the message.
func (s *scanner) leaf(p *Part) error {
	for {
		more, err := s.next()
		if err != nil {
			return err
		}
		if level, _ := s.boundary(); !more || level >= 0 {
			s.end(p)
			return nil
		}
	}
}

// end ends a body before the line, which is held: either it is a boundary, to which
// the line end before it belongs, or there is none.
func (s *scanner) end(p *Part) {
	s.held = true
	p.Body.End, p.Lines = s.at, p.Lines+s.lines
	if !s.eof && p.Body.Len() >= s.before && s.before > 0 {
		p.Body.End -= s.before
		p.Lines--
	}
	p.Lines = max(p.Lines, 0)
	p.Body.End = max(p.Body.End, p.Body.Start)
	if n := len(p.Parts); n > 0 { // an empty last one may lie behind that line end
		p.Body.End = max(p.Body.End, p.Parts[n-1].Body.End)
	}
}

// multipart reads parts between boundaries, and passes over what stands before and
// after them.
func (s *scanner) multipart(p *Part, boundary string, depth int) error {
	own := len(s.boundaries)
	s.boundaries = append(s.boundaries, boundary)
	defer func() { s.boundaries = s.boundaries[:own] }()
	kind, subtype := "text", "plain"
	if p.Subtype == "digest" {
		kind, subtype = "message", "rfc822"
	}
	for {
		more, err := s.next()
		if err != nil {
			return err
		}
		level, closes := s.boundary()
		switch {
		case !more || level >= 0 && level < own:
			s.end(p)
			return nil
		case level == own && closes:
			s.boundaries = s.boundaries[:own]
			return s.leaf(p)
		case level == own && !s.full():
			child, err := s.part(kind, subtype, false, depth+1, nil)
			if err != nil {
				return err
			}
			p.Parts = append(p.Parts, child)
		}
	}
}

// message reads a message in the message.
func (s *scanner) message(p *Part, depth int) error {
	child, err := s.part("text", "plain", true, depth+1, nil)
	if err != nil {
		return err
	}
	p.Parts = []*Part{child}
	s.end(p)
	return nil
}
