// Package sanitize takes out of messages what could harm who opens them, as a
// configuration of package anomy says.
//
// A message is changed in places: what nobody asked to change passes byte for byte,
// however broken its MIME is. That is why the structure is read here and not by a
// library that would write it anew; character sets are go-message's to know and
// HTML is golang.org/x/net/html's to read. Its tokenizer gives every byte back, where
// sanitizers that stand on it, such as bluemonday, write a page of their own out of what
// they allow, and little of an ordinary newsletter would remain.
//
// All is decided before the first byte is written, so that after a failure the message
// as it came can still go on.
package sanitize

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"goqmail/lib/anomy"
)

// Message is a sanitized message.
type Message struct {
	Log     []string // what was done
	Changed bool     // apart from the fields that every message gets
	Refused bool     // by the policy panic, or by its score

	sanitizer
}

// sanitizer works on one message.
type sanitizer struct {
	c     *anomy.Config
	mess  []byte
	eol   string // of its first line
	edits []edit
	spool spool

	parts   int
	log     []string
	changes int
	panics  bool
	now     time.Time
	names   int      // given to files
	bounds  int      // given to multiparts
	files   []string // in quarantine, as long as the message may fail
}

// edit has a text, or what the spool has from there to there, instead of a piece of the
// message.
type edit struct {
	phase      int // those at one place are in this order
	from, to   int
	text       string
	start, end int64 // in the spool, if not the same
}

// Sanitize decides what is to be done with a message, which must stay as it is
// until Close. With an error nothing was done, and nothing is kept.
func Sanitize(mess []byte, c *anomy.Config) (_ *Message, err error) {
	m := &Message{sanitizer: sanitizer{c: c, mess: mess, eol: "\n", now: time.Now()}}
	defer func() {
		if defect := recover(); defect != nil {
			err = fmt.Errorf("defect: %v", defect)
		}
		if err != nil {
			m.discard()
			m.Close()
		}
	}()
	if err := m.message(); err != nil {
		return nil, err
	}
	m.Changed = len(m.log) > 0
	m.Log = m.log
	m.Refused = m.panics || c.ScorePanic > 0 && m.changes >= c.ScorePanic
	slices.SortStableFunc(m.edits, func(a, b edit) int { return cmp.Or(a.from-b.from, a.phase-b.phase) })
	return m, nil
}

// Close gives back what the message holds.
func (m *Message) Close() { m.spool.close() }

// WriteTo writes the message.
func (m *Message) WriteTo(w io.Writer) (int64, error) {
	count := &counter{w: w}
	b := bufio.NewWriterSize(lineEnds(count, m.c.Newlines), 1<<16)
	at := 0
	for _, e := range m.edits {
		b.Write(m.mess[at:e.from]) // a failed write is reported by Flush
		b.WriteString(e.text)
		if e.end > e.start {
			if _, err := io.Copy(b, m.spool.section(e.start, e.end)); err != nil {
				return count.n, err
			}
		}
		at = e.to
	}
	b.Write(m.mess[at:])
	err := b.Flush()
	return count.n, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// lineEnds makes all line ends LF (1) or CRLF (2).
func lineEnds(w io.Writer, newlines int) io.Writer {
	if newlines != 1 && newlines != 2 {
		return w
	}
	return &newlineWriter{w: w, crlf: newlines == 2}
}

type newlineWriter struct {
	w    io.Writer
	crlf bool
	cr   bool // the last byte, held back
}

func (n *newlineWriter) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+len(p)/32+2)
	for _, b := range p {
		if n.cr && b != '\n' {
			out = append(out, '\r')
		}
		if n.cr = b == '\r'; n.cr {
			continue
		}
		if b == '\n' && n.crlf {
			out = append(out, '\r')
		}
		out = append(out, b)
	}
	if _, err := n.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// message decides on all of it.
func (s *sanitizer) message() error {
	if len(s.mess) == 0 {
		return nil
	}
	start := 0
	for first := true; start < len(s.mess); first = false {
		end := lineEnd(s.mess, start, len(s.mess))
		if first && bytes.HasSuffix(s.mess[:end], []byte("\r\n")) {
			s.eol = "\r\n"
		}
		if line := s.mess[start:end]; !bytes.HasPrefix(line, []byte("From ")) && !bytes.HasPrefix(line, []byte(">From ")) {
			break
		}
		start = end
	}
	p := s.parse(start, len(s.mess), "text/plain", 0)
	if err := s.part(p, "message"); err != nil {
		return err
	}
	s.mend(p)
	for _, field := range s.c.Headers {
		p.more = append(p.more, oneLine(field))
	}
	if s.c.ScoreBad > 0 && s.changes >= s.c.ScoreBad {
		p.more = append(p.more, "X-Sanitizer-Score: "+strconv.Itoa(s.changes))
	}
	if s.c.LogInline && len(s.log) > 0 {
		p.after = s.c.MsgLog + strings.Join(s.log, "\n") + "\n"
	}
	s.finish(p, true)
	return nil
}

