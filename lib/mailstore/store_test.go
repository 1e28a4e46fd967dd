package mailstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"zombiezen.com/go/sqlite"
)

func newStore(t *testing.T) *Store {
	t.Helper()
	return openStore(t, t.TempDir())
}

func testLayout(dir string) Layout {
	return Layout{ConfigDir: dir + "/config", Partitions: map[string]string{"default": dir + "/spool"}, DefaultPartition: "default"}
}

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(testLayout(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func create(t *testing.T, s *Store, name string) *Mailbox {
	t.Helper()
	if err := s.Create(Entry{Name: name, ACL: "john\tlrswipkxtecda\t"}); err != nil {
		t.Fatal(err)
	}
	return open(t, s, name)
}

func open(t *testing.T, s *Store, name string) *Mailbox {
	t.Helper()
	m, err := s.OpenMailbox(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// put puts messages with these texts, and returns their UIDs.
func put(t *testing.T, m *Mailbox, flags []string, texts ...string) []uint32 {
	t.Helper()
	var all []Incoming
	for _, text := range texts {
		st, err := m.store.Stage("")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Remove()
		io.WriteString(st, text)
		if err := st.Finish(); err != nil {
			t.Fatal(err)
		}
		all = append(all, Incoming{Path: st.Path, Size: st.Size, Digest: st.Digest, Flags: flags, Date: 1000})
	}
	uids, err := m.Append(all...)
	if err != nil {
		t.Fatal(err)
	}
	return uids
}

func view(t *testing.T, m *Mailbox) *View {
	t.Helper()
	v, err := m.View()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func uids(v *View) (all []uint32) {
	for _, m := range v.All() {
		all = append(all, m.UID)
	}
	return all
}

const text = "Subject: hello\r\n\r\nworld\r\n"

// A rename holds the right to write to the index for longer than others, who must not wait
// for it in the same change of the list.
func TestRenamesAmongOthers(t *testing.T) {
	s := newStore(t)
	create(t, s, "user.john")
	var wait sync.WaitGroup
	for i := range 6 {
		wait.Go(func() {
			name := "user.john.a" + strconv.Itoa(i)
			for range 10 {
				err := errors.Join(s.Create(Entry{Name: name}), s.Rename(name, name+"x", ""), s.Delete(name+"x"))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}

// A mailbox without messages stays when one below it goes.
func TestParentOfDeleted(t *testing.T) {
	s := newStore(t)
	create(t, s, "user.john")
	parent := create(t, s, "user.john.a.b")
	create(t, s, "user.john.a.b.c")
	create(t, s, "user.john.a.b.d")
	if err := errors.Join(s.Delete("user.john.a.b.c"), s.Rename("user.john.a.b.d", "user.john.e", "")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(parent.tree.dir + "/a/b"); err != nil {
		t.Error(err)
	}
	os.RemoveAll(parent.tree.dir + "/a")
	if got := put(t, parent, nil, text, text); !slices.Equal(got, []uint32{1, 2}) {
		t.Errorf("UIDs %v", got)
	}
}

// Messages that come into a mailbox whose name was another's are not removed with those.
func TestNameTakenAgain(t *testing.T) {
	s := newStore(t)
	old := create(t, s, "user.john.a")
	put(t, old, nil, text, text)
	if err := s.Unlist("user.john.a"); err != nil { // as Delete begins
		t.Fatal(err)
	}
	m := create(t, s, "user.john.a")
	if got := put(t, m, nil, text); !slices.Equal(got, []uint32{3}) {
		t.Errorf("UIDs %v", got)
	}
	if err := m.tree.clear("a"); err != nil { // as it ends
		t.Fatal(err)
	}
	files, err := filepath.Glob(m.tree.dir + "/a/*")
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != "3." {
		t.Errorf("%q, %v", files, err)
	}
}

func TestAppendedMessageIsThere(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	got := put(t, m, []string{`\Seen`, "$Work"}, text, text+"more\r\n")
	if !slices.Equal(got, []uint32{1, 2}) {
		t.Fatalf("UIDs %v", got)
	}
	v := view(t, m)
	if v.Len() != 2 || v.UIDNext != 3 || v.At(2).Size != uint32(len(text)+6) {
		t.Fatalf("view %+v", v)
	}
	if names := v.At(1).Flags.Names(v.Keywords); !slices.Equal(names, []string{`\Seen`, "$Work"}) {
		t.Errorf("flags %v", names)
	}
	f, err := m.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, _ := io.ReadAll(f); string(b) != text {
		t.Errorf("stored %q", b)
	}
	st, err := s.Status("user.john")
	if want := (Status{UIDValidity: v.UIDValidity, UIDNext: 3, ModSeq: v.ModSeq, Messages: 2, Recent: 2, Bytes: int64(2*len(text) + 6)}); err != nil || st != want {
		t.Errorf("status %+v, %v, want %+v", st, err, want)
	}
}

// Another process, for which another Store stands here, sees changes at once and
// is told of them.
func TestOtherProcessSeesChanges(t *testing.T) {
	dir := t.TempDir()
	s, other := openStore(t, dir), openStore(t, dir)
	m := create(t, s, "user.john")
	o := open(t, other, "user.john")
	put(t, m, nil, text, text, text)
	before := view(t, o)
	if before.Len() != 3 {
		t.Fatalf("%d messages, want 3", before.Len())
	}
	if _, err := m.SetFlags(imap.UIDSetNum(2), imap.StoreFlagsAdd, []string{`\Deleted`, "new"}, -1); err != nil {
		t.Fatal(err)
	}
	gone, err := m.Expunge(nil)
	if err != nil || !slices.Equal(gone, []uint32{2}) {
		t.Fatalf("expunged %v, %v", gone, err)
	}
	m.SetFlags(imap.UIDSetNum(3), imap.StoreFlagsSet, []string{`\Flagged`}, -1)
	put(t, m, nil, text)
	after := view(t, o)
	if !slices.Equal(uids(after), []uint32{1, 3, 4}) {
		t.Errorf("UIDs %v", uids(after))
	}
	g, c, n := after.Since(before)
	if !slices.Equal(g, []int{2}) || !slices.Equal(c, []int{2}) || n != 1 {
		t.Errorf("since: %v %v %d", g, c, n)
	}
	if v, err := o.Vanished(before.ModSeq); err != nil || !slices.Equal(v, []uint32{2}) {
		t.Errorf("vanished %v, %v", v, err)
	}
	s.removing.Wait()
	if _, err := m.Open(2); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is left: %v", err)
	}
}

func TestColumns(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	put(t, m, nil, text, "Subject: two\r\n\r\n", text)
	var got []string
	err := m.Columns(imap.UIDSetNum(2, 3, 7), []Column{Envelope, Header, BodyStructure}, func(uid uint32, v [][]byte) error {
		got = append(got, fmt.Sprintf("%d %.12s %s", uid, v[0], v[1]))
		return nil
	})
	want := []string{"2 (NIL \"two\" N Subject: two\r\n\r\n", "3 (NIL \"hello\" Subject: hello\r\n\r\n"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	stop := errors.New("stop")
	if err := m.Columns(imap.UIDSetNum(2, 3), []Column{ID}, func(uint32, [][]byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped by %v", err)
	}
}

func TestWatcherIsWoken(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	w, err := m.Watch()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	put(t, m, nil, text)
	select {
	case <-w.C:
	case <-time.After(time.Minute):
		t.Fatal("not woken by this process")
	}
	// What another process would send.
	out := &bus{dir: s.bus.dir, store: s}
	os.Rename(s.bus.path(), s.bus.dir+"/notify.1")
	out.send("user.john")
	select {
	case <-w.C:
	case <-time.After(time.Minute):
		t.Fatal("not woken by another process")
	}
}

func TestUnchangedSince(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	put(t, m, nil, text, text)
	v := view(t, m)
	m.SetFlags(imap.UIDSetNum(1), imap.StoreFlagsAdd, []string{`\Seen`}, -1)
	modified, err := m.SetFlags(imap.UIDSetNum(1, 2), imap.StoreFlagsAdd, []string{`\Flagged`}, v.ModSeq)
	if err != nil || modified.String() != "1" {
		t.Errorf("modified %v, %v", modified, err)
	}
	w := view(t, m)
	if w.At(1).Flags != Seen || w.At(2).Flags != Flagged {
		t.Errorf("flags %v %v", w.At(1).Flags, w.At(2).Flags)
	}
	// What changes nothing takes no number.
	m.SetFlags(imap.UIDSetNum(2), imap.StoreFlagsAdd, []string{`\Flagged`}, -1)
	if x := view(t, m); x != w {
		t.Errorf("modseq went from %d to %d", w.ModSeq, x.ModSeq)
	}
}

// Who does not own a mailbox sees and sets a \Seen of his own.
func TestSeenOfOthers(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	put(t, m, []string{`\Seen`}, text, text, text, text)
	seen := func(want string) {
		t.Helper()
		set, err := m.Seen("mary")
		if err != nil || set.String() != want {
			t.Errorf("seen by mary: %v, %v, want %s", set, err, want)
		}
		for _, msg := range view(t, m).SeenBy(set).All() {
			if (msg.Flags&Seen != 0) != set.Contains(imap.UID(msg.UID)) {
				t.Errorf("mary's message %d has flags %v", msg.UID, msg.Flags)
			}
		}
	}
	before := view(t, m)
	for _, step := range []struct {
		op   imap.StoreFlagsOp
		uids imap.UIDSet
		name string
		want string
	}{
		{imap.StoreFlagsAdd, imap.UIDSet{{Start: 1, Stop: 4}}, `\Seen`, "1:4"},
		{imap.StoreFlagsDel, imap.UIDSetNum(2), `\Seen`, "1,3:4"},
		{imap.StoreFlagsSet, imap.UIDSetNum(3), `\Flagged`, "1,4"},
	} {
		_, err := m.Change(step.uids, Change{Op: step.op, Names: []string{step.name}, Within: AnyFlag, UnchangedSince: -1, User: "mary"})
		if err != nil {
			t.Fatal(err)
		}
		seen(step.want)
	}
	v := view(t, m)
	if v.At(2).Flags != Seen || v.At(3).Flags != Seen|Flagged {
		t.Errorf("john's flags are %v and %v", v.At(2).Flags, v.At(3).Flags)
	}
	if _, changed, _ := v.Since(before); len(changed) != 4 {
		t.Errorf("mary's other sessions hear of %v", changed)
	}
	modified, err := m.Change(imap.UIDSetNum(1, 2), Change{Op: imap.StoreFlagsDel, Names: []string{`\Seen`}, Within: AnyFlag, UnchangedSince: v.At(1).ModSeq, User: "mary"})
	if err != nil || modified.String() != "2" {
		t.Errorf("modified %v, %v", modified, err)
	}
	seen("4")
}

// A message is recent in one session, also before that is saved.
func TestRecent(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	m := create(t, s, "user.john")
	put(t, m, nil, text, text)
	if after := m.ClaimRecent(view(t, m)); after != 0 {
		t.Errorf("first session: after %d", after)
	}
	put(t, m, nil, text)
	if st, _ := s.Status("user.john"); st.Recent != 1 {
		t.Errorf("%d recent", st.Recent)
	}
	if after := m.ClaimRecent(view(t, m)); after != 2 {
		t.Errorf("second session: after %d", after)
	}
	if err := m.SaveRecent(); err != nil {
		t.Fatal(err)
	}
	if st, _ := openStore(t, dir).Status("user.john"); st.Recent != 0 {
		t.Errorf("%d recent", st.Recent)
	}
}

// Many at once are all there, each with a UID of its own.
func TestAppendManyAtOnce(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			for range 5 {
				put(t, m, nil, text)
			}
		})
	}
	wait.Wait()
	v := view(t, m)
	if v.Len() != 100 || v.UIDNext != 101 {
		t.Errorf("%d messages, UIDNEXT %d", v.Len(), v.UIDNext)
	}
}

// A file that is in the way, as a crash leaves it, keeps its name.
func TestAppendPassesFiles(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	if err := os.WriteFile(m.tree.dir+"/1.", []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := put(t, m, nil, text); !slices.Equal(got, []uint32{2}) {
		t.Errorf("UIDs %v", got)
	}
}

func TestCopyAndMove(t *testing.T) {
	s := newStore(t)
	m, spam := create(t, s, "user.john"), create(t, s, "user.john.SPAM")
	other := create(t, s, "user.mary")
	put(t, m, []string{"$Junk", `\Answered`}, text, text, text)
	put(t, other, []string{"first"}, text)
	for _, to := range []*Mailbox{spam, other} {
		from, made, err := m.Copy(imap.UIDSetNum(1, 3, 9), to, nil)
		if err != nil || !slices.Equal(from, []uint32{1, 3}) || len(made) != 2 {
			t.Fatalf("copied %v to %v, %v", from, made, err)
		}
		v := view(t, to)
		if got := v.At(v.Len()).Flags.Names(v.Keywords); !slices.Equal(got, []string{`\Answered`, "$Junk"}) {
			t.Errorf("flags in %s: %v", to.Name(), got)
		}
	}
	if _, _, err := m.Move(imap.UIDSetNum(2), spam, nil); err != nil {
		t.Fatal(err)
	}
	if got := uids(view(t, m)); !slices.Equal(got, []uint32{1, 3}) {
		t.Errorf("left %v", got)
	}
	if got := view(t, spam).Len(); got != 3 {
		t.Errorf("%d in SPAM", got)
	}
}

func TestDeletedMailboxIsGone(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	put(t, m, nil, text)
	v := view(t, m)
	if err := s.Create(Entry{Name: "user.john"}); err != ErrExists {
		t.Errorf("created twice: %v", err)
	}
	if err := s.Delete("user.john"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.View(); err == nil {
		t.Error("a deleted mailbox has a view")
	}
	if _, err := m.Open(1); err != ErrNoMailbox {
		t.Errorf("a message can be opened: %v", err)
	}
	if files, err := filepath.Glob(m.tree.dir + "/*."); len(files) > 0 || err != nil {
		t.Errorf("left are %v, %v", files, err)
	}
	again := create(t, s, "user.john")
	if w := view(t, again); w.Len() != 0 || w.UIDValidity <= v.UIDValidity {
		t.Errorf("%d messages, UIDVALIDITY %d after %d", w.Len(), w.UIDValidity, v.UIDValidity)
	}
}

func TestRename(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john.a")
	put(t, m, []string{`\Seen`, "one"}, text, text, text)
	m.SetFlags(imap.UIDSetNum(2), imap.StoreFlagsAdd, []string{`\Deleted`}, -1)
	m.Expunge(nil)
	s.SetQuota("user.john.a", 7)
	before := view(t, m)
	old, _ := s.Lookup("user.john.a")
	for _, step := range []struct{ from, to string }{{"user.john.a", "user.john.b.c"}, {"user.john.b.c", "user.mary.d"}} {
		create(t, s, "user."+step.from[5:]+".below")
		if err := s.Rename(step.from, step.to, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.OpenMailbox(step.from); err != ErrNoMailbox {
			t.Errorf("the old name: %v", err)
		}
		n := open(t, s, step.to)
		v := view(t, n)
		if !slices.Equal(collect(v), collect(before)) || v.UIDNext != before.UIDNext || v.UIDValidity == before.UIDValidity {
			t.Errorf("after renaming to %s: %+v", step.to, v)
		}
		if names := v.At(2).Flags.Names(v.Keywords); !slices.Equal(names, []string{`\Seen`, "one"}) {
			t.Errorf("flags %v", names)
		}
		if gone, err := n.Vanished(1); err != nil || !slices.Equal(gone, []uint32{2}) {
			t.Errorf("vanished %v, %v", gone, err)
		}
		f, err := n.Open(3)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if e, _ := s.Lookup(step.to); e.ID != old.ID {
			t.Errorf("the ID is %s, was %s", e.ID, old.ID)
		}
		if q, ok, _ := s.QuotaRoot(step.to); !ok || q.Limit != 7 || q.Used != v.bytes() {
			t.Errorf("quota %+v", q)
		}
		open(t, s, step.from+".below")
	}
	create(t, s, "user.john")
	if err := s.Rename("user.john", "user.mary.d", ""); err != ErrExists {
		t.Errorf("renamed over another: %v", err)
	}
}

func (v *View) bytes() (n int64) {
	for _, m := range v.All() {
		n += int64(m.Size)
	}
	return n
}

// What a process that is no more had on its way in is removed, and nothing of others.
func TestRecoverRemovesStagedMessages(t *testing.T) {
	s := newStore(t)
	st, err := s.Stage("")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Remove()
	left := filepath.Dir(st.Path) + "/1073741824-ab" // above the highest number of a process
	write(t, left, text)
	if err := s.Recover(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is left: %v", err)
	}
	if _, err := os.Stat(st.Path); err != nil {
		t.Errorf("what is on its way: %v", err)
	}
}

// A mailbox that Cyrus kept before leaves nothing of that when it is deleted.
func TestDeletedMailboxLeavesNothingOfCyrus(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john.old")
	write(t, m.tree.dir+"/old/cyrus.header", cyrusMagic)
	if err := s.Delete("user.john.old"); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Discover("default", ""); err != nil || len(found) > 0 {
		t.Errorf("found %v, %v", found, err)
	}
}

// Deliver may have its own lmtpd create mailboxes before there is any other, and so while
// the store is put in order at the start.
func TestRecoverWhileTreesAreMade(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			own, err := Open(testLayout(dir))
			if err != nil {
				t.Error(err)
				return
			}
			defer own.Close()
			name := fmt.Sprintf("user.u%d", i)
			if err := own.Create(Entry{Name: name}); err != nil {
				t.Error(err)
			} else if _, err := s.Status(name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	made := make(chan bool)
	go func() { all.Wait(); close(made) }()
	for {
		if err := s.Recover(); err != nil {
			t.Error(err)
		}
		select {
		case <-made:
			return
		default:
		}
	}
}

func TestRecoverRemovesEmptyTrees(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	create(t, s, "user.john")
	create(t, s, "user.mary.own")
	s.Delete("user.john")
	s.Close()
	s = openStore(t, dir)
	if err := s.Recover(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir + "/spool/user/john"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
	open(t, s, "user.mary.own")
}

func TestQuotaCountsTheMailboxesBelow(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"user.john", "user.john.SPAM", "user.john.own", "user.johnny"} {
		put(t, create(t, s, name), nil, text)
	}
	s.SetQuota("user.john", 100)
	s.SetQuota("user.john.own", 5)
	q, ok, err := s.QuotaRoot("user.john.SPAM.new")
	if want := (Quota{"user.john", 100, int64(2 * len(text))}); err != nil || !ok || q != want {
		t.Errorf("%+v, %v, %v, want %+v", q, ok, err, want)
	}
	if _, ok, _ := s.QuotaRoot("user.johnny"); ok {
		t.Error("a quota reaches a neighbour")
	}
}

func BenchmarkView(b *testing.B) {
	for _, n := range []int{1000, 100000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			v := &View{}
			var all []Message
			for i := range n {
				all = append(all, Message{UID: uint32(i + 1)})
			}
			v = v.with(all, nil)
			for b.Loop() {
				v = v.with([]Message{{UID: uint32(n / 2), ModSeq: 5}}, nil)
			}
		})
	}
}

// A client may name a message twice.
func TestSetsThatOverlap(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	put(t, m, nil, text, text, text, text)
	twice := imap.UIDSet{{Start: 2, Stop: 4}, {Start: 1, Stop: 3}, {Start: 3, Stop: 3}}
	if _, err := m.SetFlags(twice, imap.StoreFlagsAdd, []string{`\Seen`, `\Deleted`}, -1); err != nil {
		t.Fatal(err)
	}
	sound(t, s, "user.john")
	if gone, err := m.Expunge(twice); err != nil || !slices.Equal(gone, []uint32{1, 2, 3, 4}) {
		t.Errorf("expunged %v, %v", gone, err)
	}
	sound(t, s, "user.john")
}

// A set of messages may be in many pieces, with others to be expunged between them.
func TestExpungeSome(t *testing.T) {
	s := newStore(t)
	m := create(t, s, "user.john")
	put(t, m, []string{`\Deleted`}, slices.Repeat([]string{text}, 3*ranges)...)
	var set imap.UIDSet
	for i := range imap.UID(ranges + 1) {
		set.AddNum(2*i + 2)
	}
	gone, err := m.Expunge(set)
	if err != nil || len(gone) != ranges+1 || gone[ranges] != 2*ranges+2 {
		t.Errorf("expunged %v, %v", gone, err)
	}
	sound(t, s, "user.john")
	left := 0
	if err := m.Columns(everyUID, []Column{Envelope, Header}, func(uid uint32, _ [][]byte) error {
		left++
		if set.Contains(imap.UID(uid)) {
			t.Errorf("%d is left", uid)
		}
		return nil
	}); err != nil || left != 2*ranges-1 {
		t.Errorf("%d left, %v", left, err)
	}
}

// Who has not looked for long still hears of all that has changed.
func TestManyChanges(t *testing.T) {
	dir := t.TempDir()
	s, other := openStore(t, dir), openStore(t, dir)
	m := create(t, s, "user.john")
	put(t, m, nil, text, text, text)
	o := open(t, other, "user.john")
	view(t, o)
	m.SetFlags(imap.UIDSetNum(2), imap.StoreFlagsAdd, []string{`\Flagged`}, -1)
	m.tree.db.write(func(c *sqlite.Conn) error { // as if much had happened since
		return run(c, "UPDATE mailbox SET modseq = ?", []any{noted*3 - 2}, nil)
	})
	for i := range 3 {
		op := []imap.StoreFlagsOp{imap.StoreFlagsAdd, imap.StoreFlagsDel}[i%2]
		if _, err := m.SetFlags(imap.UIDSetNum(1), op, []string{`\Answered`}, -1); err != nil {
			t.Fatal(err)
		}
	}
	if got := described(view(t, o)); !slices.Equal(got, []string{`1[\Answered]`, `2[\Flagged]`, "3[]"}) {
		t.Errorf("another process sees %q", got)
	}
	rows := 0
	m.tree.db.read(func(c *sqlite.Conn) error { return run(c, "SELECT 1 FROM change", nil, func(*sqlite.Stmt) { rows++ }) })
	if rows != 3 {
		t.Errorf("%d changes are noted, want the last 3", rows)
	}
}

func TestHash(t *testing.T) {
	for _, test := range []struct{ name, first, full string }{
		{"user.john", "j", "K"},
		{"user.john.SPAM", "j", "K"},
		{"user.Mary", "m", "N"},
		{"user.1a", "q", "F"},
		{"user.a-very-long-name-of-a-user", "a", "F"},
		{"shared", "s", "T"},
	} {
		for full, want := range map[bool]string{false: test.first, true: test.full} {
			if got := (&Layout{FullHash: full}).hash(test.name); got != want {
				t.Errorf("%s, fulldirhash %v: %s, want %s", test.name, full, got, want)
			}
		}
	}
}

// What is recent is counted right, few or many, and other mailboxes do not matter.
func TestStatuses(t *testing.T) {
	s := newStore(t)
	a, b := create(t, s, "user.john"), create(t, s, "user.john.b")
	create(t, s, "user.mary")
	put(t, a, nil, text, text, text, text, text)
	put(t, b, nil, text)
	for _, c := range []struct{ recent, want int }{{0, 4}, {1, 4}, {2, 3}, {3, 2}, {5, 0}} {
		a.tree.db.write(func(conn *sqlite.Conn) error {
			return run(conn, "UPDATE mailbox SET recent = ? WHERE id = ?", []any{c.recent, a.id}, nil)
		})
		if c.recent == 0 {
			a.Remove(imap.UIDSetNum(1))
		}
		entries, err := s.Below("")
		if err != nil {
			t.Fatal(err)
		}
		all, err := s.Statuses(append(entries, Entry{Name: "user.john.none", Partition: "default", box: 77})...)
		if err != nil || len(all) != 3 || all["user.john"].Recent != c.want || all["user.john.b"].Recent != 1 || all["user.mary"].Recent != 0 {
			t.Errorf("recent %d: %v, %v", c.recent, all["user.john"], err)
		}
	}
	if all, err := s.Statuses(Entry{Name: "user.john", Partition: "none"}); err == nil || len(all) != 0 {
		t.Errorf("a partition that is not there: %v, %v", all, err)
	}
}
