package main

import (
	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/acl"
)

// expunge is EXPUNGE (RFC 9051 section 6.4.3) and UID EXPUNGE (section 6.4.9).
func (c *conn) expunge() error {
	var set goimap.SeqSet
	if c.uid() {
		c.r.Space()
		set = c.set()
	}
	if err := c.args(); err != nil {
		return err
	}
	switch {
	case c.sel.readOnly:
		return no("", "Mailbox is read-only")
	case !c.sel.rights.Has(acl.Expunge):
		return no("NOPERM", "Permission denied")
	}
	var uids goimap.UIDSet // nil: all
	if c.uid() {
		ranges, err := c.ranges(set)
		if err != nil {
			return err
		}
		if uids = c.uids(ranges); len(uids) == 0 {
			return nil
		}
	}
	gone, err := c.sel.box.Expunge(uids)
	if err != nil {
		return err
	}
	return c.gone(gone)
}

// gone ends a command that has removed messages, with the modification sequence that
// this has if the client wants to know (RFC 7162 section 3.2.7).
func (c *conn) gone(uids []uint32) error {
	if len(uids) == 0 || !c.condstore {
		return nil
	}
	now, err := c.sel.look()
	if err != nil {
		return err
	}
	return ok("HIGHESTMODSEQ "+utoa(uint64(now.ModSeq)), "Completed")
}
