package main

import (
	"strings"

	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// item is a data item of FETCH.
type item struct {
	name    string // as it is answered: FLAGS, BODY[1.MIME]<0>
	kind    itemKind
	section section
	peek    bool // it does not set \Seen
	partial *[2]uint64
}

type itemKind int

const (
	itemUID itemKind = iota
	itemFlags
	itemInternalDate
	itemSize
	itemModSeq
	itemEmailID
	itemThreadID
	itemEnvelope
	itemBody
	itemBodyStructure
	itemSection    // BODY[...], RFC822 and its like
	itemBinary     // BINARY[...]
	itemBinarySize // BINARY.SIZE[...]
)

// section is what stands in brackets.
type section struct {
	part   []int  // 1.2.3; empty is the message
	what   string // "", HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT or MIME
	fields []string
}

// column is what an item needs of the index, "" for none.
func (i item) column() mailstore.Column {
	switch i.kind {
	case itemEnvelope:
		return mailstore.Envelope
	case itemBody:
		return mailstore.Parts
	case itemBodyStructure:
		return mailstore.BodyStructure
	case itemEmailID:
		return mailstore.ID
	case itemSection, itemBinary, itemBinarySize:
		switch {
		case len(i.section.part) == 0 && strings.HasPrefix(i.section.what, "HEADER"):
			return mailstore.Header
		case len(i.section.part) > 0 || i.section.what != "":
			return mailstore.Parts
		}
	}
	return ""
}

// What a FETCH may ask for. No client has a use for more, and all of it may cost some
// time for each message.
const (
	maxItems  = 1000
	maxFields = 1000 // of headers, in all items
)

// fetchItems reads what a FETCH asks for: an item, a macro, or a list of items.
func (c *conn) fetchItems() (items []item) {
	if c.r.Peek() == '(' {
		fields := 0
		c.r.List(func() {
			for _, i := range c.fetchItem() {
				items = append(items, i)
				fields += len(i.section.fields)
			}
			if len(items) > maxItems || fields > maxFields {
				c.r.Fail(imap.Syntax("Too many Fetch attributes"))
			}
		})
		return items
	}
	return c.fetchItem()
}

// simpleItems are the items that are but a word.
func simpleItem(name string) (i item, ok bool) {
	kinds := map[string]itemKind{
		"UID": itemUID, "FLAGS": itemFlags, "INTERNALDATE": itemInternalDate, "RFC822.SIZE": itemSize, "MODSEQ": itemModSeq,
		"EMAILID": itemEmailID, "THREADID": itemThreadID, "ENVELOPE": itemEnvelope, "BODY": itemBody, "BODYSTRUCTURE": itemBodyStructure,
	}
	if kind, ok := kinds[name]; ok {
		return item{name: name, kind: kind, peek: true}, true
	}
	switch name {
	case "RFC822":
		return item{name: name, kind: itemSection}, true
	case "RFC822.HEADER":
		return item{name: name, kind: itemSection, section: section{what: "HEADER"}, peek: true}, true
	case "RFC822.TEXT":
		return item{name: name, kind: itemSection, section: section{what: "TEXT"}}, true
	}
	return i, false
}

// macros stand for several items (RFC 9051 section 6.4.5).
func macro(name string) []string {
	switch name {
	case "ALL":
		return []string{"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"}
	case "FAST":
		return []string{"FLAGS", "INTERNALDATE", "RFC822.SIZE"}
	case "FULL":
		return []string{"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"}
	}
	return nil
}

func (c *conn) fetchItem() (items []item) {
	word := c.r.Item()
	if c.r.Err() != nil {
		return nil
	}
	if names := macro(word); names != nil {
		for _, name := range names {
			i, _ := simpleItem(name)
			items = append(items, i)
		}
		return items
	}
	if c.r.Peek() != '[' {
		i, ok := simpleItem(word)
		if !ok {
			c.r.Fail(imap.Syntax("Invalid Fetch attribute " + word))
		}
		if i.kind == itemModSeq {
			c.condstore = true
		}
		return []item{i}
	}
	i := item{name: strings.TrimSuffix(word, ".PEEK"), peek: strings.HasSuffix(word, ".PEEK")}
	switch i.name {
	case "BODY":
		i.kind = itemSection
	case "BINARY":
		i.kind = itemBinary
	case "BINARY.SIZE":
		i.kind, i.peek = itemBinarySize, true
	default:
		c.r.Fail(imap.Syntax("Invalid Fetch attribute " + word))
		return nil
	}
	i.section = c.section(i.kind == itemSection)
	i.name += i.section.String()
	if i.kind != itemBinarySize && c.r.Accept('<') {
		start := c.r.Number64()
		c.r.Expect('.')
		length := c.r.Number64()
		if length == 0 {
			c.r.Fail(imap.Syntax("Invalid partial"))
		}
		c.r.Expect('>')
		i.partial = &[2]uint64{start, length}
		i.name += "<" + utoa(start) + ">"
	}
	return []item{i}
}

// section reads what stands in brackets; words tells that HEADER and its like may.
func (c *conn) section(words bool) (s section) {
	c.r.Expect('[')
	for c.r.Err() == nil && isDigit(c.r.Peek()) {
		n := c.r.Number()
		if n == 0 || n > 1<<20 || len(s.part) > 100 {
			c.r.Fail(imap.Syntax("Invalid body section"))
		}
		s.part = append(s.part, int(n))
		if !c.r.Accept('.') {
			c.r.Expect(']')
			return s
		}
	}
	if len(s.part) == 0 && c.r.Accept(']') {
		return s
	}
	s.what = c.r.Keyword()
	switch s.what {
	case "HEADER", "TEXT":
	case "MIME":
		words = words && len(s.part) > 0
	case "HEADER.FIELDS", "HEADER.FIELDS.NOT":
		c.r.Space()
		c.r.List(func() {
			if s.fields = append(s.fields, c.r.Astring()); len(s.fields) > maxFields {
				c.r.Fail(imap.Syntax("Too many Fetch attributes"))
			}
		})
		words = words && len(s.fields) > 0
	default:
		words = false
	}
	if !words {
		c.r.Fail(imap.Syntax("Invalid body section"))
	}
	c.r.Expect(']')
	return s
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// String is the section as it is answered, with its brackets.
func (s section) String() string {
	b := []byte{'['}
	for i, n := range s.part {
		if i > 0 {
			b = append(b, '.')
		}
		b = append(b, utoa(uint64(n))...)
	}
	if s.what != "" && len(s.part) > 0 {
		b = append(b, '.')
	}
	b = append(b, s.what...)
	if s.fields != nil {
		b = append(b, " ("...)
		for i, name := range s.fields {
			if i > 0 {
				b = append(b, ' ')
			}
			b = imap.AppendAstring(b, name)
		}
		b = append(b, ')')
	}
	return string(append(b, ']'))
}
