package mailstore

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/emersion/go-imap/v2"

	"goqmail/lib/digest"
	"goqmail/lib/order"
)

// orders keeps the tables that messages are sorted by, for some mailboxes: a table is
// quick to add to, but not to make.
type orders struct {
	mu     sync.Mutex
	tables []*ordered // those that were used last are last
}

type ordered struct {
	tree  *tree
	box   int64
	dates bool         // which is all that is in table
	size  atomic.Int64 // messages in table; asked for by those who must not wait for it
	mu    sync.Mutex
	table *order.Table
}

// maxOrdered is how many messages are in all tables but the last used. One takes some
// 200 bytes.
const maxOrdered = 500000

// of returns the entry of a mailbox, a new one if it has none. Where dates will do, one
// that has more does.
func (o *orders) of(m *Mailbox, dates bool) *ordered {
	o.mu.Lock()
	defer o.mu.Unlock()
	find := func(dates bool) int {
		return slices.IndexFunc(o.tables, func(t *ordered) bool { return t.tree == m.tree && t.box == m.id && t.dates == dates })
	}
	i := find(false)
	if i < 0 && dates {
		i = find(true)
	}
	if i < 0 {
		return o.use(&ordered{tree: m.tree, box: m.id, dates: dates, table: order.NewTable()})
	}
	t := o.tables[i]
	o.tables = slices.Delete(o.tables, i, i+1)
	return o.use(t)
}

// use puts an entry last, and drops those that there is no room for.
func (o *orders) use(t *ordered) *ordered {
	size, keep := int64(0), len(o.tables)
	for keep > 0 {
		if size += o.tables[keep-1].size.Load() + 1000; size > maxOrdered {
			break
		}
		keep--
	}
	o.tables = append(slices.Clone(o.tables[keep:]), t)
	return t
}

// forget drops the tables of a tree, whose messages may be read otherwise from now on.
func (o *orders) forget(t *tree) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tables = slices.DeleteFunc(o.tables, func(other *ordered) bool { return other.tree == t })
}

// Order returns what the messages of a view are sorted and threaded by. It may lack
// some that are no longer there.
func (m *Mailbox) Order(v *View) (*order.Table, error) { return m.order(v, false) }

// OrderByDate returns a table that knows no more of them than dates, which is made sooner.
func (m *Mailbox) OrderByDate(v *View) (*order.Table, error) { return m.order(v, true) }

func (m *Mailbox) order(v *View, dates bool) (*order.Table, error) {
	o := m.store.orders.of(m, dates)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.table.Len() > 2*v.Len()+1000 { // most are gone
		o.table = order.NewTable()
	}
	defer func() { o.size.Store(int64(o.table.Len())) }()
	if err := m.addTo(o); err != nil {
		return nil, err
	}
	missing := o.table.Missing(func(yield func(uint32) bool) {
		for _, msg := range v.All() {
			if !yield(msg.UID) {
				return
			}
		}
	})
	if len(missing) == 0 {
		return o.table, nil
	}
	restored, err := m.any(missing)
	if err != nil || !restored {
		return o.table, err
	}
	o.table = order.NewTable()
	return o.table, m.addTo(o)
}

// addTo adds the messages that are behind those of a table.
func (m *Mailbox) addTo(o *ordered) error {
	read := m.SortKeys
	if o.dates {
		read = m.sentDates
	}
	return read(imap.UIDSet{{Start: imap.UID(o.table.Last() + 1), Stop: 1<<32 - 1}}, func(uid uint32, g *digest.Digest) error {
		o.table.Add(uid, g)
		return nil
	})
}

// any tells whether one of some messages is there.
func (m *Mailbox) any(uids []uint32) (found bool, err error) {
	var set imap.UIDSet
	for _, uid := range uids {
		set.AddNum(imap.UID(uid))
	}
	err = m.SortKeys(set, func(uint32, *digest.Digest) error {
		found = true
		return nil
	})
	return found, err
}
