package main

import (
	"slices"
	"strings"

	"goqmail/lib/account"
	"goqmail/lib/acl"
	"goqmail/lib/mailstore"
	"goqmail/lib/mboxname"
)

// capability is CAPABILITY (RFC 9051 section 6.1.1).
func (c *conn) capability() error {
	if err := c.args(); err != nil {
		return err
	}
	c.line("* CAPABILITY " + strings.Join(c.capabilities(), " "))
	return nil
}

// capabilities is what the server can do, as this client may use it now. The order is
// Cyrus's where that has them.
func (c *conn) capabilities() []string {
	literals := "LITERAL+"
	if c.r.Unasked > 0 {
		literals = "LITERAL-" // a server has one of them
	}
	all := []string{
		"IMAP4rev1",
		"IMAP4rev2",
		"ACL",
		"RIGHTS=kxten",
		"QUOTA",
		"QUOTASET",
		"QUOTA=RES-STORAGE",
		literals,
		"NAMESPACE",
		"UIDPLUS",
		"ID",
		"UNSELECT",
		"CHILDREN",
		"MULTIAPPEND",
		"BINARY",
		"SORT",
		"SORT=DISPLAY",
		"ESORT",
		"THREAD=ORDEREDSUBJECT",
		"THREAD=REFERENCES",
		"ESEARCH",
		"SEARCHRES",
		"WITHIN",
		"ANNOTATEMORE",
		"METADATA",
		"LIST-EXTENDED",
		"LIST-STATUS",
		"SPECIAL-USE",
		"CREATE-SPECIAL-USE",
		"STATUS=SIZE",
		"IDLE",
		"ENABLE",
		"CONDSTORE",
		"QRESYNC",
		"MOVE",
		"OBJECTID",
		"UTF8=ACCEPT",
		"APPENDLIMIT=" + utoa(uint64(c.srv.maxMessage())),
	}
	if c.user != "" {
		if c.compressed == nil {
			all = append(all, "COMPRESS=DEFLATE")
		}
		return all
	}
	if c.srv.tls != nil && c.tls == nil {
		all = append(all, "STARTTLS")
	}
	return append(all, c.auth()...)
}

// noop is NOOP (section 6.1.2) and CHECK: what has happened is told after every command.
func (c *conn) noop() error { return c.args() }

// logout is LOGOUT (section 6.1.3).
func (c *conn) logout() error {
	if err := c.args(); err != nil {
		return err
	}
	c.line("* BYE LOGOUT received")
	c.bye = true
	return nil
}

// begin makes the client a user, unless there are too many.
func (c *conn) begin(name string) error {
	if err := c.srv.admit(c, name); err != nil {
		return err
	}
	c.user = name
	conf := c.srv.settings()
	c.admin = slices.Contains(conf.Words("admins"), name)
	c.groups = account.Members{User: name, None: !conf.Bool("unix_group_enable", true)}
	c.r.Limit = commandLimit
	c.space = mboxname.Space{
		User: name, Separator: '.', Alt: conf.Bool("altnamespace", false) && !c.admin,
		Users: conf.String("userprefix", "Other Users"), Shared: conf.String("sharedprefix", "Shared Folders"),
	}
	if conf.Bool("unixhierarchysep", false) {
		c.space.Separator = '/'
	}
	return nil
}

// commandLimit is the most bytes of a command after login: sets of numbers can be long.
const commandLimit = 1 << 20

// entry finds a mailbox by the client's name and the rights that the user has. Without
// the right to look it up it does not exist.
func (c *conn) entry(name string) (e mailstore.Entry, rights acl.Rights, err error) {
	internal, err := c.space.Internal(name)
	if err != nil {
		return e, 0, err
	}
	if e, err = c.srv.store.Lookup(internal); err != nil {
		return e, 0, err
	}
	rights = c.rights(e)
	if rights&acl.Lookup == 0 {
		err = mailstore.ErrNoMailbox
	}
	return e, rights, err
}

// rights returns what the user may do with a mailbox: what its list says, and what
// owners and admins have without it.
func (c *conn) rights(e mailstore.Entry) acl.Rights {
	rights := acl.ParseList(e.ACL).Of(c.user, c.groups.In)
	if err := c.groups.Err; err != nil { // he may be in a group from which rights were taken
		c.srv.log("groups of %s: %v", c.user, err)
		c.groups.Err, rights = nil, 0
	}
	if c.owns(e.Name) {
		rights |= acl.Implicit
	}
	if c.admin {
		rights |= acl.Lookup | acl.Admin
	}
	return rights
}

// owns tells whether a mailbox is the user's own.
func (c *conn) owns(name string) bool {
	inbox := c.space.Inbox()
	return name == inbox || strings.HasPrefix(name, inbox+".")
}
