package main

import (
	"errors"
	"slices"
	"strings"

	"goqmail/lib/acl"
	"goqmail/lib/mailstore"
)

// sync tells the client what has happened in the selected mailbox; of messages that
// went only if it may hear of that now.
func (c *conn) sync(expunges bool) error {
	s := c.sel
	now, err := s.look()
	if err == nil && now != s.view && s.seenBy != "" {
		err = c.renewRights()
	}
	if errors.Is(err, mailstore.ErrNoMailbox) {
		c.line("* BYE The selected mailbox is no longer there")
		return errBye
	}
	if err != nil {
		c.srv.log("%s of %s: %v", c.command, c.user, err)
		c.line("* BYE System I/O error")
		return errBye
	}
	if now == s.view {
		return nil
	}
	if !expunges {
		now = now.Keeping(s.view)
	}
	gone, changed, came := now.Since(s.view)
	c.expunged(gone)
	s.view = now
	c.newKeywords()
	for _, seq := range changed {
		c.tellFlags(seq, now.At(seq))
	}
	if came > 0 {
		s.claim()
		c.printf("* %d EXISTS", now.Len())
		if !c.rev2 {
			c.printf("* %d RECENT", s.countRecent())
		}
	}
	return nil
}

// renewRights looks whether a user who does not own the mailbox may still read it. It
// may have another name by now; then it is there no more for him.
func (c *conn) renewRights() error {
	e, err := c.srv.store.Lookup(c.sel.box.Name())
	if err != nil {
		return err
	}
	if c.sel.rights = c.rights(e); !c.sel.rights.Has(acl.Read) {
		return mailstore.ErrNoMailbox
	}
	return nil
}

// expunged tells of messages that went, by their numbers in the view that the client has.
func (c *conn) expunged(gone []int) {
	if len(gone) == 0 {
		return
	}
	if c.qresync {
		var uids []uint32
		for _, seq := range gone {
			uids = append(uids, c.sel.view.At(seq).UID)
		}
		c.line("* VANISHED " + compact(uids))
		return
	}
	for _, seq := range slices.Backward(gone) {
		c.printf("* %d EXPUNGE", seq)
	}
}

// newKeywords tells which flags there are if the client does not know all of them.
func (c *conn) newKeywords() {
	if c.sel.keywords < len(c.sel.view.Keywords) {
		c.flagLists()
	}
}

// tellFlags tells the flags of a message, with its modification sequence if the client
// wants those.
func (c *conn) tellFlags(seq int, m *mailstore.Message) {
	modseq := ""
	if c.condstore {
		modseq = " MODSEQ (" + utoa(uint64(m.ModSeq)) + ")"
	}
	c.printf("* %d FETCH (%sFLAGS (%s)%s)", seq, c.uidItem(m), strings.Join(c.flags(m), " "), modseq)
}

// tellModSeq tells the modification sequence of a message of which the client knows the
// flags.
func (c *conn) tellModSeq(seq int, m *mailstore.Message) {
	c.printf("* %d FETCH (%sMODSEQ (%d))", seq, c.uidItem(m), m.ModSeq)
}

// uidItem is the UID of a message for clients that are to be told it unasked.
func (c *conn) uidItem(m *mailstore.Message) string {
	if c.uid() || c.qresync {
		return "UID " + utoa(uint64(m.UID)) + " "
	}
	return ""
}

// knows makes the client's view one in which some messages are as they are now.
func (s *selection) knows(now *mailstore.View, changed []mailstore.Message) {
	s.view = s.view.With(changed, now.Keywords)
}

// flags returns the names of a message's flags, as this client is to see them.
func (c *conn) flags(m *mailstore.Message) []string {
	names := m.Flags.Names(c.sel.view.Keywords)
	if !c.rev2 && c.sel.isRecent(m.UID) {
		names = append([]string{`\Recent`}, names...)
	}
	return names
}
