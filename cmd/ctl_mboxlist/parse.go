package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"goqmail/lib/mailstore"
)

// taker is told of each mailbox in a dump, and where in it that is, or what the problem is.
type taker func(where string, e mailstore.Entry, problem string)

// parse reads a dump: lines, or since Cyrus 3.0 one JSON object.
func parse(in io.Reader, take taker) error {
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		c, err := r.ReadByte()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case c == '\n' || c == ' ' || c == '\t' || c == '\r':
			continue
		}
		r.UnreadByte()
		if c == '{' {
			return parseObject(r, take)
		}
		return parseLines(r, take)
	}
}

func parseLines(r *bufio.Reader, take taker) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		where := fmt.Sprintf("line %d", n)
		if line := strings.TrimSuffix(lines.Text(), "\r"); line != "" {
			e, problem := parseLine(line)
			take(where, e, problem)
		}
	}
	return lines.Err()
}

// parseLine reads "name TAB partition TAB acl" of 2.2, "name TAB type partition TAB acl"
// of 2.3 to 2.5, or the form between: "name TAB type partition acl>id and more".
func parseLine(line string) (e mailstore.Entry, problem string) {
	name, rest, ok := strings.Cut(line, "\t")
	if !ok {
		return e, "no partition found"
	}
	kind, after, ok := strings.Cut(rest, " ")
	if _, err := strconv.Atoi(kind); ok && err == nil {
		if kind != "0" {
			return e, name + " is not a mailbox of this server"
		}
		rest = after
	}
	end := strings.IndexAny(rest, "\t ")
	if end < 0 {
		return e, "no acl found"
	}
	e = mailstore.Entry{Name: name, Partition: rest[:end], ACL: rest[end+1:]}
	if acl, more, ok := strings.Cut(e.ACL, ">"); ok {
		e.ACL = acl
		if words := strings.Fields(more); len(words) > 0 {
			e.ID = words[0]
		}
	}
	e.ACL = whole(e.ACL)
	return e, ""
}

// whole is an ACL with the tab that ends it.
func whole(acl string) string {
	if acl != "" && !strings.HasSuffix(acl, "\t") {
		acl += "\t"
	}
	return acl
}

// object is what Cyrus 3 tells of a mailbox.
type object struct {
	Type      string          `json:"mbtype"`
	Partition string          `json:"partition"`
	ACL       json.RawMessage `json:"acl"`
	ID        string          `json:"uniqueid"`
	Use       string          `json:"legacy_specialuse"`
}

func parseObject(r io.Reader, take taker) error {
	d := json.NewDecoder(r)
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return errors.New("the dump is not an object of mailboxes")
		}
		var o object
		if err := d.Decode(&o); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		e, problem := o.entry(name)
		take(name, e, problem)
	}
	_, err := d.Token()
	return err
}

func (o object) entry(name string) (e mailstore.Entry, problem string) {
	if o.Type != "" && o.Type != "e" && o.Type != "el" { // the l is for directories named as ours are
		return e, "not a mailbox for mail: " + o.Type
	}
	if strings.HasPrefix(name, "DELETED.") {
		return e, "deleted"
	}
	e = mailstore.Entry{Name: name, Partition: o.Partition, ID: o.ID}
	if strings.HasPrefix(o.Use, `\`) {
		e.Use = o.Use
	}
	var text string
	var rights map[string]string
	switch {
	case len(o.ACL) == 0 || bytes.Equal(o.ACL, []byte("null")):
	case json.Unmarshal(o.ACL, &text) == nil:
		e.ACL = whole(text)
	case json.Unmarshal(o.ACL, &rights) == nil:
		for _, who := range slices.Sorted(maps.Keys(rights)) {
			e.ACL += who + "\t" + rights[who] + "\t"
		}
	default:
		return e, "no acl found"
	}
	return e, ""
}
