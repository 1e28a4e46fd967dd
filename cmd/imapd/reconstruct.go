package main

import (
	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// reconstruct is RECONSTRUCT, by which Cyrus's administrators have a mailbox made to
// agree with its files, and with RECURSIVE all below it; see reconstruct(8).
func (c *conn) reconstruct() error {
	c.r.Space()
	name := c.mailbox()
	recursive := c.r.Accept(' ')
	if recursive && c.r.Keyword() != "RECURSIVE" {
		c.r.Fail(imap.Syntax("Invalid Reconstruct argument"))
	}
	if err := c.args(); err != nil {
		return err
	}
	if !c.admin {
		return errDenied
	}
	e, _, err := c.entry(name)
	if err != nil {
		return err
	}
	all := []mailstore.Entry{e}
	if recursive {
		if all, err = c.srv.store.Below(e.Name); err != nil {
			return err
		}
	}
	for _, e := range all {
		done, err := c.srv.store.Reconstruct(e.Name, mailstore.Rebuild{})
		if err != nil {
			return err
		}
		c.srv.log("reconstructed %s: %d added, %d dropped, %d removed", e.Name, done.Added, done.Dropped, done.Removed)
	}
	return nil
}
