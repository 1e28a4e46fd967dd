package duplicates

import (
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *DB {
	t.Helper()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func seen(t *testing.T, d *DB, id ID, mailbox string) bool {
	t.Helper()
	yes, err := d.Seen(id, mailbox)
	if err != nil {
		t.Fatal(err)
	}
	return yes
}

func TestSeen(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	id, when := NewID("<a@b>", "today"), time.Unix(1000, 0)
	for _, id := range []ID{id, NewID("", "today")} {
		if err := d.Mark(id, "user.john", when); err != nil {
			t.Fatal(err)
		}
	}
	other := open(t, dir) // as in another process
	for _, c := range []struct {
		name    string
		id      ID
		mailbox string
		want    bool
	}{
		{"same", id, "user.john", true},
		{"another mailbox", id, "user.mary", false},
		{"another date", NewID("<a@b>", "tomorrow"), "user.john", false},
		{"another message", NewID("<a@c>", "today"), "user.john", false},
		{"no id", NewID("", "today"), "user.john", false},
	} {
		if got := seen(t, other, c.id, c.mailbox); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestPrune(t *testing.T) {
	d := open(t, t.TempDir())
	old, young := NewID("<old>", ""), NewID("<young>", "")
	d.Mark(old, "user.john", time.Unix(1000, 0))
	d.Mark(old, "user.mary", time.Unix(1999, 0))
	d.Mark(young, "user.john", time.Unix(2000, 0))
	if n, err := d.Prune(time.Unix(2000, 0)); n != 2 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	if seen(t, d, old, "user.john") || !seen(t, d, young, "user.john") {
		t.Error("the wrong ones were pruned")
	}
}

func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	dbs := []*DB{open(t, dir), open(t, dir)}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			id := NewID(string(rune('a'+i)), "")
			if err := dbs[i%2].Mark(id, "user.john", time.Now()); err != nil {
				t.Error(err)
			}
			if yes, err := dbs[(i+1)%2].Seen(id, "user.john"); !yes || err != nil {
				t.Errorf("not seen: %v", err)
			}
		})
	}
	all.Wait()
}
