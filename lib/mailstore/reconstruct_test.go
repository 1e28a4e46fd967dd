package mailstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"zombiezen.com/go/sqlite"
)

func rebuild(t *testing.T, s *Store, name string) Rebuilt {
	t.Helper()
	r, err := s.Reconstruct(name, Rebuild{})
	if err != nil {
		t.Fatal(err)
	}
	sound(t, s, name)
	return r
}

// sound checks that the counts of a mailbox are those of its messages, that each has
// its file, and all that the index keeps of it.
func sound(t testing.TB, s *Store, name string) {
	t.Helper()
	m, err := s.OpenMailbox(name)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	v, err := (&Mailbox{store: s, entry: m.entry, tree: m.tree, id: m.id}).View() // not from memory
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	st, err := s.Status(name)
	if err != nil {
		t.Fatal(err)
	}
	want := Status{UIDValidity: v.UIDValidity, UIDNext: v.UIDNext, ModSeq: v.ModSeq, Recent: st.Recent, Messages: v.Len()}
	columns := 0
	m.Columns(imap.UIDSet{{Start: 1, Stop: 1<<32 - 1}}, []Column{Envelope, Header}, func(uint32, [][]byte) error { columns++; return nil })
	keys := 0
	m.rows(imap.UIDSet{{Start: 1, Stop: 1<<32 - 1}}, "SELECT key FROM sortkey", func(*sqlite.Stmt) error { keys++; return nil })
	if columns != v.Len() || keys != v.Len() {
		t.Errorf("%s: %d digests, %d keys to sort by, %d messages", name, columns, keys, v.Len())
	}
	for _, msg := range v.All() {
		if msg.Flags&Seen == 0 {
			want.Unseen++
		}
		if msg.Flags&Deleted != 0 {
			want.Deleted++
		}
		want.Bytes += int64(msg.Size)
		if msg.UID >= v.UIDNext || msg.ModSeq > v.ModSeq {
			t.Errorf("%s: UID %d, modseq %d, UIDNEXT %d, modseq %d", name, msg.UID, msg.ModSeq, v.UIDNext, v.ModSeq)
		}
		f, err := m.Open(msg.UID)
		if err != nil {
			t.Errorf("%s: a message without a file: %v", name, err)
			continue
		}
		if st, _ := f.Stat(); st.Size() != int64(msg.Size) {
			t.Errorf("%s: UID %d has %d bytes, the index says %d", name, msg.UID, st.Size(), msg.Size)
		}
		f.Close()
	}
	if st != want {
		t.Errorf("%s: counts %+v, want %+v", name, st, want)
	}
}

