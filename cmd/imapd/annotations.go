package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"goqmail/lib/acl"
	"goqmail/lib/mailstore"
)

// What annotations may take.
const (
	maxAnnotation  = 64 << 10 // bytes of a value
	maxAnnotations = 200      // of a mailbox or the server, shared ones and a user's
)

// annotation is an annotation as RFC 5464 names it: /shared/comment, or /private/comment
// for one that is the user's.
type annotation struct {
	name  string // in small letters
	value []byte // nil for one that is to be removed
}

const (
	shared  = "/shared"
	private = "/private"
	vendor  = "/vendor/cmu/cyrus-imapd/" // where Cyrus has its own
)

// annotated finds what a command annotates: a mailbox, or the server, whose name is empty.
func (c *conn) annotated(name string) (e mailstore.Entry, err error) {
	if name == "" {
		return e, nil
	}
	e, rights, err := c.entry(name)
	if err == nil && !c.admin && !rights.Has(acl.Read) {
		err = errDenied
	}
	return e, err
}

// annotations returns all annotations of a mailbox or of the server, by name.
func (c *conn) annotations(e mailstore.Entry) (all []annotation, err error) {
	stored, err := c.srv.store.Annotations(e.Name, c.user)
	if err != nil {
		return nil, err
	}
	for _, a := range stored {
		scope := shared
		if a.User != "" {
			scope = private
		}
		all = append(all, annotation{scope + a.Entry, append([]byte{}, a.Value...)})
	}
	if e.Name != "" {
		st, err := c.srv.store.Status(e.Name)
		if err != nil {
			return nil, err
		}
		add := func(name, value string) { all = append(all, annotation{name, []byte(value)}) }
		add(shared+vendor+"partition", e.Partition)
		add(shared+vendor+"size", fmt.Sprint(st.Bytes))
		add(shared+vendor+"uniqueid", e.ID)
		if e.Use != "" {
			add(private+"/specialuse", e.Use)
		}
	}
	slices.SortFunc(all, func(a, b annotation) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// tellMOTD shows a user who has logged in what the administrator has for all to read, by
// cyradm's setinfo motd.
func (c *conn) tellMOTD() error {
	all, err := c.srv.store.Annotations("", "")
	for _, a := range all {
		if a.Entry == "/motd" {
			c.line("* OK [ALERT] " + strings.Map(printing, string(a.Value)))
		}
	}
	return err
}

// printing makes spaces of what is not to be in a line.
func printing(r rune) rune {
	if r < ' ' || r == 0x7f || r == utf8.RuneError {
		return ' '
	}
	return r
}

// annotate sets annotations of a mailbox or of the server.
func (c *conn) annotate(e mailstore.Entry, all []annotation) error {
	var changes []mailstore.Annotation
	var use *string
	for _, a := range all {
		if err := c.settable(e, a); err != nil {
			return err
		}
		if a.name == private+"/specialuse" {
			text, err := uses(strings.Fields(string(a.value)))
			if err != nil {
				return err
			}
			use = &text
			continue
		}
		change := mailstore.Annotation{Value: a.value}
		if name, found := strings.CutPrefix(a.name, private); found {
			change.Entry, change.User = name, c.user
		} else {
			change.Entry = strings.TrimPrefix(a.name, shared)
		}
		changes = append(changes, change)
	}
	if err := c.roomForAnnotations(e, changes); err != nil {
		return err
	}
	if use != nil {
		err := c.srv.store.Edit(e.Name, func(e *mailstore.Entry) error {
			e.Use = *use
			return nil
		})
		if err != nil {
			return err
		}
	}
	return c.srv.store.Annotate(e.Name, changes...)
}

// roomForAnnotations checks that there are not too many after some changes.
func (c *conn) roomForAnnotations(e mailstore.Entry, changes []mailstore.Annotation) error {
	stored, err := c.srv.store.Annotations(e.Name, c.user)
	n := len(stored)
	for _, change := range changes {
		if change.Value != nil && !slices.ContainsFunc(stored, func(a mailstore.Annotation) bool { return a.Entry == change.Entry && a.User == change.User }) {
			n++
		}
	}
	if err == nil && n > maxAnnotations && n > len(stored) {
		err = no("METADATA TOOMANY", "Too many annotations")
	}
	return err
}

// settable tells why an annotation cannot be set. Those of Cyrus that would do nothing
// here are refused.
func (c *conn) settable(e mailstore.Entry, a annotation) error {
	var rights acl.Rights
	if e.Name != "" {
		rights = c.rights(e)
	}
	own := strings.HasPrefix(a.name, private) && a.name != private+"/specialuse"
	special, ofCyrus := strings.CutPrefix(strings.TrimPrefix(strings.TrimPrefix(a.name, shared), private), vendor)
	switch {
	case !own && !c.admin && !rights.Has(acl.Write):
		return errDenied
	case len(a.value) > maxAnnotation:
		return no(fmt.Sprintf("METADATA MAXSIZE %d", maxAnnotation), "Annotation is too long")
	case ofCyrus && (special != "expire" || own), a.name == private+"/specialuse" && e.Name == "", a.name == shared+"/specialuse":
		return no("CANNOT", "Annotation is not supported")
	case ofCyrus && strings.Trim(string(a.value), "0123456789") != "":
		return no("CANNOT", "Invalid annotation value")
	}
	return nil
}
