package main

import (
	"strconv"
	"strings"

	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// getAnnotation is GETANNOTATION, which Cyrus 2.2 and its cyradm had before there was
// METADATA (draft-daboo-imap-annotatemore-05): mailbox, entries and attributes may be
// patterns, and an empty mailbox is the server.
func (c *conn) getAnnotation() error {
	c.r.Space()
	name := c.r.Pattern()
	c.r.Space()
	entries := c.annotationPatterns()
	c.r.Space()
	attributes := c.annotationPatterns()
	if err := c.args(); err != nil {
		return err
	}
	return c.eachAnnotated(name, func(e mailstore.Entry) error {
		all, err := c.annotations(e)
		if err != nil {
			return err
		}
		c.tellAnnotations(e, all, entries, attributes)
		return nil
	})
}

// annotationPatterns reads the names of entries or attributes.
func (c *conn) annotationPatterns() (patterns []pattern) {
	for _, word := range c.words() {
		patterns = append(patterns, pattern{strings.ToLower(word), '/'})
	}
	return patterns
}

// eachAnnotated calls f with the mailboxes that a pattern is for.
func (c *conn) eachAnnotated(name string, f func(mailstore.Entry) error) error {
	if !strings.ContainsAny(name, "*%") {
		if name = c.encoded(name); c.r.Err() != nil {
			return c.r.Err()
		}
		e, err := c.annotated(name)
		if err != nil {
			return err
		}
		return f(e)
	}
	entries, err := c.visible()
	if err != nil {
		return err
	}
	p := newPattern("", name, c.space.Separator)
	for _, e := range entries {
		if !p.match(c.shown(c.space.External(e.Name))) {
			continue
		}
		if _, err := c.annotated(c.space.External(e.Name)); err != nil {
			continue // not for this user
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

// tellAnnotations tells of a mailbox's annotations, those of an entry in one line.
func (c *conn) tellAnnotations(e mailstore.Entry, all []annotation, entries, attributes []pattern) {
	lines := map[string][]string{}
	var order []string
	for _, a := range all {
		name, suffix := strings.TrimPrefix(a.name, shared), ".shared"
		if own, found := strings.CutPrefix(a.name, private); found {
			name, suffix = own, ".priv"
		}
		if matches, _ := matchAny(entries, name); !matches {
			continue
		}
		for _, attribute := range []struct{ name, value string }{
			{"value" + suffix, string(a.value)},
			{"size" + suffix, strconv.Itoa(len(a.value))},
			{"content-type" + suffix, "text/plain"},
		} {
			matches, _ := matchAny(attributes, attribute.name)
			if base, _, _ := strings.Cut(attribute.name, "."); !matches {
				matches, _ = matchAny(attributes, base) // value is both
			}
			if !matches {
				continue
			}
			if lines[name] == nil {
				order = append(order, name)
			}
			lines[name] = append(lines[name], `"`+attribute.name+`" `+string(imap.AppendString(nil, attribute.value)))
		}
	}
	box := `""`
	if e.Name != "" {
		box = string(imap.AppendString(nil, c.space.External(e.Name)))
	}
	for _, name := range order {
		c.line("* ANNOTATION " + box + " " + string(imap.AppendString(nil, name)) + " (" + strings.Join(lines[name], " ") + ")")
	}
}

// setAnnotation is SETANNOTATION.
func (c *conn) setAnnotation() error {
	c.r.Space()
	name := c.r.Pattern()
	c.r.Space()
	var all []annotation
	entry := func() {
		entry := strings.ToLower(c.r.Astring())
		if !validEntry(entry) || strings.ContainsAny(entry, "*%") {
			c.r.Fail(imap.Syntax("Invalid annotation entry"))
		}
		c.r.Space()
		c.r.List(func() { all = append(all, c.attribute(entry)...) })
	}
	if c.r.Peek() == '(' {
		c.r.List(entry)
	} else {
		entry()
	}
	if err := c.args(); err != nil {
		return err
	}
	return c.eachAnnotated(name, func(e mailstore.Entry) error { return c.annotate(e, all) })
}

// attribute reads one with its value. Those that are not values mean nothing here.
func (c *conn) attribute(entry string) []annotation {
	name := strings.ToLower(c.r.Astring())
	c.r.Space()
	text, some := c.r.Nstring()
	var value []byte
	if some {
		value = []byte(text)
	}
	switch name {
	case "value.shared":
		return []annotation{{shared + entry, value}}
	case "value.priv":
		return []annotation{{private + entry, value}}
	case "content-type.shared", "content-type.priv":
		return nil
	}
	c.r.Fail(imap.Syntax("Invalid annotation attribute"))
	return nil
}
