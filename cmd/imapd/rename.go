package main

import (
	"errors"
	"math"
	"strings"

	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/acl"
	"goqmail/lib/mailstore"
)

// rename is RENAME (RFC 9051 section 6.3.6), with a partition as Cyrus's administrators
// name it. What is below a mailbox gets new names as well, but not what is below INBOX.
func (c *conn) rename() error {
	c.r.Space()
	old := c.mailbox()
	c.r.Space()
	name := c.mailbox()
	partition := ""
	if c.r.Accept(' ') {
		partition = c.r.Astring()
	}
	if err := c.args(); err != nil {
		return err
	}
	partition, err := c.partition(partition)
	if err != nil {
		return err
	}
	from, rights, err := c.entry(old)
	if err != nil {
		return err
	}
	to, err := c.newName(name)
	if err != nil {
		return err
	}
	user, inbox := userOf(from.Name)
	newUser, newInbox := userOf(to)
	switch {
	case to == from.Name && partition == "":
		return mailstore.ErrExists
	case to == from.Name: // an administrator has it moved
		return c.renameAll(from.Name, to, partition)
	case from.Name == c.space.Inbox():
		return c.renameInbox(from, to)
	case inbox, newInbox: // an administrator may move a user
		if inbox != newInbox || !c.admin || !c.srv.settings().Bool("allowusermoves", false) {
			return errDenied
		}
	case !rights.Has(acl.DeleteMailbox):
		return errDenied
	}
	if _, err := c.newEntry(to); err != nil {
		return err
	}
	if err := c.renameAll(from.Name, to, partition); err != nil || !inbox {
		return err
	}
	return c.renameUser(user, from.Name, newUser, to)
}

// renameAll renames a mailbox and all below it.
func (c *conn) renameAll(from, to, partition string) error {
	all, err := c.srv.store.Below(from)
	if err != nil {
		return err
	}
	newName := func(e mailstore.Entry) string { return to + strings.TrimPrefix(e.Name, from) }
	for _, e := range all {
		if _, err := c.space.Internal(c.space.External(newName(e))); err != nil { // too long
			return err
		}
		if _, err := c.srv.store.Lookup(newName(e)); from != to && !errors.Is(err, mailstore.ErrNoMailbox) {
			if err == nil {
				err = mailstore.ErrExists
			}
			return err
		}
	}
	if err := c.roomFor(all, from, to); err != nil {
		return err
	}
	for _, e := range all {
		if from == to && e.Partition == partition {
			continue
		}
		if err := c.srv.store.Rename(e.Name, newName(e), partition); err != nil {
			return err
		}
		c.line("* OK rename " + c.named(e.Name) + " " + c.named(newName(e)))
	}
	return nil
}

// roomFor checks the quota that mailboxes will count towards.
func (c *conn) roomFor(all []mailstore.Entry, from, to string) error {
	old, _, err := c.srv.store.QuotaRoot(from)
	if err != nil {
		return err
	}
	q, found, err := c.srv.store.QuotaRoot(to)
	if err != nil || !found || q.Limit < 0 || q.Root == old.Root || old.Root == from {
		return err
	}
	for _, e := range all {
		st, err := c.srv.store.Status(e.Name)
		if err != nil {
			return err
		}
		q.Used += st.Bytes
	}
	if q.Used > q.Limit*1024 {
		return no("OVERQUOTA", "Over quota")
	}
	return nil
}

// renameInbox moves all messages of INBOX into a new mailbox.
func (c *conn) renameInbox(inbox mailstore.Entry, to string) error {
	e, err := c.newEntry(to)
	if err != nil {
		return err
	}
	if err := c.srv.store.Create(e); err != nil {
		return err
	}
	old, err := c.srv.store.OpenMailbox(inbox.Name)
	if err != nil {
		return err
	}
	defer old.Close()
	made, err := c.srv.store.OpenMailbox(to)
	if err != nil {
		return err
	}
	defer made.Close()
	_, _, err = old.Move(goimap.UIDSet{{Start: 1, Stop: math.MaxUint32}}, made, nil)
	return err
}

// renameUser gives a user who has got another name his rights, subscriptions and
// annotations back.
func (c *conn) renameUser(user, root, newUser, newRoot string) error {
	all, err := c.srv.store.Below(newRoot)
	if err != nil {
		return err
	}
	for _, e := range all {
		list := acl.ParseList(e.ACL)
		for i := range list {
			if list[i].Identifier == user {
				list[i].Identifier = newUser
			}
		}
		e.ACL = list.String()
		if err := c.srv.store.Set(e); err != nil {
			return err
		}
	}
	return c.srv.store.RenameUser(user, root, newUser, newRoot)
}
