package main

import (
	"slices"
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
	if err := c.stored(ranges, silent, op, flags); err != nil {
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

// systemFlags are the flags that a client can set besides keywords; \Recent it cannot.
var systemFlags = []string{`\Answered`, `\Flagged`, `\Draft`, `\Deleted`, `\Seen`}

func settable(name string) bool {
	return slices.ContainsFunc(systemFlags, func(known string) bool { return strings.EqualFold(name, known) })
}

// flagRight is the right that it takes to change a flag (RFC 4314 section 4).
func flagRight(name string) acl.Rights {
	switch {
	case strings.EqualFold(name, `\Seen`):
		return acl.Seen
	case strings.EqualFold(name, `\Deleted`):
		return acl.DeleteMessages
	}
	return acl.Write
}

// flagsWithin returns the flags that may be changed with some rights.
func flagsWithin(rights acl.Rights) (flags mailstore.Flags) {
	if rights.Has(acl.Seen) {
		flags |= mailstore.Seen
	}
	if rights.Has(acl.DeleteMessages) {
		flags |= mailstore.Deleted
	}
	if rights.Has(acl.Write) {
		flags |= mailstore.AnyFlag &^ (mailstore.Seen | mailstore.Deleted)
	}
	return flags
}

// change changes flags as far as the user has the rights: of a list that sets them, those
// that he may not touch stay as they are.
func (c *conn) change(ranges [][2]int, op goimap.StoreFlagsOp, flags []string, unchangedSince int64) (modified goimap.UIDSet, err error) {
	s := c.sel
	within := flagsWithin(s.rights)
	some := slices.ContainsFunc(flags, func(name string) bool { return s.rights.Has(flagRight(name)) })
	if within == 0 || len(flags) > 0 && !some {
		return nil, no("NOPERM", "Permission denied")
	}
	return s.box.Change(c.uids(ranges), mailstore.Change{
		Op: op, Names: flags, Within: within, UnchangedSince: unchangedSince, User: s.seenBy,
	})
}

// expected is what a client takes the flags of a message to be, from those that it knew,
// after a STORE.
func expected(known mailstore.Flags, op goimap.StoreFlagsOp, flags mailstore.Flags) mailstore.Flags {
	switch op {
	case goimap.StoreFlagsAdd:
		return known | flags
	case goimap.StoreFlagsDel:
		return known &^ flags
	}
	return flags
}

// stored tells the client of the flags of the messages in a STORE, changed or not;
// after a silent one only where they are not what it expects, and modification sequences.
// What else has happened is for sync.
func (c *conn) stored(ranges [][2]int, silent bool, op goimap.StoreFlagsOp, names []string) error {
	s := c.sel
	now, err := s.look()
	if err != nil {
		return err
	}
	var changed []mailstore.Message
	var known []mailstore.Flags
	for _, r := range ranges {
		for _, old := range s.view.Range(r[0], r[1]) {
			if seq := now.Seq(old.UID); seq > 0 {
				changed = append(changed, *now.At(seq))
				known = append(known, old.Flags)
			}
		}
	}
	s.knows(now, changed)
	c.newKeywords()
	flags := mailstore.ParseFlags(names, now.Keywords)
	for i, m := range changed {
		switch {
		case !silent || m.Flags != expected(known[i], op, flags):
			c.tellFlags(s.view.Seq(m.UID), &m)
		case c.condstore:
			c.tellModSeq(s.view.Seq(m.UID), &m)
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
