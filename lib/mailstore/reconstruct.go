package mailstore

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/emersion/go-imap/v2"
	"golang.org/x/sys/unix"
	"zombiezen.com/go/sqlite"

	"goqmail/lib/digest"
	"goqmail/lib/syncdir"
)

// Rebuild says how a mailbox is to be reconstructed.
type Rebuild struct {
	Digests  bool                  // read all messages anew
	Progress func(done, total int) // hears how many messages were read; may be nil
}

// Rebuilt is what Reconstruct did.
type Rebuilt struct {
	Added   int // files that had no row
	Dropped int // rows that had no file
	Removed int // files of expunged messages
	Read    int // messages whose digest was missing or not theirs
	Broken  bool
}

// Reconstruct brings the index of a listed mailbox and the files in its directory to
// agreement:
//
//   - What Cyrus has in a directory by the mailbox's id goes into that of its name.
//   - A file <uid>. without a row gets one. Its flags and date are those that Cyrus's
//     index has for it, or no flags and the time at which it was last changed. It keeps
//     its UID unless clients may have seen a higher one; then it is renamed to the next.
//   - A file whose message Cyrus has expunged and kept for some days stays where it is,
//     and is no message.
//   - A file whose message was expunged before a crash is removed; one that came later,
//     as from a backup, is new.
//   - A row without a file is dropped, as if the message was expunged.
//   - What a message has in the index is read anew if it is missing or the file has
//     another size. The message itself is never changed: one without CR LF line ends
//     is served as it is.
//   - Counts, UIDNEXT and the modification sequence are made to fit.
//   - A file that cannot be read stays as it is. When all else is done that is the error.
//
// An index that SQLite cannot read is set aside as index.db.broken, and all mailboxes
// of its tree are rebuilt from what is left: their files. Nobody else may use the tree
// then; else others may, and a crash at any moment does no harm.
func (s *Store) Reconstruct(name string, o Rebuild) (r Rebuilt, err error) {
	e, err := s.Lookup(name)
	if err != nil {
		return r, err
	}
	t, err := s.tree(e)
	if err != nil {
		return r, err
	}
	defer s.orders.forget(t)
	r, err = s.reconstruct(e, t, o)
	if !damaged(err) {
		return r, err
	}
	if err := t.setAside(); err != nil {
		return r, err
	}
	root, _ := treeOf(name)
	entries, err := s.Below(root)
	if err != nil {
		return r, err
	}
	for _, other := range entries {
		if u, err := s.tree(other); err != nil || u != t || other.Name == name {
			continue
		}
		if _, err := s.reconstruct(other, t, o); err != nil {
			return r, err
		}
	}
	r, err = s.reconstruct(e, t, o)
	r.Broken = true
	return r, err
}

// damaged tells whether a database cannot be read.
func damaged(err error) bool {
	code := sqlite.ErrCode(err).ToPrimary()
	return err != nil && (code == sqlite.ResultCorrupt || code == sqlite.ResultNotADB)
}

