package main

import (
	"errors"
	"slices"

	"goqmail/lib/acl"
	"goqmail/lib/mailstore"
)

// delete is DELETE (RFC 9051 section 6.3.5). What is below a mailbox stays, but with a
// user's INBOX, which only administrators delete, go all his mailboxes.
func (c *conn) delete() error {
	name, err := c.oneMailbox()
	if err != nil {
		return err
	}
	e, rights, err := c.entry(name)
	if err != nil {
		return err
	}
	owner, inbox := userOf(e.Name)
	switch {
	case e.Name == c.space.Inbox():
		return errUnsupported
	case inbox && !c.admin, !rights.Has(acl.DeleteMailbox):
		return errDenied
	case !inbox:
		if err := c.srv.store.Delete(e.Name); err != nil {
			return err
		}
		return c.lost()
	}
	all, err := c.srv.store.Below(e.Name)
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(all) { // INBOX last, so that it can be tried again
		if err := c.srv.store.Delete(e.Name); err != nil {
			return err
		}
	}
	if err := c.srv.store.RemoveUser(owner); err != nil {
		return err
	}
	return c.lost()
}

var errUnsupported = no("CANNOT", "Operation is not supported on mailbox")

// lost gives up the selected mailbox if it is no longer there, which a client that has
// deleted it itself need not be thrown out for.
func (c *conn) lost() error {
	if c.sel == nil {
		return nil
	}
	if _, err := c.sel.box.View(); errors.Is(err, mailstore.ErrNoMailbox) {
		c.leave()
		c.line("* OK [CLOSED] Ok")
	}
	return nil
}
