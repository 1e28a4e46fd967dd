package main

import (
	"slices"

	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/digest"
	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
	"goqmail/lib/order"
)

// sort is SORT and UID SORT (RFC 5256, RFC 5957, with the options of RFC 5267 section 3).
func (c *conn) sort() error {
	c.r.Space()
	options := searchOptions{}
	if c.r.Peek()|0x20 == 'r' {
		if c.r.Keyword() != "RETURN" {
			c.r.Fail(imap.Syntax("Invalid Sort criteria"))
		}
		options = c.searchOptions()
	}
	criteria := c.criteria()
	c.r.Space()
	p := c.searchParser()
	p.Charset()
	c.r.Space()
	query := p.Keys("")
	if err := c.args(); err != nil {
		return err
	}
	seqs, err := c.find(p, query, options)
	if err != nil {
		return err
	}
	if seqs, err = c.sorted(seqs, criteria); err != nil {
		return err
	}
	if options.save {
		c.sel.saved = c.numbersToUIDs(options.kept(seqs))
	}
	if options.given {
		c.esearch(options, seqs, query.ModSeq)
	} else {
		c.untagged("SORT", seqs, query.ModSeq)
	}
	return nil
}

// criteria reads what to sort by.
func (c *conn) criteria() (criteria []order.Criterion) {
	reverse := false
	c.r.List(func() {
		word := c.r.Keyword()
		if word == "REVERSE" && !reverse {
			reverse = true
			return
		}
		i := slices.Index(sortKeys, word)
		if i < 0 || len(criteria) == maxCriteria {
			c.r.Fail(imap.Syntax("Invalid Sort criterion"))
		}
		criteria = append(criteria, order.Criterion{By: order.By(i), Reverse: reverse})
		reverse = false
	})
	if reverse || len(criteria) == 0 {
		c.r.Fail(imap.Syntax("Invalid Sort criteria"))
	}
	return criteria
}

// sortKeys are the names of order's keys.
var sortKeys = []string{"ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"}

// maxCriteria is more than there are keys: the same key twice has no use.
const maxCriteria = 20

// sorted sorts messages. Those that are gone are left out.
func (c *conn) sorted(seqs []int, criteria []order.Criterion) ([]int, error) {
	tableOf := c.sel.box.OrderByDate
	if slices.ContainsFunc(criteria, order.Criterion.NeedsWords) {
		tableOf = c.sel.box.Order
	}
	table, err := tableOf(c.sel.view)
	if err != nil {
		return nil, err
	}
	items := c.items(seqs, func(seq int) uint32 { return uint32(seq) })
	if slices.ContainsFunc(criteria, order.Criterion.NeedsDisplay) {
		if items, err = c.displays(items); err != nil {
			return nil, err
		}
	}
	sorted := make([]int, 0, len(seqs))
	for _, seq := range table.Sort(items, criteria) {
		sorted = append(sorted, int(seq))
	}
	return sorted, nil
}

// displays adds what DISPLAYFROM and DISPLAYTO sort by, for as many messages as are there.
func (c *conn) displays(items []order.Item) (found []order.Item, err error) {
	if len(items) == 0 {
		return nil, nil
	}
	uids := goimap.UIDSet{{Start: goimap.UID(items[0].UID), Stop: goimap.UID(items[len(items)-1].UID)}}
	err = c.sel.box.Columns(uids, []mailstore.Column{mailstore.Header}, func(uid uint32, values [][]byte) error {
		for len(items) > 0 && items[0].UID < uid {
			items = items[1:]
		}
		if len(items) > 0 && items[0].UID == uid {
			items[0].Display = &[2]string{digest.Display(values[0], "from"), digest.Display(values[0], "to")}
			found = append(found, items[0])
		}
		return nil
	})
	return found, err
}

// items describes messages to order.
func (c *conn) items(seqs []int, number func(seq int) uint32) []order.Item {
	items := make([]order.Item, len(seqs))
	for i, seq := range seqs {
		m := c.sel.view.At(seq)
		items[i] = order.Item{UID: m.UID, Number: number(seq), Date: m.Date, Size: m.Size}
	}
	return items
}

// thread is THREAD and UID THREAD (RFC 5256).
func (c *conn) thread() error {
	c.r.Space()
	algorithm := c.r.Keyword()
	if algorithm != "ORDEREDSUBJECT" && algorithm != "REFERENCES" {
		c.r.Fail(imap.Syntax("Invalid Thread algorithm"))
	}
	c.r.Space()
	p := c.searchParser()
	p.Charset()
	c.r.Space()
	query := p.Keys("")
	if err := c.args(); err != nil {
		return err
	}
	seqs, err := c.find(p, query, searchOptions{})
	if err != nil {
		return err
	}
	table, err := c.sel.box.Order(c.sel.view)
	if err != nil {
		return err
	}
	threads := table.OrderedSubject
	if algorithm == "REFERENCES" {
		threads = table.References
	}
	b := []byte("* THREAD ")
	if b = threads(b, c.items(seqs, c.number)); len(b) == len("* THREAD ") {
		b = b[:len(b)-1]
	}
	c.w.Write(append(b, "\r\n"...))
	return nil
}
