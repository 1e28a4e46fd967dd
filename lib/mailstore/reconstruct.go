package mailstore

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"zombiezen.com/go/sqlite"

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
