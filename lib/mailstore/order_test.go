package mailstore

import (
	"slices"
	"testing"

	"goqmail/lib/digest"
	"goqmail/lib/order"
)

// sorted returns UIDs by subject.
func sorted(t *testing.T, m *Mailbox, v *View) []uint32 {
	t.Helper()
	table, err := m.Order(v)
	if err != nil {
		t.Fatal(err)
	}
	var items []order.Item
	for _, msg := range v.All() {
		items = append(items, order.Item{UID: msg.UID, Number: msg.UID})
	}
	return table.Sort(items, []order.Criterion{{By: order.Subject}})
}

func TestOrder(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	put(t, m, nil, "Subject: c\r\n\r\n", "Subject: b\r\n\r\n", "Subject: d\r\n\r\n")
	old := view(t, m)
	if got := sorted(t, m, old); !slices.Equal(got, []uint32{2, 1, 3}) {
		t.Errorf("%v", got)
	}
	put(t, m, nil, "Subject: a\r\n\r\n")
	if got := sorted(t, m, view(t, m)); !slices.Equal(got, []uint32{4, 2, 1, 3}) {
		t.Errorf("after one more: %v", got)
	}
	// A message that comes back between others is found.
	o := s.orders.of(m, false)
	o.table = order.NewTable()
	o.table.Add(3, &digest.Digest{})
	if got := sorted(t, m, view(t, m)); !slices.Equal(got, []uint32{4, 2, 1, 3}) {
		t.Errorf("after a table without them: %v", got)
	}
	if n := len(s.orders.tables); n != 1 {
		t.Errorf("%d tables", n)
	}
	if _, err := s.Reconstruct("user.john", Rebuild{}); err != nil || len(s.orders.tables) != 0 {
		t.Errorf("%d tables after Reconstruct, %v", len(s.orders.tables), err)
	}
}

// A table of dates does until there is one of all, and grows as that does.
func TestOrderByDate(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	byDate := func() []uint32 {
		v := view(t, m)
		table, err := m.OrderByDate(v)
		if err != nil {
			t.Fatal(err)
		}
		var items []order.Item
		for _, msg := range v.All() {
			items = append(items, order.Item{UID: msg.UID, Number: msg.UID})
		}
		return table.Sort(items, []order.Criterion{{By: order.Date}})
	}
	put(t, m, nil, "Date: 3 Jan 2000 00:00:00 +0000\r\nSubject: a\r\n\r\n", "Date: 2 Jan 2000 00:00:00 +0000\r\nSubject: b\r\n\r\n")
	if got := byDate(); !slices.Equal(got, []uint32{2, 1}) {
		t.Errorf("%v", got)
	}
	put(t, m, nil, "Date: 1 Jan 2000 00:00:00 +0000\r\nSubject: c\r\n\r\n")
	if got := byDate(); !slices.Equal(got, []uint32{3, 2, 1}) {
		t.Errorf("after one more: %v", got)
	}
	if got := sorted(t, m, view(t, m)); !slices.Equal(got, []uint32{1, 2, 3}) {
		t.Errorf("by subject: %v", got)
	}
	if o := s.orders.of(m, true); o.dates {
		t.Error("the table of all is not used")
	}
}

// Tables that were not used for long have to go when there is no room for them.
func TestOrdersAreBounded(t *testing.T) {
	var o orders
	boxes := []*Mailbox{{id: 1}, {id: 2}, {id: 3}}
	for _, m := range boxes {
		o.of(m, false).size.Store(maxOrdered/2 - 2000)
	}
	o.of(boxes[1], true)
	var left []int64
	for _, table := range o.tables {
		left = append(left, table.box)
	}
	if !slices.Equal(left, []int64{1, 3, 2}) {
		t.Errorf("%v are left", left)
	}
	o.of(&Mailbox{id: 4}, true)
	if n := len(o.tables); n != 3 || o.tables[0].box != 3 {
		t.Errorf("%d tables, %d the oldest", n, o.tables[0].box)
	}
}