// setAside gives an index that cannot be read another name.
func (t *tree) setAside() error {
	if err := t.db.close(); err != nil && !damaged(err) {
		return err
	}
	path := t.db.path
	for _, suffix := range []string{"", "-wal", "-shm"} {
		err := os.Rename(path+suffix, path+".broken"+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncdir.Sync(t.dir)
}

// rebuilder is one mailbox on its way.
type rebuilder struct {
	*Mailbox
	dir    string
	cyrus  *cyrus
	result Rebuilt
	option Rebuild
	done   int // messages read
	total  int
	unread error // why a message could not be
}

// settle is for how many seconds after a message was expunged its file may still
// change, by losing one of its names.
const settle = 10

// file is a message's file.
type file struct {
	uid     uint32
	size    uint32
	date    int64 // modified
	changed int64 // its name, among other things
}

func (s *Store) reconstruct(e Entry, t *tree, o Rebuild) (Rebuilt, error) {
	_, rest := treeOf(e.Name)
	b := &rebuilder{dir: t.boxDir(rest), option: o}
	if err := makeDir(b.dir); err != nil {
		return b.result, err
	}
	if dir := byID(e.ID); dir != "" {
		if err := takeOver(s.layout.Partitions[e.Partition]+"/"+dir, b.dir); err != nil {
			return b.result, err
		}
	}
	b.cyrus = readCyrus(b.dir)
	b.cyrus.readSeen(&s.layout, e.Name)
	id, err := s.place(e, t, b.cyrus)
	if err != nil {
		return b.result, err
	}
	b.Mailbox = &Mailbox{store: s, entry: e, tree: t, id: id}
	if err := b.run(); err != nil {
		return b.result, err
	}
	if e.box == 0 {
		if err := s.takeSubscriptions(e); err != nil {
			return b.result, err
		}
	}
	// Listed last: until then nothing can be delivered among the messages of old.
	if err := s.changeList(e.Name, "UPDATE mailbox SET box = ?2 WHERE name = ?1", e.Name, id); err != nil {
		return b.result, err
	}
	if q := b.cyrus.quotaRoot; q != "" {
		if limit, ok := cyrusQuota(&s.layout, q); ok {
			err := s.list.write(func(c *sqlite.Conn) error {
				return run(c, "INSERT OR IGNORE INTO quota VALUES (?, ?)", []any{q, limit}, nil)
			})
			if err != nil {
				return b.result, err
			}
		}
	}
	return b.result, b.unread
}

// place finds a listed mailbox in the index, or puts it there, and returns its id. The
// name counts first: a tree may come from a backup, with other ids.
func (s *Store) place(e Entry, t *tree, old *cyrus) (id int64, err error) {
	root, rest := treeOf(e.Name)
	left := "" // a name that is no longer its own
	err = s.list.write(func(list *sqlite.Conn) error {
		return t.db.write(func(c *sqlite.Conn) error {
			find := "SELECT id FROM mailbox WHERE name = ?"
			if err := run(c, find, []any{rest}, func(s *sqlite.Stmt) { id = s.ColumnInt64(0) }); err != nil || id != 0 {
				return err
			}
			// A crash while it got its name leaves the old one, which is nobody's.
			was, known, err := nameOf(c, e.box)
			if err != nil {
				return err
			}
			if known {
				owned := false
				err := run(list, "SELECT 1 FROM mailbox WHERE name = ? AND partition = ?", []any{strings.TrimSuffix(root+"."+was, "."), e.Partition},
					func(*sqlite.Stmt) { owned = true })
				if err != nil {
					return err
				}
				if !owned {
					id, left = e.box, was
					return t.finishRename(c, id, was, rest)
				}
			}
			validity := old.uidValidity
			if validity == 0 {
				if validity, err = newValidity(list); err != nil {
					return err
				}
			} else if err := run(list, "UPDATE uidvalidity SET last = max(last, ?)", []any{int64(validity)}, nil); err != nil {
				return err
			}
			err = run(c, "INSERT INTO mailbox (name, uidvalidity) VALUES (?, ?)", []any{rest, int64(validity)}, nil)
			id = c.LastInsertRowID()
			return err
		})
	})
	if err == nil && left != "" {
		err = t.clear(left)
	}
	return id, err
}

// run does the work.
func (b *rebuilder) run() error {
	files, err := b.files()
	if err != nil {
		return err
	}
	var rows []Message
	next := uint32(1)
	expunged := map[uint32]int64{} // when
	stale := map[uint32]bool{}     // rows without a digest
	err = b.tree.db.read(func(c *sqlite.Conn) error {
		var err error
		if rows, err = b.changed(c, 0); err != nil {
			return err
		}
		if err := one(c, "SELECT uidnext FROM mailbox WHERE id = ?", []any{b.id}, func(s *sqlite.Stmt) { next = uint32(s.ColumnInt64(0)) }); err != nil {
			return err
		}
		first, last := b.key(0), b.key(1<<32-1)
		err = run(c, "SELECT key, date FROM expunged WHERE key BETWEEN ? AND ?", []any{first, last},
			func(s *sqlite.Stmt) { expunged[uint32(s.ColumnInt64(0))] = s.ColumnInt64(1) })
		if err != nil {
			return err
		}
		return run(c, `SELECT m.key FROM message m LEFT JOIN digest d USING (key) LEFT JOIN sortkey k USING (key) LEFT JOIN header h USING (key)
			WHERE m.key BETWEEN ? AND ? AND (d.key IS NULL OR k.key IS NULL OR h.key IS NULL)`, []any{first, last},
			func(s *sqlite.Stmt) { stale[uint32(s.ColumnInt64(0))] = true })
	})
	if err != nil {
		return err
	}

	var unknown, lost, again []file // without a row, the same but below UIDNEXT, to be read anew
	have := map[uint32]bool{}
	for _, f := range files {
		have[f.uid] = true
		i, found := slices.BinarySearchFunc(rows, f.uid, func(m Message, uid uint32) int { return cmp.Compare(m.UID, uid) })
		gone, known := expunged[f.uid]
		switch {
		case found:
			if b.option.Digests || stale[f.uid] || rows[i].Size != f.size {
				again = append(again, f)
			}
		case known && f.changed <= gone+settle:
			if err := os.Remove(b.path(f.uid)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			b.result.Removed++
		case !known && b.gone(f): // it would come back if cyrus.index went
		case f.uid >= next:
			unknown = append(unknown, f)
		default:
			lost = append(lost, f)
		}
	}
	var missing []uint32
	for _, m := range rows {
		if !have[m.UID] {
			missing = append(missing, m.UID)
		}
	}
	b.total = len(unknown) + len(lost) + len(again)
	if err := b.inBatches(again, b.refresh); err != nil {
		return err
	}
	if err := b.drop(missing); err != nil {
		return err
	}
	// The lost ones last, because they get UIDs after all others.
	if err := b.inBatches(append(unknown, lost...), b.add); err != nil {
		return err
	}
	return b.recount()
}

// gone tells whether Cyrus has expunged a message and kept the file for a time.
func (b *rebuilder) gone(f file) bool {
	old := b.cyrus.record(f.uid, f.size)
	return old != nil && old.gone && f.uid <= b.cyrus.lastUID
}

func (b *rebuilder) path(uid uint32) string { return b.dir + "/" + fileName(uid) }

// files lists the files of messages by UID.
func (b *rebuilder) files() (files []file, err error) {
	dir, err := os.ReadDir(b.dir)
	if err != nil {
		return nil, err
	}
	for _, d := range dir {
		uid, ok := parseName(d.Name())
		if !ok || !d.Type().IsRegular() {
			continue
		}
		var st unix.Stat_t
		switch err := unix.Lstat(b.path(uid), &st); {
		case errors.Is(err, fs.ErrNotExist): // expunged meanwhile
			continue
		case err != nil:
			return nil, fmt.Errorf("unable to look at %s: %w", b.path(uid), err)
		case st.Size > 1<<32-1:
			continue
		}
		files = append(files, file{uid, uint32(st.Size), int64(st.Mtim.Sec), int64(st.Ctim.Sec)})
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.uid, b.uid) })
	return files, nil
}

// batch is how many messages are read before their rows are written.
const batch = 256

// inBatches reads messages, many at a time, and has f write what is known of them then.
// Those that cannot be read are left as they are.
func (b *rebuilder) inBatches(files []file, f func(*sqlite.Conn, file, *digest.Digest) error) error {
	for len(files) > 0 {
		now := files[:min(batch, len(files))]
		files = files[len(now):]
		digests, errs := make([]*digest.Digest, len(now)), make([]error, len(now))
		var wait sync.WaitGroup
		for worker := range runtime.GOMAXPROCS(0) {
			wait.Go(func() {
				for i := worker; i < len(now); i += runtime.GOMAXPROCS(0) {
					digests[i], errs[i] = b.read(now[i])
				}
			})
		}
		wait.Wait()
		for _, err := range errs {
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // expunged meanwhile
				b.unread = err
			}
		}
		if err := syncdir.Sync(b.dir); err != nil {
			return err
		}
		err := b.tree.db.write(func(c *sqlite.Conn) error {
			for i := range now {
				if digests[i] == nil {
					continue
				}
				if err := f(c, now[i], digests[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		b.done += len(now)
		if b.option.Progress != nil {
			b.option.Progress(b.done, b.total)
		}
	}
	return nil
}

// read reads a message and sees to it that it is durable before its row is.
func (b *rebuilder) read(f file) (*digest.Digest, error) {
	in, err := os.Open(b.path(f.uid))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if err := in.Sync(); err != nil {
		return nil, err
	}
	return digest.Read(in, int64(f.size))
}

// add adds a message that has a file only.
func (b *rebuilder) add(c *sqlite.Conn, f file, g *digest.Digest) error {
	known := false
	if err := run(c, "SELECT 1 FROM message WHERE key = ?", []any{b.key(f.uid)}, func(*sqlite.Stmt) { known = true }); err != nil || known {
		return err // a delivery was on its way
	}
	in := Incoming{Size: f.size, Digest: g, Date: f.date}
	if old := b.cyrus.record(f.uid, f.size); old != nil && !old.gone {
		in.Date, in.Flags = old.date, b.cyrus.flags(old)
	}
	var next int64
	if err := one(c, "SELECT uidnext FROM mailbox WHERE id = ?", []any{b.id}, func(s *sqlite.Stmt) { next = s.ColumnInt64(0) }); err != nil {
		return err
	}
	uid := f.uid
	if int64(uid) < next {
		for exists(b.path(uint32(next))) {
			next++
		}
		if next >= 1<<32-1 {
			return errNoUIDs
		}
		// A crash after this leaves a file that is added under its new name.
		uid = uint32(next)
		if err := os.Rename(b.path(f.uid), b.path(uid)); err != nil {
			return err
		}
		if err := syncdir.Sync(b.dir); err != nil {
			return err
		}
	}
	if err := run(c, "UPDATE mailbox SET uidnext = ? WHERE id = ?", []any{int64(uid) + 1, b.id}, nil); err != nil {
		return err
	}
	d := &delivery{box: b.Mailbox, messages: []Incoming{in}, uids: []uint32{uid}}
	err := d.insert(c)
	if errors.Is(err, ErrTooManyKeywords) { // Cyrus has room for more; the message matters more than they do
		d.messages[0].Flags = slices.DeleteFunc(in.Flags, func(name string) bool { return systemFlag(name) == 0 })
		err = d.insert(c)
	}
	if err == nil {
		b.result.Added++
	}
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// refresh writes what a message has anew.
func (b *rebuilder) refresh(c *sqlite.Conn, f file, g *digest.Digest) error {
	key := b.key(f.uid)
	if err := run(c, "UPDATE message SET size = ? WHERE key = ?", []any{int64(f.size), key}, nil); err != nil || c.Changes() == 0 {
		return err // expunged meanwhile
	}
	for _, table := range []string{"digest", "sortkey", "header"} {
		if err := run(c, "DELETE FROM "+table+" WHERE key = ?", []any{key}, nil); err != nil {
			return err
		}
	}
	b.result.Read++
	return insertDigest(c, key, g)
}

// drop expunges rows whose files are gone.
func (b *rebuilder) drop(uids []uint32) error {
	if len(uids) == 0 {
		return nil
	}
	return b.tree.db.write(func(c *sqlite.Conn) error {
		var lost imap.UIDSet
		for _, uid := range uids {
			if !exists(b.path(uid)) {
				lost.AddNum(imap.UID(uid))
			}
		}
		gone, err := b.expunge(c, lost, 0)
		b.result.Dropped += len(gone)
		return err
	})
}

// recount makes what is said of the mailbox as a whole fit its messages.
func (b *rebuilder) recount() error {
	first, last := b.key(0), b.key(1<<32-1)
	return b.tree.db.write(func(c *sqlite.Conn) error {
		for _, table := range []string{"digest", "sortkey", "header"} {
			err := run(c, "DELETE FROM "+table+" WHERE key BETWEEN ? AND ? AND key NOT IN (SELECT key FROM message WHERE key BETWEEN ?1 AND ?2)", []any{first, last}, nil)
			if err != nil {
				return err
			}
		}
		return run(c, `UPDATE mailbox SET
			messages = (SELECT count(*) FROM message WHERE key BETWEEN ?1 AND ?2),
			unseen = (SELECT count(*) FROM message WHERE key BETWEEN ?1 AND ?2 AND flags & 8 = 0),
			deleted = (SELECT count(*) FROM message WHERE key BETWEEN ?1 AND ?2 AND flags & 4 <> 0),
			bytes = (SELECT coalesce(sum(size), 0) FROM message WHERE key BETWEEN ?1 AND ?2),
			uidnext = max(uidnext, ?4 + 1,
				1 + (SELECT coalesce(max(key) & 0xffffffff, 0) FROM message WHERE key BETWEEN ?1 AND ?2),
				1 + (SELECT coalesce(max(key) & 0xffffffff, 0) FROM expunged WHERE key BETWEEN ?1 AND ?2)),
			modseq = max(modseq,
				(SELECT coalesce(max(modseq), 0) FROM message WHERE key BETWEEN ?1 AND ?2),
				(SELECT coalesce(max(modseq), 0) FROM expunged WHERE key BETWEEN ?1 AND ?2))
			WHERE id = ?3`, []any{first, last, b.id, int64(b.cyrus.lastUID)}, nil)
	})
}
