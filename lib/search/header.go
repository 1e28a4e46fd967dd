package search

import (
	"bytes"

	"goqmail/lib/casemap"
	"goqmail/lib/digest"
)

// header is a message's header and what was made of it.
type header struct {
	raw    []byte
	whole  []byte // as it compares; nil: not made yet
	fields []compared
	buf    []byte // of the texts in fields
}

// compared is what fields of a name have, as it compares.
type compared struct {
	name  string
	kind  kind
	texts [][]byte
}

// kind is what fields are taken for.
type kind int

const (
	words     kind = iota
	addresses      // which match as well as they are without comments and quotes
)

func (h *header) reset(raw []byte) {
	h.raw, h.whole, h.fields, h.buf = raw, nil, h.fields[:0], h.buf[:0]
}

// field calls f with the values of the fields of a name, until it returns true, which
// is then returned. The name is in lower case.
func (h *header) field(name string, f func(value []byte) bool) bool {
	for rest := h.raw; len(rest) > 0; {
		var line []byte
		line, rest = cutField(rest)
		if value, ok := valueOf(line, name); ok && f(value) {
			return true
		}
	}
	return false
}

// cutField takes the first field, with the lines that continue it.
func cutField(text []byte) (field, rest []byte) {
	for i := 0; ; {
		n := bytes.IndexByte(text[i:], '\n')
		if n < 0 {
			return text, nil
		}
		if i += n + 1; i == len(text) || text[i] != ' ' && text[i] != '\t' {
			return text[:i], text[i:]
		}
	}
}

// valueOf returns what follows the colon, if the field has a name.
func valueOf(line []byte, name string) (value []byte, ok bool) {
	if len(line) <= len(name) {
		return nil, false
	}
	for i := range len(name) {
		c := line[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != name[i] {
			return nil, false
		}
	}
	return bytes.CutPrefix(bytes.TrimLeft(line[len(name):], " \t"), []byte(":"))
}

// comparable appends the value of a field as it compares: on one line and decoded.
func comparable(b, value []byte) []byte {
	value = bytes.TrimSpace(value)
	if bytes.IndexByte(value, '\n') >= 0 {
		value = bytes.ReplaceAll(bytes.ReplaceAll(value, []byte("\r"), nil), []byte("\n"), nil)
	}
	if bytes.Contains(value, []byte("=?")) {
		value = []byte(digest.Decode(string(value)))
	}
	return casemap.Append(b, value)
}

// contains tells whether a field of a name has a text in it.
func (h *header) contains(name string, kind kind, text []byte) bool {
	for _, value := range h.texts(name, kind) {
		if bytes.Contains(value, text) {
			return true
		}
	}
	return false
}

// texts returns what fields of a name have. A long search asks for the same again.
func (h *header) texts(name string, kind kind) (texts [][]byte) {
	for _, f := range h.fields {
		if f.name == name && f.kind == kind {
			return f.texts
		}
	}
	h.field(name, func(value []byte) bool {
		text := h.compared(value)
		texts = append(texts, text)
		if kind == addresses && !plain(text) {
			texts = append(texts, h.compared(plainest(value)))
		}
		return false
	})
	h.fields = append(h.fields, compared{name, kind, texts})
	return texts
}

// compared returns a value as it compares, in buf. If that has to grow, what was there
// before stays where it was.
func (h *header) compared(value []byte) []byte {
	start := len(h.buf)
	h.buf = comparable(h.buf, value)
	return h.buf[start:]
}

// plain tells whether addresses have nothing in them that can be left out.
func plain(text []byte) bool {
	return !bytes.ContainsAny(text, `("\`) && !bytes.Contains(text, []byte("@ ")) && !bytes.Contains(text, []byte(" @"))
}

// plainest returns addresses without comments and quotes.
func plainest(value []byte) []byte {
	name, address, ok := bytes.Cut(bytes.TrimLeft(value, " \t"), []byte(`" <`))
	name, quoted := bytes.CutPrefix(name, []byte(`"`))
	if ok && quoted && !bytes.ContainsAny(name, `"\`) && !bytes.ContainsAny(address, `"(\ `) { // as most are
		return bytes.Join([][]byte{name, address}, []byte(" <"))
	}
	return []byte(digest.Addresses(string(value)))
}

// anywhere tells whether the header has a text in it.
func (h *header) anywhere(text []byte) bool {
	if h.whole == nil {
		h.whole = wholeHeader(h.raw)
	}
	return bytes.Contains(h.whole, text)
}

// wholeHeader returns a header as it compares, with a field on each line.
func wholeHeader(raw []byte) []byte {
	b := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		var line []byte
		line, raw = cutField(raw)
		b = append(comparable(b, line), '\n')
	}
	return b
}

// sent returns the date of the Date field as it stands there, as a number that grows with it.
func (h *header) sent() (day int, ok bool) {
	h.field("date", func(value []byte) bool {
		t, valid := digest.SentDate(string(value)) // line ends are blanks to it
		day, ok = dayOf(t), valid
		return true
	})
	return day, ok
}
