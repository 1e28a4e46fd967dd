package main

import (
	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/acl"
	"goqmail/lib/mailstore"
)

// copyMessages is COPY and UID COPY (RFC 9051 section 6.4.7).
func (c *conn) copyMessages() error {
	t, err := c.transfer()
	if t == nil || err != nil {
		return err
	}
	defer t.to.Close()
	from, made, err := c.sel.box.Copy(t.uids, t.to, t.flags)
	if err != nil {
		return err
	}
	code, err := t.done(from, made)
	if err != nil {
		return err
	}
	return ok(code, "Completed")
}

// moveMessages is MOVE and UID MOVE (section 6.4.8).
func (c *conn) moveMessages() error {
	t, err := c.transfer()
	if t == nil || err != nil {
		return err
	}
	defer t.to.Close()
	switch {
	case c.sel.readOnly:
		return no("", "Mailbox is read-only")
	case !c.sel.rights.Has(acl.DeleteMessages | acl.Expunge):
		return no("NOPERM", "Permission denied")
	}
	from, made, err := c.sel.box.Move(t.uids, t.to, t.flags)
	if err != nil {
		return err
	}
	code, err := t.done(from, made)
	if err != nil {
		return err
	}
	if code != "" { // before the messages go
		c.line("* OK [" + code + "] Ok")
	}
	return c.gone(from)
}

// transfer is what COPY and MOVE have to do. It is nil if there is nothing to do.
type transfer struct {
	c      *conn
	uids   goimap.UIDSet
	to     *mailstore.Mailbox
	rights acl.Rights // in it
	owns   bool
}

// transfer reads the arguments of COPY and MOVE.
func (c *conn) transfer() (*transfer, error) {
	c.r.Space()
	set := c.set()
	c.r.Space()
	name := c.mailbox()
	if err := c.args(); err != nil {
		return nil, err
	}
	ranges, err := c.ranges(set)
	if err != nil {
		return nil, err
	}
	e, rights, err := c.target(name)
	if err != nil || len(ranges) == 0 {
		return nil, err
	}
	room, err := c.room(e.Name)
	if err != nil {
		return nil, err
	}
	if room >= 0 {
		for _, r := range ranges {
			for _, m := range c.sel.view.Range(r[0], r[1]) {
				room -= int64(m.Size)
			}
		}
		if room < 0 {
			return nil, errOverQuota
		}
	}
	to, err := c.srv.store.OpenMailbox(e.Name)
	if err != nil {
		return nil, err
	}
	return &transfer{c: c, uids: c.uids(ranges), to: to, rights: rights, owns: c.owns(e.Name)}, nil
}

// flags returns the flags that the copy of a message has: those that the user may give it
// there, and \Seen only if that is his.
func (t *transfer) flags(m *mailstore.Message) mailstore.Flags {
	flags := m.Flags &^ mailstore.Seen
	if t.owns && t.c.seen(m.UID) {
		flags |= mailstore.Seen
	}
	return flags & flagsWithin(t.rights)
}

// seen tells whether the client has a message as seen.
func (c *conn) seen(uid uint32) bool {
	seq := c.sel.view.Seq(uid)
	return seq > 0 && c.sel.view.At(seq).Flags&mailstore.Seen != 0
}

// done notes what the user has seen of the copies, and returns the response code.
func (t *transfer) done(from, made []uint32) (code string, err error) {
	if len(made) == 0 {
		return "", nil
	}
	if !t.owns && t.rights.Has(acl.Seen) {
		var seen goimap.UIDSet
		for i, uid := range made {
			if t.c.seen(from[i]) {
				seen.AddNum(goimap.UID(uid))
			}
		}
		if err := t.c.markSeen(t.to, seen); err != nil {
			return "", err
		}
	}
	if !t.rights.Has(acl.Read) {
		return "", nil
	}
	validity, err := t.to.UIDValidity()
	if err != nil {
		return "", err
	}
	return "COPYUID " + utoa(uint64(validity)) + " " + compact(from) + " " + compact(made), nil
}
