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
	o := s.orders.of(m)
	o.table = order.NewTable()
	o.table.Add(3, &digest.Digest{})
	if got := sorted(t, m, view(t, m)); !slices.Equal(got, []uint32{4, 2, 1, 3}) {
		t.Errorf("after a table without them: %v", got)
	}
	if n := len(s.orders.tables); n != 1 {
		t.Errorf("%d tables", n)
	}
}
