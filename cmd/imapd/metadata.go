package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"goqmail/lib/imap"
)

// wanted is which annotations a GETMETADATA asks for.
type wanted struct {
	entries []string // their names, in which * and % may stand for others
	maxSize int      // of their values; negative: any
	depth   int      // how many levels below the entries as well; negative: all
}

// getMetadata is GETMETADATA (RFC 5464 section 4.2). Its options may follow the mailbox,
// as in the examples there; that an entry may be a pattern is Cyrus's.
func (c *conn) getMetadata() error {
	w := wanted{maxSize: -1}
	c.r.Space()
	if c.r.Peek() == '(' {
		c.metadataOptions(&w, c.words())
		c.r.Space()
	}
	name := c.mailbox()
	c.r.Space()
	words := c.words()
	if c.r.Accept(' ') {
		c.metadataOptions(&w, words)
		words = c.words()
	}
	for _, word := range words {
		w.entries = append(w.entries, c.metadataName(word, true))
	}
	if err := c.args(); err != nil {
		return err
	}
	e, err := c.annotated(name)
	if err != nil {
		return err
	}
	all, err := c.annotations(e)
	if err != nil {
		return err
	}
	found, longest := w.choose(all)
	if len(found) > 0 {
		b := []byte(`* METADATA ""`)
		if e.Name != "" {
			b = []byte("* METADATA " + c.named(e.Name))
		}
		open := " ("
		for _, a := range found {
			b = appendValue(append(b, open+a.name+" "...), a.value)
			open = " "
		}
		c.line(string(append(b, ')')))
	}
	if longest > 0 {
		return ok(fmt.Sprintf("METADATA LONGENTRIES %d", longest), "Completed")
	}
	return nil
}

// words reads a string, or a list of some.
func (c *conn) words() (words []string) {
	if c.r.Peek() != '(' {
		return []string{c.r.Pattern()}
	}
	c.r.List(func() { words = append(words, c.r.Pattern()) })
	if len(words) == 0 {
		c.r.Fail(imap.Syntax("Missing required argument"))
	}
	return words
}

func (c *conn) metadataOptions(w *wanted, words []string) {
	for len(words) > 1 {
		n, err := strconv.Atoi(words[1])
		switch option := strings.ToUpper(words[0]); {
		case option == "MAXSIZE" && err == nil && n >= 0:
			w.maxSize = n
		case option == "DEPTH" && (words[1] == "0" || words[1] == "1"):
			w.depth = n
		case option == "DEPTH" && strings.EqualFold(words[1], "infinity"):
			w.depth = -1
		default:
			c.r.Fail(imap.Syntax("Invalid GetMetadata option"))
		}
		words = words[2:]
	}
	if len(words) > 0 {
		c.r.Fail(imap.Syntax("Invalid GetMetadata option"))
	}
}

// metadataName checks the name of an entry, which may be a pattern if it is to be found
// and not set.
func (c *conn) metadataName(name string, found bool) string {
	name = strings.ToLower(name)
	inScope := strings.HasPrefix(name, shared+"/") || strings.HasPrefix(name, private+"/") || found && (name == shared || name == private)
	if !inScope || !validEntry(name) || !found && strings.ContainsAny(name, "*%") {
		c.r.Fail(imap.Syntax("Invalid annotation entry"))
	}
	return name
}

// validEntry tells whether a name may be that of an entry.
func validEntry(name string) bool {
	if len(name) > maxPattern || !strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || strings.Contains(name, "//") {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r >= 0x7f })
}

// choose returns the annotations that are wanted, and the length of the longest that
// is too long. An entry without a value is told of if it was asked for by its name.
func (w wanted) choose(all []annotation) (found []annotation, longest int) {
	for _, entry := range w.entries {
		there := strings.ContainsAny(entry, "*%") || w.depth != 0
		for _, a := range all {
			below, isBelow := strings.CutPrefix(a.name, entry+"/")
			levels := strings.Count(below, "/") + 1
			switch {
			case isBelow && (w.depth < 0 || levels <= w.depth), (pattern{entry, '/'}).match(a.name):
				there = true
			default:
				continue
			}
			if w.maxSize >= 0 && len(a.value) > w.maxSize {
				longest = max(longest, len(a.value))
			} else {
				found = append(found, a)
			}
		}
		if !there {
			found = append(found, annotation{name: entry})
		}
	}
	return found, longest
}

// appendValue appends a value: NIL if there is none, and a literal of RFC 3516 if it
// needs one.
func appendValue(b, value []byte) []byte {
	switch {
	case value == nil:
		return append(b, "NIL"...)
	case bytes.IndexByte(value, 0) >= 0:
		return append(fmt.Appendf(b, "~{%d}\r\n", len(value)), value...)
	}
	return imap.AppendString(b, string(value))
}

// setMetadata is SETMETADATA (section 4.3).
func (c *conn) setMetadata() error {
	c.r.Space()
	name := c.mailbox()
	c.r.Space()
	var all []annotation
	c.r.List(func() {
		a := annotation{name: c.metadataName(c.r.Astring(), false)}
		c.r.Space()
		if value, some := c.r.Nstring(); some {
			a.value = []byte(value)
		}
		all = append(all, a)
	})
	if len(all) == 0 {
		c.r.Fail(imap.Syntax("Missing required argument"))
	}
	if err := c.args(); err != nil {
		return err
	}
	e, err := c.annotated(name)
	if err != nil {
		return err
	}
	return c.annotate(e, all)
}
