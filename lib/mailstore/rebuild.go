package mailstore

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/emersion/go-imap/v2"
	"golang.org/x/sys/unix"
	"zombiezen.com/go/sqlite"

	"goqmail/lib/digest"
	"goqmail/lib/syncdir"
)

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
