package mailstore

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"zombiezen.com/go/sqlite"
)

// Once it is forgotten which messages were expunged, who was away for long is told of
// all that are no more, and sees none that is not there.
func TestPrune(t *testing.T) {
	dir := t.TempDir()
	s, other := openStore(t, dir), openStore(t, dir)
	m := create(t, s, "user.john")
	o := open(t, other, "user.john")
	put(t, m, nil, text, text, text, text)
	early := view(t, o)
	remove := func(uid imap.UID) {
		m.SetFlags(imap.UIDSetNum(uid), imap.StoreFlagsAdd, []string{`\Deleted`}, -1)
		if _, err := m.Expunge(nil); err != nil {
			t.Fatal(err)
		}
		m.store.removing.Wait()
	}
	remove(2)
	write(t, m.tree.dir+"/2.", text) // as a crash leaves it
	if n, err := m.Prune(time.Now().Add(time.Hour)); err != nil || n != 1 {
		t.Fatalf("forgotten %d, %v", n, err)
	}
	if _, err := os.Stat(m.tree.dir + "/2."); err == nil {
		t.Error("the file of a forgotten message is left")
	}
	late := view(t, m)
	remove(4)
	if n, err := m.Prune(time.Now().Add(-time.Hour)); err != nil || n != 0 {
		t.Errorf("forgotten %d, %v", n, err)
	}
	for _, c := range []struct {
		since int64
		want  []uint32
	}{{early.ModSeq, []uint32{2, 4}}, {late.ModSeq, []uint32{4}}} {
		if got, err := m.Vanished(c.since); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("vanished since %d: %v, %v, want %v", c.since, got, err, c.want)
		}
	}
	v := view(t, o)
	gone, changed, came := v.Since(early)
	if !slices.Equal(uids(v), []uint32{1, 3}) || !slices.Equal(gone, []int{2, 4}) || len(changed) != 0 || came != 0 {
		t.Errorf("UIDs %v, gone %v, changed %v, came %d", uids(v), gone, changed, came)
	}
	sound(t, s, "user.john")
}

func TestExpire(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	put(t, m, nil, text, text)
	if n, of, err := m.Expire(time.Unix(1000, 0)); n != 0 || of != 2 || err != nil {
		t.Errorf("%d of %d, %v", n, of, err)
	}
	if n, of, err := m.Expire(time.Unix(1001, 0)); n != 2 || of != 2 || err != nil {
		t.Errorf("%d of %d, %v", n, of, err)
	}
	sound(t, s, "user.john")
}

func TestRecount(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	put(t, m, nil, text)
	m.tree.db.write(func(c *sqlite.Conn) error { return run(c, "UPDATE mailbox SET bytes = 5, unseen = 9", nil, nil) })
	if was, is, err := m.Recount(); was != 5 || is != int64(len(text)) || err != nil {
		t.Errorf("%d to %d, %v", was, is, err)
	}
	sound(t, s, "user.john")
}

func TestCheckAndCheckpoint(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	put(t, create(t, s, "user.john"), nil, text)
	for range 2 {
		if err := s.Checkpoint(dir + "/backup"); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := Open(Layout{ConfigDir: dir + "/backup", Partitions: s.layout.Partitions, DefaultPartition: "default"})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	sound(t, kept, "user.john")
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	s.Close()
	write(t, dir+"/spool/user/john/index.db", strings.Repeat("this is no database\n", 100))
	write(t, dir+"/spool/user/john/index.db-wal", "x")
	if err := openStore(t, dir).Check(); err == nil || !strings.Contains(err.Error(), "user/john/index.db") {
		t.Errorf("a broken index: %v", err)
	}
}
