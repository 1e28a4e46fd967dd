package main

import (
	"slices"
	"strings"

	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/acl"
	"goqmail/lib/mailstore"
)

// selection is the mailbox that a client has selected.
type selection struct {
	box      *mailstore.Mailbox
	view     *mailstore.View // what the client knows
	readOnly bool
	rights   acl.Rights
	recent   goimap.UIDSet // in this session
	keywords int           // how many the client was told of
	saved    goimap.UIDSet // $, the result of a SEARCH
	watch    *mailstore.Watcher

	// Of a mailbox that the user does not own: whose \Seen is meant, and the mailbox
	// as it was last, for all and for him.
	seenBy   string
	all, own *mailstore.View
}

// look returns the mailbox as the user is to see it now.
func (s *selection) look() (*mailstore.View, error) {
	now, err := s.box.View()
	if err != nil || s.seenBy == "" {
		return now, err
	}
	if now != s.all {
		seen, err := s.box.Seen(s.seenBy)
		if err != nil {
			return nil, err
		}
		s.all, s.own = now, now.SeenBy(seen)
	}
	return s.own, nil
}

// selectMailbox is SELECT (RFC 9051 section 6.3.2).
func (c *conn) selectMailbox() error { return c.choose(false) }

// examine is EXAMINE (section 6.3.3).
func (c *conn) examine() error { return c.choose(true) }

func (c *conn) choose(readOnly bool) error {
	c.r.Space()
	name := c.mailbox()
	var known *resync
	if c.r.Accept(' ') {
		known = c.selectParameters()
	}
	if err := c.args(); err != nil {
		return err
	}
	if c.sel != nil { // also if there is no such mailbox
		c.leave()
		c.line("* OK [CLOSED] Ok")
	}
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
	if !c.owns(e.Name) {
		s.seenBy = c.user
	}
	if s.view, err = s.look(); err != nil {
		box.Close()
		return err
	}
	s.claim()
	c.sel = s
	c.announce(e)
	if err := c.warnOfQuota(e); err != nil {
		return err
	}
	if known != nil {
		if err := c.catchUp(known); err != nil {
			return err
		}
	}
	if s.readOnly {
		return ok("READ-ONLY", "Completed")
	}
	return ok("READ-WRITE", "Completed")
}

// claim makes the new messages recent in this session, unless they are in another.
func (s *selection) claim() {
	after := s.box.Recent(s.view)
	if !s.readOnly {
		after = s.box.ClaimRecent(s.view)
	}
	if after < s.view.UIDNext-1 {
		s.recent.AddRange(goimap.UID(after+1), goimap.UID(s.view.UIDNext-1))
	}
}

// countRecent counts the messages that are recent in this session.
func (s *selection) countRecent() (n int) {
	for _, r := range s.recent {
		n += s.view.Seek(uint32(r.Stop)+1) - s.view.Seek(uint32(r.Start))
	}
	return n
}

func (s *selection) isRecent(uid uint32) bool {
	return len(s.recent) > 0 && s.recent[0].Start <= goimap.UID(uid) && s.recent.Contains(goimap.UID(uid))
}

// announce tells what the selected mailbox is like.
func (c *conn) announce(e mailstore.Entry) {
	s := c.sel
	v := s.view
	c.printf("* %d EXISTS", v.Len())
	if !c.rev2 {
		c.printf("* %d RECENT", s.countRecent())
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
		c.printf(`* LIST () "%c" %s`, c.space.Separator, c.named(e.Name))
	}
}

// flagLists tells which flags there are and which the client can change.
func (c *conn) flagLists() {
	s := c.sel
	s.keywords = len(s.view.Keywords)
	c.line("* FLAGS (" + strings.Join(append(slices.Clone(systemFlags), s.view.Keywords...), " ") + ")")
	var flags []string
	if !s.readOnly {
		for _, name := range append(slices.Clone(systemFlags), s.view.Keywords...) {
			if s.rights.Has(flagRight(name)) {
				flags = append(flags, name)
			}
		}
		if s.rights.Has(acl.Write) && len(s.view.Keywords) < mailstore.MaxKeywords {
			flags = append(flags, `\*`)
		}
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
