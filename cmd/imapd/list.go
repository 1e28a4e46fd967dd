package main

import (
	"slices"
	"strings"

	"goqmail/lib/acl"
	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// listing is what LIST is asked for (RFC 9051 section 6.3.9).
type listing struct {
	lsub     bool // it is LSUB (RFC 3501 section 6.3.9)
	extended bool // in the syntax of RFC 5258
	patterns []pattern

	// Which mailboxes.
	subscribed, special bool
	recursive           bool // also those that have such below them

	// What of them; their children and special uses are told always.
	subscriptions bool
	status        []string
}

// list is LIST.
func (c *conn) list() error {
	var l listing
	c.r.Space()
	if c.r.Peek() == '(' {
		l.extended = true
		c.selectionOptions(&l)
		c.r.Space()
	}
	reference, texts := c.patterns(&l)
	if c.r.Accept(' ') {
		l.extended = true
		c.returnOptions(&l)
	}
	if err := c.args(); err != nil {
		return err
	}
	if !l.extended && texts[0] == "" { // a question for the separator
		c.printf(`* LIST (\Noselect) "%c" ""`, c.space.Separator)
		return nil
	}
	return c.tellList(&l, reference, texts)
}

// lsub is LSUB.
func (c *conn) lsub() error {
	l := listing{lsub: true, subscribed: true}
	c.r.Space()
	reference, texts := c.patterns(&l)
	if err := c.args(); err != nil {
		return err
	}
	return c.tellList(&l, reference, texts)
}

// selectionOptions reads which mailboxes are wanted.
func (c *conn) selectionOptions(l *listing) {
	c.r.List(func() {
		switch c.r.Keyword() {
		case "SUBSCRIBED":
			l.subscribed = true
		case "SPECIAL-USE":
			l.special = true
		case "RECURSIVEMATCH":
			l.recursive = true
		case "REMOTE": // there are no others
		default:
			c.r.Fail(imap.Syntax("Invalid List selection option"))
		}
	})
	if l.recursive && !l.subscribed && !l.special {
		c.r.Fail(imap.Syntax("RECURSIVEMATCH needs another selection option"))
	}
}

// maxPatterns is how many patterns a LIST may have: each is tried on each mailbox.
const maxPatterns = 100

// patterns reads the reference and the patterns.
func (c *conn) patterns(l *listing) (reference string, texts []string) {
	reference = c.r.Pattern()
	c.r.Space()
	if c.r.Peek() != '(' {
		return reference, []string{c.r.Pattern()}
	}
	l.extended = true
	c.r.List(func() { texts = append(texts, c.r.Pattern()) })
	if len(texts) == 0 || len(texts) > maxPatterns {
		c.r.Fail(imap.Syntax("Invalid number of patterns"))
	}
	return reference, texts
}

// returnOptions reads what is to be told of the mailboxes.
func (c *conn) returnOptions(l *listing) {
	if c.r.Keyword() != "RETURN" {
		c.r.Fail(imap.Syntax("Unexpected extra arguments"))
	}
	c.r.Space()
	c.r.List(func() {
		switch c.r.Keyword() {
		case "SUBSCRIBED":
			l.subscriptions = true
		case "CHILDREN", "SPECIAL-USE":
		case "STATUS":
			c.r.Space()
			l.status = c.statusItems()
		default:
			c.r.Fail(imap.Syntax("Invalid List return option"))
		}
	})
}

// node is a name in the hierarchy.
type node struct {
	name       string           // the user's, in modified UTF-7
	entry      *mailstore.Entry // nil: there is no such mailbox
	subscribed bool
	children   bool // there are mailboxes below it
	hides      bool // below it are some that are wanted but match no pattern
	above      bool // below it are some that are subscribed to
}

// wants tells whether the node is one of those that the listing is about.
func (l *listing) wants(n *node) bool {
	return (n.subscribed || !l.subscribed) && (n.entry != nil || l.subscribed) &&
		(!l.special || n.entry != nil && n.entry.Use != "")
}

// tellList lists.
func (c *conn) tellList(l *listing, reference string, texts []string) error {
	for _, text := range texts {
		if text != "" {
			l.patterns = append(l.patterns, newPattern(reference, text, c.space.Separator))
		}
	}
	nodes, err := c.nodes(l)
	if err != nil {
		return err
	}
	nodes = slices.DeleteFunc(nodes, func(n *node) bool {
		matches, levels := matchAny(l.patterns, c.shown(n.name))
		// A level that is no mailbox is told of for the sake of what is below it.
		level := n.entry == nil && n.children && !l.subscribed && !l.special || l.lsub && n.above
		return !matches || !l.wants(n) && !(l.recursive && n.hides) && !(level && levels)
	})
	statuses := c.statuses(l, nodes)
	for _, n := range nodes {
		c.tellNode(l, n)
		if n.entry == nil || statuses[n.entry.Name] == nil {
			continue
		}
		if err := c.tellStatus(*n.entry, *statuses[n.entry.Name], l.status); err != nil {
			c.srv.log("error: STATUS of %s: %v", n.entry.Name, err)
		}
	}
	return nil
}

// statuses returns the counts of mailboxes that the listing is to tell, all read at once.
func (c *conn) statuses(l *listing, nodes []*node) map[string]*mailstore.Status {
	if len(l.status) == 0 {
		return nil
	}
	var entries []mailstore.Entry
	for _, n := range nodes {
		if n.entry != nil && c.rights(*n.entry).Has(acl.Read) {
			entries = append(entries, *n.entry)
		}
	}
	statuses, err := c.srv.store.Statuses(entries...)
	if err != nil {
		c.srv.log("error: STATUS for %s: %v", c.user, err)
	}
	return statuses
}

// nodes returns all names that the listing may be about, in their order.
func (c *conn) nodes(l *listing) ([]*node, error) {
	all := map[string]*node{}
	at := func(name string) *node {
		if all[name] == nil {
			all[name] = &node{name: name}
		}
		return all[name]
	}
	entries, err := c.visible()
	if err != nil {
		return nil, err
	}
	for i := range entries {
		n := at(c.space.External(entries[i].Name))
		n.entry = &entries[i]
		for _, parent := range parents(n.name, c.space.Separator) {
			at(parent).children = true
		}
	}
	if l.subscribed || l.subscriptions {
		names, err := c.srv.store.Subscriptions(c.user)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			n := at(c.space.External(name))
			n.subscribed = true
			for _, parent := range parents(n.name, c.space.Separator) {
				at(parent).above = true
			}
		}
	}
	nodes := make([]*node, 0, len(all))
	for _, n := range all {
		nodes = append(nodes, n)
	}
	if l.recursive {
		for _, n := range nodes {
			if matches, _ := matchAny(l.patterns, c.shown(n.name)); !matches && l.wants(n) {
				for _, parent := range parents(n.name, c.space.Separator) {
					at(parent).hides = true
				}
			}
		}
	}
	slices.SortFunc(nodes, func(a, b *node) int { return compareNames(a.name, b.name, c.space.Separator) })
	return nodes, nil
}

