package main

import (
	"slices"
	"strings"

	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/acl"
	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// selection is the mailbox that a client has selected.
type selection struct {
	box      *mailstore.Mailbox
	view     *mailstore.View // what the client knows
	readOnly bool
	rights   acl.Rights
	recent   uint32        // messages with higher UIDs are recent in this session
	keywords []string      // that the client was told of
	saved    goimap.UIDSet // $, the result of a SEARCH
	watch    *mailstore.Watcher
}

func (s *selection) close() {
	if s.watch != nil {
		s.watch.Stop()
	}
	s.box.Close()
}

// selectMailbox is SELECT (RFC 9051 section 6.3.2).
func (c *conn) selectMailbox() error { return c.choose(false) }

// examine is EXAMINE (section 6.3.3).
func (c *conn) examine() error { return c.choose(true) }

func (c *conn) choose(readOnly bool) error {
	c.r.Space()
	name := c.mailbox()
	if err := c.args(); err != nil {
		return err
	}
	c.leave() // also if there is no such mailbox
	e, rights, err := c.entry(name)
	if err != nil {
		return err
	}
	if !rights.Has(acl.Read) {
		return no("NOPERM", "Permission denied")
	}
	box, err := c.srv.store.OpenMailbox(e.Name)
	if err != nil {
		return err
	}
	s := &selection{box: box, rights: rights, readOnly: readOnly || rights&(acl.Seen|acl.Write|acl.Insert|acl.DeleteMessages|acl.Expunge) == 0}
	if s.readOnly {
		s.view, err = box.View()
	} else if s.recent, err = box.ClaimRecent(); err == nil {
		s.view, err = box.View()
	}
	if err != nil {
		s.close()
		return err
	}
	if s.readOnly {
		s.recent = s.view.Recent
	}
	c.sel = s
	c.announce(e)
	if s.readOnly {
		return ok("READ-ONLY", "Completed")
	}
	return ok("READ-WRITE", "Completed")
}

// announce tells what the selected mailbox is like.
func (c *conn) announce(e mailstore.Entry) {
	s := c.sel
	v := s.view
	c.printf("* %d EXISTS", v.Len())
	if !c.rev2 {
		c.printf("* %d RECENT", v.Len()-v.Seek(s.recent+1)+1)
	}
	c.flagLists()
	if !c.rev2 {
		for seq, m := range v.All() {
			if m.Flags&mailstore.Seen == 0 {
				c.printf("* OK [UNSEEN %d] Ok", seq)
				break
			}
		}
	}
	c.printf("* OK [UIDVALIDITY %d] Ok", v.UIDValidity)
	c.printf("* OK [UIDNEXT %d] Ok", v.UIDNext)
	c.printf("* OK [HIGHESTMODSEQ %d] Ok", v.ModSeq)
	c.printf("* OK [MAILBOXID (%s)] Ok", e.ID)
	if c.rev2 {
		c.printf(`* LIST () "%c" %s`, c.space.Separator, imap.AppendAstring(nil, c.space.External(e.Name)))
	}
}

// flagLists tells which flags there are and which the client can change.
func (c *conn) flagLists() {
	c.sel.keywords = c.sel.view.Keywords
	flags := append([]string{`\Answered`, `\Flagged`, `\Draft`, `\Deleted`, `\Seen`}, c.sel.view.Keywords...)
	c.line("* FLAGS (" + strings.Join(flags, " ") + ")")
	if !c.sel.readOnly && len(c.sel.view.Keywords) < mailstore.MaxKeywords {
		flags = append(flags, `\*`)
	}
	if c.sel.readOnly {
		flags = nil
	}
	c.line("* OK [PERMANENTFLAGS (" + strings.Join(flags, " ") + ")] Ok")
}

// closeMailbox is CLOSE (section 6.4.1).
func (c *conn) closeMailbox() error {
	if err := c.args(); err != nil {
		return err
	}
	var err error
	if !c.sel.readOnly && c.sel.rights.Has(acl.Expunge) {
		_, err = c.sel.box.Expunge(nil)
	}
	c.leave()
	return err
}

// unselect is UNSELECT (section 6.4.2).
func (c *conn) unselect() error {
	if err := c.args(); err != nil {
		return err
	}
	c.leave()
	return nil
}

// sync tells the client what has happened in the selected mailbox; of messages that
// went only if it may hear of that now.
func (c *conn) sync(expunges bool) error {
	s := c.sel
	now, err := s.box.View()
	if err == mailstore.ErrNoMailbox {
		c.line("* BYE The selected mailbox was deleted")
		return errBye
	}
	if err != nil || now == s.view {
		return err
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
		c.printf("* %d EXISTS", now.Len())
		if !c.rev2 {
			c.printf("* %d RECENT", now.Len()-now.Seek(s.recent+1)+1)
		}
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
	if len(c.sel.keywords) < len(c.sel.view.Keywords) {
		c.flagLists()
	}
}

// tellFlags tells the flags of a message, with its modification sequence if the client
// wants those.
func (c *conn) tellFlags(seq int, m *mailstore.Message) {
	uid, modseq := "", ""
	if c.uid() || c.qresync {
		uid = "UID " + utoa(uint64(m.UID)) + " "
	}
	if c.condstore {
		modseq = " MODSEQ (" + utoa(uint64(m.ModSeq)) + ")"
	}
	c.printf("* %d FETCH (%sFLAGS (%s)%s)", seq, uid, strings.Join(c.flags(m), " "), modseq)
}

// knows makes the client's view one in which some messages are as they are now.
func (s *selection) knows(now *mailstore.View, changed []mailstore.Message) {
	s.view = s.view.With(changed, now.Keywords)
}

// flags returns the names of a message's flags, as this client is to see them.
func (c *conn) flags(m *mailstore.Message) []string {
	names := m.Flags.Names(c.sel.view.Keywords)
	if m.UID > c.sel.recent && !c.rev2 {
		names = append([]string{`\Recent`}, names...)
	}
	return names
}
