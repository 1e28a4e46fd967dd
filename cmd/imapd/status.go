package main

import (
	"fmt"
	"strings"

	"goqmail/lib/acl"
	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// status is STATUS (RFC 9051 section 6.3.11).
func (c *conn) status() error {
	c.r.Space()
	name := c.mailbox()
	c.r.Space()
	items := c.statusItems()
	if err := c.args(); err != nil {
		return err
	}
	e, rights, err := c.entry(name)
	if err != nil {
		return err
	}
	if !rights.Has(acl.Read) {
		return errDenied
	}
	st, err := c.srv.store.Status(e.Name)
	if err != nil {
		return err
	}
	return c.tellStatus(e, st, items)
}

// errDenied is for what a user may not do with a mailbox that he may know of.
var errDenied = no("NOPERM", "Permission denied")

// statusItems reads a list of what is to be told of a mailbox.
func (c *conn) statusItems() (items []string) {
	c.r.List(func() {
		item := c.r.Keyword()
		switch item {
		case "MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "DELETED-STORAGE", "SIZE", "HIGHESTMODSEQ", "MAILBOXID", "APPENDLIMIT":
			items = append(items, item)
		default:
			c.r.Fail(imap.Syntax("Invalid Status attributes"))
		}
	})
	if len(items) == 0 {
		c.r.Fail(imap.Syntax("Invalid Status attributes"))
	}
	return items
}

// tellStatus tells of a mailbox.
func (c *conn) tellStatus(e mailstore.Entry, st mailstore.Status, items []string) error {
	var values []string
	for _, item := range items {
		value := ""
		switch item {
		case "MESSAGES":
			value = fmt.Sprint(st.Messages)
		case "RECENT":
			value = fmt.Sprint(st.Recent)
		case "UIDNEXT":
			value = fmt.Sprint(st.UIDNext)
		case "UIDVALIDITY":
			value = fmt.Sprint(st.UIDValidity)
		case "UNSEEN":
			n, err := c.unseen(e, st)
			if err != nil {
				return err
			}
			value = fmt.Sprint(n)
		case "DELETED":
			value = fmt.Sprint(st.Deleted)
		case "DELETED-STORAGE":
			bytes, err := c.deletedBytes(e, st)
			if err != nil {
				return err
			}
			value = fmt.Sprint((bytes + 1023) / 1024)
		case "SIZE":
			value = fmt.Sprint(st.Bytes)
		case "HIGHESTMODSEQ":
			c.condstore = true // RFC 7162 section 3.1
			value = fmt.Sprint(st.ModSeq)
		case "MAILBOXID":
			value = "(" + e.ID + ")"
		case "APPENDLIMIT":
			value = fmt.Sprint(c.srv.maxMessage())
		}
		values = append(values, item+" "+value)
	}
	c.line("* STATUS " + c.named(e.Name) + " (" + strings.Join(values, " ") + ")")
	return nil
}

// unseen counts the messages that the user has not seen. The store knows it of the
// owner.
func (c *conn) unseen(e mailstore.Entry, st mailstore.Status) (n int, err error) {
	if c.owns(e.Name) {
		return st.Unseen, nil
	}
	box, err := c.srv.store.OpenMailbox(e.Name)
	if err != nil {
		return 0, err
	}
	defer box.Close()
	view, err := (&selection{box: box, seenBy: c.user}).look()
	if err != nil {
		return 0, err
	}
	for _, m := range view.All() {
		if m.Flags&mailstore.Seen == 0 {
			n++
		}
	}
	return n, nil
}

// deletedBytes adds up what expunging a mailbox would free.
func (c *conn) deletedBytes(e mailstore.Entry, st mailstore.Status) (bytes int64, err error) {
	if st.Deleted == 0 {
		return 0, nil
	}
	box, err := c.srv.store.OpenMailbox(e.Name)
	if err != nil {
		return 0, err
	}
	defer box.Close()
	view, err := box.View()
	if err != nil {
		return 0, err
	}
	for _, m := range view.All() {
		if m.Flags&mailstore.Deleted != 0 {
			bytes += int64(m.Size)
		}
	}
	return bytes, nil
}
