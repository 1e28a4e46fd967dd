package main

import (
	goimap "github.com/emersion/go-imap/v2"
)

// vanished tells which of the UIDs in a set were expunged after a modification sequence
// (RFC 7162 section 3.2.6).
func (c *conn) vanished(set goimap.SeqSet, since int64) error {
	gone, err := c.sel.box.Vanished(since)
	if err != nil {
		return err
	}
	var asked []uint32
	for _, uid := range gone {
		for _, r := range set {
			if first, last := c.bounds(r); first <= uid && uid <= last {
				asked = append(asked, uid)
				break
			}
		}
	}
	if len(asked) > 0 {
		c.line("* VANISHED (EARLIER) " + compact(asked))
	}
	return nil
}
