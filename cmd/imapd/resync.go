package main

import (
	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/imap"
)

// resync is what a client that comes back knows of a mailbox (RFC 7162 section 3.2.5).
type resync struct {
	uidValidity uint32
	modSeq      int64
	uids        goimap.UIDSet // nil: all up to now
}

// selectParameters reads the parameters of SELECT.
func (c *conn) selectParameters() (known *resync) {
	c.r.List(func() {
		switch c.r.Keyword() {
		case "CONDSTORE":
			c.condstore = true
		case "QRESYNC":
			if !c.qresync {
				c.r.Fail(imap.Syntax("QRESYNC is not enabled"))
			}
			c.r.Space()
			known = c.resync()
		default:
			c.r.Fail(imap.Syntax("Invalid Select modifier"))
		}
	})
	return known
}

func (c *conn) resync() *resync {
	var k resync
	c.r.Expect('(')
	k.uidValidity = c.r.Number()
	c.r.Space()
	k.modSeq = int64(c.r.Number64())
	if c.r.Accept(' ') && c.r.Peek() != '(' {
		k.uids = c.uidSet(c.r.SeqSet())
		if !c.r.Accept(' ') {
			c.r.Expect(')')
			return &k
		}
	}
	// The pairs of sequence numbers and UIDs spare servers that forget what was expunged.
	if c.r.Accept('(') {
		c.r.SeqSet()
		c.r.Space()
		c.r.SeqSet()
		c.r.Expect(')')
	}
	c.r.Expect(')')
	return &k
}

// catchUp tells what has happened since the client was here.
func (c *conn) catchUp(k *resync) error {
	v := c.sel.view
	if k.uidValidity != v.UIDValidity {
		return nil
	}
	uids := k.uids
	if uids == nil {
		uids = goimap.UIDSet{{Start: 1, Stop: 1<<32 - 1}}
	}
	if err := c.vanished(uids, k.modSeq); err != nil {
		return err
	}
	for seq, m := range v.All() {
		if m.ModSeq > k.modSeq && uids.Contains(goimap.UID(m.UID)) {
			c.tellFlags(seq, m)
		}
	}
	return nil
}

// vanished tells which of some UIDs were expunged after a modification sequence
// (section 3.2.6).
func (c *conn) vanished(uids goimap.UIDSet, since int64) error {
	gone, err := c.sel.box.Vanished(since)
	if err != nil {
		return err
	}
	var asked []uint32
	for _, uid := range gone {
		if uids.Contains(goimap.UID(uid)) {
			asked = append(asked, uid)
		}
	}
	if len(asked) > 0 {
		c.line("* VANISHED (EARLIER) " + compact(asked))
	}
	return nil
}
