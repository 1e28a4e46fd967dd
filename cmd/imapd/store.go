package main

import (
	"strings"

	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/acl"
	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// store is STORE and UID STORE (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3).
func (c *conn) store() error {
	c.r.Space()
	set := c.set()
	c.r.Space()
	unchangedSince := int64(-1)
	if c.r.Peek() == '(' {
		c.r.List(func() {
			if c.r.Keyword() != "UNCHANGEDSINCE" {
				c.r.Fail(imap.Syntax("Invalid Store modifier"))
			}
			c.r.Space()
			unchangedSince = int64(c.r.Number64())
		})
		c.r.Space()
	}
	op := goimap.StoreFlagsSet
	switch {
	case c.r.Accept('+'):
		op = goimap.StoreFlagsAdd
	case c.r.Accept('-'):
		op = goimap.StoreFlagsDel
	}
	what, silent := strings.CutSuffix(c.r.Keyword(), ".SILENT")
	if what != "FLAGS" {
		c.r.Fail(imap.Syntax("Invalid Store attribute"))
	}
	c.r.Space()
	flags := c.flagList()
	if err := c.args(); err != nil {
		return err
	}
	if c.sel.readOnly {
		return no("", "Mailbox is read-only")
	}
	ranges, err := c.ranges(set)
	if err != nil {
		return err
	}
	if unchangedSince >= 0 {
		c.condstore = true
	}
	modified, err := c.change(ranges, op, flags, unchangedSince)
	if err != nil {
		return err
	}
	if err := c.stored(ranges, silent, unchangedSince >= 0); err != nil {
		return err
	}
	if len(modified) > 0 {
		return ok("MODIFIED "+c.numbers(modified), "Conditional STORE failed")
	}
	return nil
}

// flagList reads flags, with or without parentheses.
func (c *conn) flagList() (flags []string) {
	flag := func() {
		name := c.r.Flag()
		if strings.HasPrefix(name, `\`) && !settable(name) {
			c.r.Fail(imap.Syntax("Invalid system flag " + name))
		}
		flags = append(flags, name)
	}
	if c.r.Peek() == '(' {
		c.r.List(flag)
		return flags
	}
	for flag(); c.r.Accept(' '); flag() {
	}
	return flags
}

// settable tells whether a system flag can be set by clients; \Recent cannot.
func settable(name string) bool {
	for _, known := range []string{`\Answered`, `\Flagged`, `\Deleted`, `\Seen`, `\Draft`} {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}

// change changes flags as far as the user has the rights (RFC 4314 section 4): of a list
// that sets them, those that he may not touch stay as they are.
func (c *conn) change(ranges [][2]int, op goimap.StoreFlagsOp, flags []string, unchangedSince int64) (modified goimap.UIDSet, err error) {
	allowed, all := c.allowedFlags(flags)
	uids := c.uids(ranges)
	if all && c.sel.rights.Has(acl.Seen|acl.Write|acl.DeleteMessages) {
		return c.sel.box.SetFlags(uids, op, flags, unchangedSince)
	}
	if op != goimap.StoreFlagsSet {
		if len(allowed) == 0 && len(flags) > 0 {
			return nil, no("NOPERM", "Permission denied")
		}
		return c.sel.box.SetFlags(uids, op, allowed, unchangedSince)
	}
	if c.sel.rights&(acl.Seen|acl.Write|acl.DeleteMessages) == 0 {
		return nil, no("NOPERM", "Permission denied")
	}
	modified, err = c.sel.box.SetFlags(uids, goimap.StoreFlagsAdd, allowed, unchangedSince)
	if err != nil {
		return nil, err
	}
	others, _ := c.allowedFlags(append([]string{`\Answered`, `\Flagged`, `\Deleted`, `\Seen`, `\Draft`}, c.sel.view.Keywords...))
	var cleared []string
	for _, name := range others {
		if !contains(allowed, name) {
			cleared = append(cleared, name)
		}
	}
	_, err = c.sel.box.SetFlags(uids, goimap.StoreFlagsDel, cleared, -1)
	return modified, err
}

// allowedFlags returns the flags that the user may change, and whether that is all of them.
func (c *conn) allowedFlags(flags []string) (allowed []string, all bool) {
	for _, name := range flags {
		need := acl.Write
		switch {
		case strings.EqualFold(name, `\Seen`):
			need = acl.Seen
		case strings.EqualFold(name, `\Deleted`):
			need = acl.DeleteMessages
		}
		if c.sel.rights.Has(need) {
			allowed = append(allowed, name)
		}
	}
	return allowed, len(allowed) == len(flags)
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// stored tells the client of the flags of the messages in a STORE, changed or not;
// silently only of what it cannot know. What else has happened is for sync.
func (c *conn) stored(ranges [][2]int, silent, conditional bool) error {
	s := c.sel
	now, err := s.box.View()
	if err != nil {
		return err
	}
	var changed []mailstore.Message
	for _, r := range ranges {
		for _, old := range s.view.Range(r[0], r[1]) {
			if seq := now.Seq(old.UID); seq > 0 {
				changed = append(changed, *now.At(seq))
			}
		}
	}
	s.knows(now, changed)
	c.newKeywords()
	for _, m := range changed {
		switch {
		case !silent:
			c.tellFlags(s.view.Seq(m.UID), &m)
		case conditional:
			c.printf("* %d FETCH (UID %d MODSEQ (%d))", s.view.Seq(m.UID), m.UID, m.ModSeq)
		}
	}
	return nil
}

// numbers writes messages as the command that runs names them.
func (c *conn) numbers(uids goimap.UIDSet) string {
	if c.uid() {
		return uids.String()
	}
	var numbers []uint32
	for _, r := range uids {
		for seq := range c.sel.view.Range(c.sel.view.Seek(uint32(r.Start)), c.sel.view.Seek(uint32(r.Stop)+1)-1) {
			numbers = append(numbers, uint32(seq))
		}
	}
	return compact(numbers)
}
