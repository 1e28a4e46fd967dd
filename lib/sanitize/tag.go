package sanitize

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// tag is the start or end of an element as it is written.
type tag struct {
	raw        []byte
	name       string
	attributes []attribute
	edits      []tagEdit
}

type attribute struct {
	name, value        string // in lower case; without entities
	from               int    // of the name in raw
	valueFrom, valueTo int
}

type tagEdit struct {
	from, to int
	with     string
}

// readTag reads a tag as HTML has it (13.2.5.32 to 13.2.5.40 of its standard).
func readTag(raw []byte) *tag {
	t := &tag{raw: raw}
	i := 1
	if i < len(raw) && raw[i] == '/' {
		i++
	}
	start := i
	for i < len(raw) && !isBlank(raw[i]) && raw[i] != '/' && raw[i] != '>' {
		i++
	}
	t.name = strings.ToLower(string(raw[start:i]))
	for {
		for i < len(raw) && (isBlank(raw[i]) || raw[i] == '/') {
			i++
		}
		if i >= len(raw) || raw[i] == '>' {
			return t
		}
		a := attribute{from: i}
		for i < len(raw) && !isBlank(raw[i]) && raw[i] != '/' && raw[i] != '>' && (raw[i] != '=' || i == a.from) {
			i++
		}
		a.name = strings.ToLower(string(raw[a.from:i]))
		a.valueFrom, a.valueTo = i, i
		for i < len(raw) && isBlank(raw[i]) {
			i++
		}
		if i < len(raw) && raw[i] == '=' {
			for i++; i < len(raw) && isBlank(raw[i]); i++ {
			}
			if i < len(raw) && (raw[i] == '"' || raw[i] == '\'') {
				end := bytes.IndexByte(raw[i+1:], raw[i])
				if end < 0 {
					end = len(raw) - i - 1
				}
				a.valueFrom, a.valueTo = i+1, i+1+end
				i = min(a.valueTo+1, len(raw))
			} else {
				a.valueFrom = i
				for i < len(raw) && !isBlank(raw[i]) && raw[i] != '>' {
					i++
				}
				a.valueTo = i
			}
			a.value = html.UnescapeString(string(raw[a.valueFrom:a.valueTo]))
		}
		t.attributes = append(t.attributes, a)
	}
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' || b == '\f' }

// get is the value of an attribute.
func (t *tag) get(name string) string {
	for _, a := range t.attributes {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

func (t *tag) insert(at int, text string) { t.edits = append(t.edits, tagEdit{at, at, text}) }

// apply gives the tag with its edits.
func (t *tag) apply() []byte {
	if len(t.edits) == 0 {
		return t.raw
	}
	slices.SortStableFunc(t.edits, func(a, b tagEdit) int { return a.from - b.from })
	var out []byte
	at := 0
	for _, e := range t.edits {
		out = append(append(out, t.raw[at:e.from]...), e.with...)
		at = e.to
	}
	return append(out, t.raw[at:]...)
}