// described is the messages of a mailbox with their flags.
func described(v *View) (all []string) {
	for _, m := range v.All() {
		all = append(all, fmt.Sprintf("%d%v", m.UID, m.Flags.Names(v.Keywords)))
	}
	return all
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReconstruct(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(t *testing.T, m *Mailbox)
		want Rebuilt
		left []string // of 1[\Seen] 2[$Work] 4[\Flagged], of which 3 is expunged; UIDNEXT is 5
	}{
		{"nothing is wrong", func(t *testing.T, m *Mailbox) {}, Rebuilt{}, []string{`1[\Seen]`, "2[$Work]", `4[\Flagged]`}},
		{"a delivery that was not acknowledged", func(t *testing.T, m *Mailbox) { write(t, m.tree.dir+"/9.", text) },
			Rebuilt{Added: 1}, []string{`1[\Seen]`, "2[$Work]", `4[\Flagged]`, "9[]"}},
		{"one whose UID clients have passed", func(t *testing.T, m *Mailbox) {
			write(t, m.tree.dir+"/5.", text)
			put(t, m, nil, text)
		}, Rebuilt{Added: 1}, []string{`1[\Seen]`, "2[$Work]", `4[\Flagged]`, "6[]", "7[]"}},
		{"a crash before the file was removed", func(t *testing.T, m *Mailbox) { write(t, m.tree.dir+"/3.", text) },
			Rebuilt{Removed: 1}, []string{`1[\Seen]`, "2[$Work]", `4[\Flagged]`}},
		{"an expunged message from a backup", func(t *testing.T, m *Mailbox) {
			write(t, m.tree.dir+"/3.", text)
			m.tree.db.write(func(c *sqlite.Conn) error {
				return run(c, "UPDATE expunged SET date = ?", []any{time.Now().Unix() - 3600}, nil)
			})
		}, Rebuilt{Added: 1}, []string{`1[\Seen]`, "2[$Work]", `4[\Flagged]`, "5[]"}},
		{"a file is lost", func(t *testing.T, m *Mailbox) { os.Remove(m.tree.dir + "/2.") },
			Rebuilt{Dropped: 1}, []string{`1[\Seen]`, `4[\Flagged]`}},
		{"a file has changed", func(t *testing.T, m *Mailbox) { write(t, m.tree.dir+"/2.", "Subject: other\r\n\r\n") },
			Rebuilt{Read: 1}, []string{`1[\Seen]`, "2[$Work]", `4[\Flagged]`}},
		{"an index without counts and digests", func(t *testing.T, m *Mailbox) {
			m.tree.db.write(func(c *sqlite.Conn) error {
				run(c, "UPDATE mailbox SET messages = 77, bytes = 1, unseen = -1, uidnext = 2", nil, nil)
				return run(c, "DELETE FROM header WHERE key & 0xffffffff = 4", nil, nil)
			})
		}, Rebuilt{Read: 1}, []string{`1[\Seen]`, "2[$Work]", `4[\Flagged]`}},
		{"other files", func(t *testing.T, m *Mailbox) {
			for _, name := range []string{"7", "07.", "x.", "0.", "4294967296.", "cyrus.cache"} {
				write(t, m.tree.dir+"/"+name, text)
			}
			os.Mkdir(m.tree.dir+"/8.", 0o700)
		}, Rebuilt{}, []string{`1[\Seen]`, "2[$Work]", `4[\Flagged]`}},
		{"an index that is none", func(t *testing.T, m *Mailbox) {
			m.tree.db.close()
			os.Remove(m.tree.db.path + "-wal")
			write(t, m.tree.db.path, strings.Repeat("this is no database\n", 100))
		}, Rebuilt{Added: 3, Broken: true}, []string{"1[]", "2[]", "4[]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t)
			m := create(t, s, "user.john")
			put(t, m, []string{`\Seen`}, text)
			put(t, m, []string{"$Work"}, text+"more\r\n")
			put(t, m, []string{`\Deleted`}, text)
			put(t, m, []string{`\Flagged`}, text)
			if _, err := m.Expunge(nil); err != nil {
				t.Fatal(err)
			}
			s.removing.Wait()
			c.harm(t, m)
			if r := rebuild(t, s, "user.john"); r != c.want {
				t.Errorf("did %+v, want %+v", r, c.want)
			}
			o := open(t, s, "user.john")
			if got := described(view(t, o)); !slices.Equal(got, c.left) {
				t.Errorf("left %q, want %q", got, c.left)
			}
			if r := rebuild(t, s, "user.john"); r != (Rebuilt{}) {
				t.Errorf("the second time did %+v", r)
			}
		})
	}
}

// A spool without an index, on a new system, whose list comes from a backup.
func TestReconstructBareSpool(t *testing.T) {
	s := newStore(t)
	dir := s.layout.Partitions["default"] + "/user/john"
	os.MkdirAll(dir+"/SPAM", 0o700)
	write(t, dir+"/7.", text)
	write(t, dir+"/SPAM/12.", "Subject: bare line ends\n\nhello\n")
	when := time.Unix(1100000000, 0)
	os.Chtimes(dir+"/7.", when, when)
	for _, name := range []string{"user.john", "user.john.SPAM", "user.mary"} {
		if err := s.Restore(Entry{Name: name, ACL: "john\tlrs\t"}); err != nil {
			t.Fatal(err)
		}
		if _, err := open(t, s, name).View(); err == nil || errors.Is(err, ErrNoMailbox) {
			t.Errorf("%s before it is reconstructed: %v", name, err)
		}
		rebuild(t, s, name)
	}
	v := view(t, open(t, s, "user.john"))
	if v.Len() != 1 || *v.At(1) != (Message{UID: 7, Size: uint32(len(text)), Date: when.Unix(), ModSeq: v.ModSeq}) || v.UIDNext != 8 {
		t.Errorf("%+v, UIDNEXT %d", v.At(1), v.UIDNext)
	}
	if got := put(t, open(t, s, "user.john.SPAM"), nil, text); !slices.Equal(got, []uint32{13}) {
		t.Errorf("the next message gets %v", got)
	}
	if got := put(t, open(t, s, "user.mary"), nil, text); !slices.Equal(got, []uint32{1}) {
		t.Errorf("the first message gets %v", got)
	}
}

