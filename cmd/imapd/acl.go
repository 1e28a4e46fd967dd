package main

import (
	"strings"

	"goqmail/lib/account"
	"goqmail/lib/acl"
	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// getACL is GETACL (RFC 4314 section 3.3).
func (c *conn) getACL() error {
	name, err := c.oneMailbox()
	if err != nil {
		return err
	}
	e, err := c.administered(name)
	if err != nil {
		return err
	}
	b := []byte("* ACL " + c.named(e.Name))
	for _, entry := range acl.ParseList(e.ACL) {
		b = imap.AppendAstring(append(b, ' '), entry.Identifier)
		b = imap.AppendAstring(append(b, ' '), entry.Rights.String())
	}
	c.line(string(b))
	return nil
}

// administered finds a mailbox whose list the user may see and change.
func (c *conn) administered(name string) (e mailstore.Entry, err error) {
	e, rights, err := c.entry(name)
	if err == nil && !rights.Has(acl.Admin) {
		err = errDenied
	}
	return e, err
}

// setACL is SETACL (section 3.1).
func (c *conn) setACL() error {
	c.r.Space()
	name := c.mailbox()
	c.r.Space()
	identifier := c.identifier()
	c.r.Space()
	text := c.r.Astring()
	op := ""
	if text != "" && (text[0] == '+' || text[0] == '-') {
		op, text = text[:1], text[1:]
	}
	rights, known := acl.Parse(text)
	if !known {
		c.r.Fail(imap.Syntax("Invalid rights"))
	}
	if err := c.args(); err != nil {
		return err
	}
	if group, ok := strings.CutPrefix(strings.TrimPrefix(identifier, "-"), "group:"); ok && rights != 0 && op != "-" {
		if _, err := account.Gid(group); err != nil {
			return no("CANNOT", "Invalid identifier")
		}
	}
	return c.changeACL(name, func(list acl.List) acl.List {
		old := list.Granted(identifier)
		switch op {
		case "+":
			return list.With(identifier, old|rights)
		case "-":
			return list.With(identifier, old&^rights)
		}
		return list.With(identifier, rights)
	})
}

// deleteACL is DELETEACL (section 3.2).
func (c *conn) deleteACL() error {
	c.r.Space()
	name := c.mailbox()
	c.r.Space()
	identifier := c.identifier()
	if err := c.args(); err != nil {
		return err
	}
	return c.changeACL(name, func(list acl.List) acl.List { return list.With(identifier, 0) })
}

// What a list of rights may take: whoever lists mailboxes reads it.
const (
	maxIdentifier = 255  // bytes
	maxACL        = 1000 // entries
)

// identifier reads whom rights are for.
func (c *conn) identifier() string {
	identifier := c.r.Astring()
	if strings.TrimPrefix(identifier, "-") == "" || len(identifier) > maxIdentifier || strings.ContainsFunc(identifier, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		c.r.Fail(imap.Syntax("Invalid identifier"))
	}
	return identifier
}

// changeACL changes a mailbox's list. Its owner keeps the rights that he has in any case.
func (c *conn) changeACL(name string, change func(acl.List) acl.List) error {
	e, err := c.administered(name)
	if err != nil {
		return err
	}
	return c.srv.store.Edit(e.Name, func(e *mailstore.Entry) error {
		list := change(acl.ParseList(e.ACL))
		if owner, _ := userOf(e.Name); owner != "" {
			list = list.With(owner, list.Granted(owner)|acl.Implicit)
			list = list.With("-"+owner, list.Granted("-"+owner)&^acl.Implicit)
		}
		if len(list) > maxACL {
			return no("LIMIT", "Too many identifiers")
		}
		e.ACL = list.String()
		return nil
	})
}

// listRights is LISTRIGHTS (section 3.4): what an identifier has always, and what it can
// be given.
func (c *conn) listRights() error {
	c.r.Space()
	name := c.mailbox()
	c.r.Space()
	identifier := c.identifier()
	if err := c.args(); err != nil {
		return err
	}
	e, err := c.administered(name)
	if err != nil {
		return err
	}
	owner, _ := userOf(e.Name)
	always := acl.Rights(0)
	if owner != "" && identifier == owner {
		always = acl.Implicit
	}
	b := []byte("* LISTRIGHTS " + c.named(e.Name) + " ")
	b = imap.AppendAstring(b, identifier)
	b = imap.AppendAstring(append(b, ' '), always.String())
	for _, right := range acl.All.String() {
		if !strings.ContainsRune(always.String(), right) {
			b = append(b, ' ', byte(right))
		}
	}
	c.line(string(b))
	return nil
}

// myRights is MYRIGHTS (section 3.5).
func (c *conn) myRights() error {
	name, err := c.oneMailbox()
	if err != nil {
		return err
	}
	e, rights, err := c.entry(name)
	if err != nil {
		return err
	}
	c.line("* MYRIGHTS " + c.named(e.Name) + " " + rights.String())
	return nil
}