// compareNames has INBOX come first, and what is below a mailbox right after it.
func compareNames(a, b string, separator byte) int {
	if (a == "INBOX") != (b == "INBOX") {
		if a == "INBOX" {
			return -1
		}
		return 1
	}
	first := func(name string) string { return strings.ReplaceAll(name, string(separator), "\x00") }
	return strings.Compare(first(a), first(b))
}

// visible returns the mailboxes of which the user may know.
func (c *conn) visible() (entries []mailstore.Entry, err error) {
	if c.admin {
		return c.srv.store.Below("")
	}
	if entries, err = c.srv.store.Below(c.space.Inbox()); err != nil {
		return nil, err
	}
	mine := []string{c.user, "anyone"}
	for _, group := range c.groups.Names() {
		mine = append(mine, "group:"+group)
	}
	granted, err := c.srv.store.Granting(mine...)
	for _, e := range granted {
		if !c.owns(e.Name) && c.rights(e).Has(acl.Lookup) {
			entries = append(entries, e)
		}
	}
	return entries, err
}

// tellNode tells of a name.
func (c *conn) tellNode(l *listing, n *node) {
	var b strings.Builder
	for _, attribute := range c.attributes(l, n) {
		b.WriteString(" " + attribute)
	}
	word, info := "LIST", ""
	if l.lsub {
		word = "LSUB"
	}
	if n.hides {
		info = ` ("CHILDINFO" (` + strings.Join(l.criteria(), " ") + "))"
	}
	c.printf(`* %s (%s) "%c" %s%s`, word, strings.TrimPrefix(b.String(), " "), c.space.Separator, c.written(n.name), info)
}

// criteria names what makes a mailbox wanted.
func (l *listing) criteria() (names []string) {
	if l.subscribed {
		names = append(names, `"SUBSCRIBED"`)
	}
	if l.special {
		names = append(names, `"SPECIAL-USE"`)
	}
	return names
}

func (c *conn) attributes(l *listing, n *node) (names []string) {
	if l.lsub {
		if !n.subscribed {
			names = append(names, `\Noselect`)
		}
		return names
	}
	switch {
	case n.entry != nil:
	case l.extended || c.rev2:
		names = append(names, `\NonExistent`)
	default:
		names = append(names, `\Noselect`)
	}
	if n.subscribed {
		names = append(names, `\Subscribed`)
	}
	if n.children {
		names = append(names, `\HasChildren`)
	} else {
		names = append(names, `\HasNoChildren`)
	}
	if n.entry != nil {
		names = append(names, strings.Fields(n.entry.Use)...)
	}
	return names
}