// What cannot be read is told of.
func TestReconstructUnreadable(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	if err := os.Mkdir(m.tree.dir+"/5.", 0o700); err != nil {
		t.Fatal(err)
	}
	b := &rebuilder{Mailbox: m, dir: m.tree.dir}
	if err := b.inBatches([]file{{uid: 5, size: 10}, {uid: 6}}, b.add); err != nil || b.unread == nil || b.result.Added > 0 {
		t.Errorf("%v, %v, %+v", err, b.unread, b.result)
	}
}

// A copy of a tree brings UIDs and flags with it, whatever ids its mailboxes have.
func TestReconstructCopiedTree(t *testing.T) {
	old := newStore(t)
	inbox, spam := create(t, old, "user.john"), create(t, old, "user.john.SPAM")
	put(t, inbox, []string{`\Seen`, "$Work"}, text, text)
	put(t, spam, []string{`\Flagged`}, text)
	want := described(view(t, inbox))
	validity := view(t, inbox).UIDValidity
	old.Close()

	for _, listedFirst := range []bool{false, true} {
		s := newStore(t)
		list := func() {
			for _, name := range []string{"user.john.SPAM", "user.john"} {
				if err := s.Restore(Entry{Name: name}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if listedFirst {
			list()
		}
		if err := os.CopyFS(s.layout.Partitions["default"], os.DirFS(old.layout.Partitions["default"])); err != nil {
			t.Fatal(err)
		}
		if !listedFirst {
			list()
		}
		for _, name := range []string{"user.john", "user.john.SPAM"} {
			if r := rebuild(t, s, name); r != (Rebuilt{}) {
				t.Errorf("%s: did %+v", name, r)
			}
		}
		v := view(t, open(t, s, "user.john"))
		if got := described(v); !slices.Equal(got, want) || v.UIDValidity != validity {
			t.Errorf("%q, %d, want %q, %d", got, v.UIDValidity, want, validity)
		}
		if got := described(view(t, open(t, s, "user.john.SPAM"))); !slices.Equal(got, []string{`1[\Flagged]`}) {
			t.Errorf("SPAM has %q", got)
		}
	}
}

// What a crash leaves of a rename: the list has the new name, the index the old one,
// and both directories have the messages. Whatever is done next, no message is lost.
func TestAfterRenameBrokenOff(t *testing.T) {
	for _, c := range []struct {
		name string
		next func(s *Store) error
	}{
		{"nothing", func(*Store) error { return nil }},
		{"reconstruct", func(s *Store) error { _, err := s.Reconstruct("user.john.b", Rebuild{}); return err }},
		{"the old name is taken again", func(s *Store) error { return s.Create(Entry{Name: "user.john.a"}) }},
		{"another takes the old name", func(s *Store) error { return s.Rename("user.john.c", "user.john.a", "") }},
		{"renamed back", func(s *Store) error {
			if err := s.Rename("user.john.b", "user.john.a", ""); err != nil {
				return err
			}
			return s.Rename("user.john.a", "user.john.b", "")
		}},
		{"renamed again", func(s *Store) error {
			if err := s.Rename("user.john.b", "user.mary.b", ""); err != nil {
				return err
			}
			return s.Rename("user.mary.b", "user.john.b", "")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t)
			create(t, s, "user.john.c")
			m := create(t, s, "user.john.a")
			put(t, m, []string{`\Seen`}, text)
			os.Mkdir(m.tree.dir+"/b", 0o700)
			os.Link(m.tree.dir+"/a/1.", m.tree.dir+"/b/1.")
			s.list.write(func(c *sqlite.Conn) error {
				return run(c, "UPDATE mailbox SET name = 'user.john.b' WHERE name = 'user.john.a'", nil, nil)
			})
			b := open(t, s, "user.john.b")
			put(t, b, []string{`\Flagged`}, text)
			if err := c.next(s); err != nil {
				t.Fatal(err)
			}
			b = open(t, s, "user.john.b")
			if got := described(view(t, b)); !slices.Equal(got, []string{`1[\Seen]`, `2[\Flagged]`}) {
				t.Errorf("left are %q", got)
			}
			sound(t, s, "user.john.b")
			if _, err := s.Lookup("user.john.a"); err == nil {
				if n := view(t, open(t, s, "user.john.a")).Len(); n != 0 {
					t.Errorf("%d messages in the new mailbox", n)
				}
				rebuild(t, s, "user.john.a")
				if n := view(t, open(t, s, "user.john.a")).Len(); n != 0 {
					t.Errorf("%d messages in the new mailbox after reconstruct", n)
				}
			}
		})
	}
}

// cyrusIndex lays out cyrus.index as a minor version has it.
func cyrusIndex(version, headerSize, recordSize uint32, records ...cyrusRecord) string {
	p, _ := places(version)
	head := make([]byte, headerSize)
	set := func(b []byte, at int, n uint32) { binary.BigEndian.PutUint32(b[at:], n) }
	for at, n := range map[int]uint32{8: version, 12: headerSize, 16: recordSize, 20: uint32(len(records)), p.lastUID: 20, p.uidValidity: 1064000000} {
		set(head, at, n)
	}
	all := string(head)
	for _, r := range records {
		b := make([]byte, recordSize)
		set(b, 0, r.uid)
		set(b, p.systemFlags, r.system)
		set(b, p.flags, r.user[0])
		if p.wide {
			binary.BigEndian.PutUint64(b[p.date:], uint64(r.date)*1e9+5)
			set(b, p.size+4, r.size)
		} else {
			set(b, p.date, uint32(r.date))
			set(b, p.size, r.size)
		}
		all += string(b)
	}
	return all
}

// seenFile lays out a skiplist with two states of one mailbox, and a change that was
// not committed.
func seenFile(id, first, then string) string {
	var b []byte
	number := func(numbers ...uint32) {
		for _, n := range numbers {
			b = binary.BigEndian.AppendUint32(b, n)
		}
	}
	text := func(s string) {
		number(uint32(len(s)))
		b = append(b, s...)
		b = append(b, make([]byte, -len(s)&3)...)
	}
	record := func(kind uint32, key, value string) {
		number(kind)
		text(key)
		text(value)
		number(0, 1<<32-1)
	}
	b = append(b, "\241\002\213\015skiplist file\000\000\000"...)
	number(1, 2, 20, 1, 1, 0, 0)
	number(257, 0, 0, 0, 0, 1<<32-1)
	record(1, id, first)
	binary.BigEndian.PutUint32(b[40:], uint32(len(b)))
	record(2, id, then)
	number(255)
	record(2, id, "1 0 0 0 1:20")
	return string(b)
}

func TestReconstructCyrusSpool(t *testing.T) {
	const size = uint32(len(text))
	const acl = "john\tlrswipcda\tanyone\tp\t"
	header := cyrusMagic + "user.john\t3f9a1b2c40000000\n$Forwarded  Work\n" + acl + "\n"
	const newHeader = cyrusMagic + `%(T el N user.john I 3f9a1b2c40000000 Q user.john A %(john lrswipcda anyone "p") U ($Forwarded NIL Work))` + "\n"
	records := []cyrusRecord{
		{uid: 2, size: size, date: 1064000002, system: 1 << 1},
		{uid: 3, size: size, date: 1064000003, user: [4]uint32{1 | 4}},
		{uid: 4, size: size + 1, date: 1064000004, system: 1}, // another message than the file
		{uid: 18, size: size, system: 1 << 30},
		{uid: 19, size: size, system: 1 << 31}, // expunged, but not yet removed
		{uid: 20, size: size, date: 1064000020, system: 1 << 2},
	}
	inside := slices.Clone(records)
	inside[0].system |= 1 << 4
	for _, c := range []struct {
		name    string
		header  string
		index   string
		outside bool // \Seen is in a file of the user's
	}{
		{"2.2", header, cyrusIndex(6, 76, 60, records...), true},
		{"2.3", header, cyrusIndex(10, 96, 88, records...), true},
		{"3.0", header, cyrusIndex(13, 128, 104, inside...), false},
		{"3.6", newHeader, cyrusIndex(17, 160, 112, inside...), false},
		{"3.10", newHeader, cyrusIndex(20, 192, 144, inside...), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t)
			dir := s.layout.Partitions["default"] + "/user/john"
			os.MkdirAll(dir, 0o700)
			for _, uid := range []string{"2.", "3.", "4.", "19.", "20."} {
				write(t, dir+"/"+uid, text)
			}
			write(t, dir+"/cyrus.header", c.header)
			write(t, dir+"/cyrus.index", c.index)
			config := s.layout.ConfigDir
			os.MkdirAll(config+"/user/j", 0o700)
			os.MkdirAll(config+"/quota/j", 0o700)
			quota := "1234\n5000\n"
			if strings.Contains(c.header, "%(") {
				quota = "%(S (994 5000) M (14) AS (0) NF (4) MODSEQ 28)"
			}
			write(t, config+"/quota/j/user.john", quota)
			if c.outside {
				write(t, config+"/user/j/john.seen", seenFile("3f9a1b2c40000000", "1 0 0 0 ", "1 1064312223 20 1064312223 1:2"))
			}
			found, err := s.Discover("default", "")
			if err != nil || len(found) != 1 || found[0] != (Entry{Name: "user.john", Partition: "default", ACL: acl}) {
				t.Fatalf("found %+v, %v", found, err)
			}
			if err := s.Restore(found[0]); err != nil {
				t.Fatal(err)
			}
			if r := rebuild(t, s, "user.john"); r != (Rebuilt{Added: 4}) {
				t.Errorf("did %+v", r)
			}
			v := view(t, open(t, s, "user.john"))
			want := []string{`2[\Flagged \Seen]`, "3[$Forwarded Work]", "4[]", `20[\Deleted]`}
			if got := described(v); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			if v.At(1).Date != 1064000002 || v.UIDValidity != 1064000000 || v.UIDNext != 21 {
				t.Errorf("date %d, UIDVALIDITY %d, UIDNEXT %d", v.At(1).Date, v.UIDValidity, v.UIDNext)
			}
			if q, ok, err := s.QuotaRoot("user.john"); err != nil || !ok || q.Limit != 5000 || q.Used != int64(4*size) {
				t.Errorf("quota %+v, %v, %v", q, ok, err)
			}
			if found, err := s.Discover("default", ""); err != nil || len(found) != 0 {
				t.Errorf("still found %v, %v", found, err)
			}
			if r := rebuild(t, s, "user.john"); r != (Rebuilt{}) || !exists(dir+"/19.") {
				t.Errorf("did %+v again", r)
			}
		})
	}
}

