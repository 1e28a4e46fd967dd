package main

import (
	"errors"
	"slices"
	"strings"

	"goqmail/lib/acl"
	"goqmail/lib/autocreate"
	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
	"goqmail/lib/mboxname"
)

// create is CREATE (RFC 9051 section 6.3.4), with special uses (RFC 6154 section 3), and
// partitions as Cyrus's administrators name them.
func (c *conn) create() error {
	c.r.Space()
	name := c.mailbox()
	var partition string
	var use []string
	if c.r.Accept(' ') {
		partition, use = c.createParameters()
	}
	if err := c.args(); err != nil {
		return err
	}
	internal, err := c.newName(name)
	if err != nil {
		return err
	}
	if internal == c.space.Inbox() {
		return c.createInbox()
	}
	e, err := c.newEntry(internal)
	if err != nil {
		return err
	}
	if partition, err = c.partition(partition); err != nil {
		return err
	}
	if partition != "" {
		e.Partition = partition
	}
	if e.Use, err = uses(use); err != nil {
		return err
	}
	if err := c.srv.store.Create(e); err != nil {
		return err
	}
	return c.created(internal)
}

// createParameters reads a partition, or a list of parameters.
func (c *conn) createParameters() (partition string, use []string) {
	if c.r.Peek() != '(' {
		return c.r.Astring(), nil
	}
	c.r.List(func() {
		switch c.r.Keyword() {
		case "USE":
			c.r.Space()
			c.r.List(func() { use = append(use, c.r.Flag()) })
		case "PARTITION":
			c.r.Space()
			partition = c.r.Astring()
		default:
			c.r.Fail(imap.Syntax("Invalid Create parameter"))
		}
	})
	return partition, use
}

// newName returns the store's name for one that a mailbox is to get. Clients may end it
// with a separator to say that there will be mailboxes below it.
func (c *conn) newName(name string) (internal string, err error) {
	name = strings.TrimSuffix(name, string(c.space.Separator))
	if _, err := mboxname.Decode(name); err != nil {
		return "", err
	}
	internal, err = c.space.Internal(name)
	if err == nil && internal == "user" { // where users' mailboxes are
		err = mboxname.ErrInvalid
	}
	return internal, err
}

// created tells of a mailbox that is new.
func (c *conn) created(internal string) error {
	e, err := c.srv.store.Lookup(internal)
	if err != nil {
		return err
	}
	return ok("MAILBOXID ("+e.ID+")", "Completed")
}

// createInbox makes the user's mailboxes, if the configuration lets him do it.
func (c *conn) createInbox() error {
	inbox := c.space.Inbox()
	if _, err := c.srv.store.Lookup(inbox); err == nil {
		return mailstore.ErrExists
	}
	err := autocreate.User(c.srv.store, c.srv.settings(), c.space)
	if errors.Is(err, mailstore.ErrNoMailbox) {
		return errDenied
	}
	if err != nil {
		return err
	}
	return c.created(inbox)
}

// autocreate makes the mailboxes of a user who logs in and has none, if autocreate_quota
// says so; with autocreatequota, as Cyrus 2.2 called it, he creates his INBOX himself.
// Without them he is logged in as well.
func (c *conn) autocreate() {
	conf := c.srv.settings()
	if c.admin || conf.Int("autocreate_quota", -1) < 0 {
		return
	}
	_, err := c.srv.store.Lookup(c.space.Inbox())
	if errors.Is(err, mailstore.ErrNoMailbox) {
		err = autocreate.User(c.srv.store, conf, c.space)
	}
	if err != nil {
		c.srv.log("unable to make mailboxes of %s: %v", c.user, err)
	}
}

// newEntry returns what a new mailbox is to be: as its parent, if it has one, and users
// have all rights on their own. The error is errDenied if the user may not make it.
func (c *conn) newEntry(name string) (e mailstore.Entry, err error) {
	parent, err := c.parent(name)
	owner, root := userOf(name)
	switch {
	case err == nil:
		if !c.admin && !c.rights(parent).Has(acl.CreateMailbox) {
			return e, errDenied
		}
		return mailstore.Entry{Name: name, ACL: parent.ACL, Partition: parent.Partition}, nil
	case !errors.Is(err, mailstore.ErrNoMailbox):
		return e, err
	case !c.admin, owner != "" && !root: // there is no such user
		return e, errDenied
	case root:
		return mailstore.Entry{Name: name, ACL: acl.List{}.With(owner, acl.All).String()}, nil
	}
	return mailstore.Entry{Name: name, ACL: defaultACL(c.srv.settings().Words("defaultacl"))}, nil
}

// parent finds the nearest mailbox above one.
func (c *conn) parent(name string) (e mailstore.Entry, err error) {
	levels := parents(name, '.')
	for _, above := range slices.Backward(levels) {
		if e, err = c.srv.store.Lookup(above); !errors.Is(err, mailstore.ErrNoMailbox) {
			return e, err
		}
	}
	return e, mailstore.ErrNoMailbox
}

// userOf returns whose a mailbox of the store is, "" for those of nobody, and whether it
// is his INBOX.
func userOf(name string) (user string, inbox bool) {
	below, found := strings.CutPrefix(name, "user.")
	if !found {
		return "", false
	}
	user, _, below2 := strings.Cut(below, ".")
	return strings.ReplaceAll(user, "^", "."), !below2
}

// defaultACL is the setting's words as a list, which those mailboxes get that belong to
// nobody.
func defaultACL(words []string) string {
	if len(words) == 0 {
		words = []string{"anyone", "lrs"}
	}
	var list acl.List
	for i := 0; i+1 < len(words); i += 2 {
		rights, _ := acl.Parse(words[i+1])
		list = list.With(words[i], rights)
	}
	return list.String()
}

// partition checks that the user may choose a partition, and that there is such a one.
func (c *conn) partition(name string) (string, error) {
	name = strings.ToLower(name)
	switch {
	case name == "":
		return "", nil
	case !c.admin:
		return "", errDenied
	case c.srv.settings().Partitions()[name] == "":
		return "", no("", "Unknown/invalid partition")
	}
	return name, nil
}

// uses writes special uses as the store keeps them. Those that are for mailboxes without
// messages of their own, as \All is, are not to be had.
func uses(names []string) (string, error) {
	var known []string
	for _, name := range names {
		i := slices.IndexFunc(specialUses, func(use string) bool { return strings.EqualFold(use, name) })
		if i < 0 {
			return "", no("USEATTR", "Special use is not supported")
		}
		known = append(known, specialUses[i])
	}
	slices.Sort(known)
	return strings.Join(slices.Compact(known), " "), nil
}

var specialUses = []string{`\Archive`, `\Drafts`, `\Important`, `\Junk`, `\Sent`, `\Trash`}