// oneLine is a text as part of a header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return ' '
		}
		return r
	}, s)
}

// note logs a change.
func (s *sanitizer) note(where, format string, args ...any) {
	s.changes++
	s.log = append(s.log, where+": "+fmt.Sprintf(format, args...))
}

// part decides on a part and all in it.
func (s *sanitizer) part(p *part, where string) error {
	p.where = where
	switch {
	case p.unread != "":
		return s.unread(p, where, p.unread)
	case p.boundary != "" && len(p.parts) > 0:
		if s.c.TrustPGP && p.signed(s.mess) {
			if s.c.Verbose {
				p.before = s.c.MsgPGP
			}
			return nil
		}
		if s.c.FixMIME && p.encoding != "" && p.coded() {
			s.note(where, "a multipart is not encoded as %s", oneLine(p.encoding))
			p.newEncoding = "none"
		}
		doubtful := (s.c.FixMIME || s.c.Lengths) && p.doubtful()
		if doubtful {
			s.note(where, "its boundary is now one for all readers")
		}
		if s.c.Boundaries || doubtful {
			p.newBoundary = s.newBoundary()
		}
		for i, inner := range p.parts {
			where := "part " + strconv.Itoa(i+1)
			if err := s.inner(inner, p, where); err != nil {
				return err
			}
		}
		return nil
	case p.isMessage() && len(p.parts) == 1:
		if err := s.inner(p.parts[0], p, where); err != nil {
			return err
		}
		// A name alone is no reason to spoil a forwarded message, unless a rule says so.
		return s.file(p, where, true)
	case strings.HasPrefix(p.kind.kind, "multipart/"):
		if p.coded() {
			return s.unread(p, where, "a multipart that is encoded")
		}
		if !s.c.FixMIME || len(bytes.TrimSpace(s.mess[p.body:p.to])) == 0 {
			return nil
		}
		s.note(where, "a multipart without parts is shown as text")
		p.kind = media{kind: "text/plain"}
		p.newKind = &media{kind: "text/plain"}
	}
	if err := s.file(p, where, false); err != nil {
		return err
	}
	return s.content(p, where)
}

// inner decides on a part of another, and finishes it.
func (s *sanitizer) inner(p, outer *part, where string) error {
	if err := s.part(p, where); err != nil {
		return err
	}
	s.mend(p)
	s.finish(p, outer.isMessage())
	return nil
}

// unread has a part that cannot be looked into taken for a file.
func (s *sanitizer) unread(p *part, where, why string) error {
	if !s.c.Files && !s.c.FixMIME {
		return nil
	}
	return s.enforce(p, where, why, verdict{policy: max(s.c.Default, anomy.Defang)}, s.c.DefaultName)
}

// doubtful tells whether readers may differ about the boundary.
func (p *part) doubtful() bool {
	n := 0
	for _, param := range p.kind.params {
		if strings.HasPrefix(param.name, "boundary") {
			n++
		}
	}
	return n > 1 || len(p.boundary) > 70 || strings.ContainsFunc(p.boundary, func(r rune) bool {
		return r < ' ' || r >= 0x7f || r == '"' || r == '\\' || r == ';'
	})
}

// newBoundary is one that no sender can know.
func (s *sanitizer) newBoundary() string {
	s.bounds++
	if s.c.Testing {
		return "MIMEStream=_" + strconv.Itoa(s.bounds)
	}
	return fmt.Sprintf("MIMEStream=_%d_%016x%016x", s.bounds, rand.Uint64(), rand.Uint64())
}

// The phases of a part. What is outside starts before what is in it, and ends after it.
func (p *part) inHeader() int { return 3 * p.depth }
func (p *part) atBody() int   { return 3*p.depth + 1 }
func (p *part) inBody() int   { return 3*p.depth + 2 }
func (p *part) atEnd() int    { return 10*maxDepth - p.depth }

// replace puts a text in the place of a piece of the message.
func (s *sanitizer) replace(phase, from, to int, text string) {
	s.edits = append(s.edits, edit{phase: phase, from: from, to: to, text: text})
}

// spooled puts what the spool has from start on in the place of a part's body.
func (s *sanitizer) spooled(p *part, start int64) {
	s.edits = append(s.edits, edit{phase: p.inBody(), from: p.body, to: p.to, start: start, end: s.spool.size})
}