// Half an index counts as none: its UIDVALIDITY alone would pass for the whole.
func TestReconstructDamagedCyrusIndex(t *testing.T) {
	whole := cyrusIndex(6, 76, 60, cyrusRecord{uid: 1, size: uint32(len(text)), system: 1})
	for name, index := range map[string]string{"cut": whole[:len(whole)-1], "unknown": cyrusIndex(6, 76, 60)[:9] + "\x01" + whole[10:], "short": whole[:40]} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			dir := s.layout.Partitions["default"] + "/user/john"
			os.MkdirAll(dir, 0o700)
			write(t, dir+"/1.", text)
			write(t, dir+"/cyrus.index", index)
			s.Restore(Entry{Name: "user.john"})
			rebuild(t, s, "user.john")
			v := view(t, open(t, s, "user.john"))
			if got := described(v); !slices.Equal(got, []string{"1[]"}) || v.UIDValidity == 1064000000 {
				t.Errorf("%q, UIDVALIDITY %d", got, v.UIDValidity)
			}
		})
	}
}

func FuzzCyrus(f *testing.F) {
	f.Add([]byte(cyrusIndex(6, 76, 60, cyrusRecord{uid: 1, size: 5})), cyrusMagic+"q\tid\nkey\nacl\n", []byte(seenFile("id", "1 0 0 0 1", "1 0 0 0 2:3")))
	f.Add([]byte(nil), cyrusMagic+`%(I id A %(a "b\"c") U (x))`, []byte(nil))
	f.Fuzz(func(t *testing.T, index []byte, header string, seen []byte) {
		c := &cyrus{}
		c.header(header)
		c.index(strings.NewReader(string(index)))
		for i, r := range c.records {
			if i > 0 && c.records[i-1].uid >= r.uid {
				t.Fatalf("UID %d after %d", r.uid, c.records[i-1].uid)
			}
			c.flags(&r)
		}
		skiplist(seen)
	})
}

func FuzzParseName(f *testing.F) {
	for _, name := range []string{"1.", "0.", "01.", "4294967295.", "4294967296.", "x.", "."} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if uid, ok := parseName(name); ok && (uid == 0 || fileName(uid) != name) {
			t.Errorf("%q is parsed as %d", name, uid)
		}
	})
}
