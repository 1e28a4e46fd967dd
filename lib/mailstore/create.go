package mailstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"zombiezen.com/go/sqlite"

	"goqmail/lib/syncdir"
)

// Create creates a mailbox. e.ID is chosen if it is empty, and so is e.Partition.
// The error is ErrExists if there is one of that name.
//
// The list is last: a mailbox that is not listed does not exist, and what a crash
// leaves of it in the index makes way for the next one of its name.
func (s *Store) Create(e Entry) error {
	if e.Partition == "" {
		e.Partition = s.layout.DefaultPartition
	}
	if e.ID == "" {
		e.ID = newID()
	}
	t, err := s.tree(e)
	if err != nil {
		return err
	}
	_, rest := treeOf(e.Name)
	dir := t.boxDir(rest)
	if err := makeDir(dir); err != nil {
		return err
	}
	err = s.list.write(func(c *sqlite.Conn) error {
		validity, err := newValidity(c)
		if err != nil {
			return err
		}
		return insertEntry(c, e, func() (int64, error) { return t.add(rest, validity) })
	})
	if err != nil {
		return err
	}
	s.tell(e.Name)
	return syncdir.Sync(filepath.Dir(dir))
}

// insertEntry lists a mailbox if there is none of its name, after box has made
// what it needs in the index and returned its id there.
func insertEntry(c *sqlite.Conn, e Entry, box func() (int64, error)) error {
	err := run(c, "INSERT INTO mailbox VALUES (?, ?, 0, ?, ?, ?)", []any{e.Name, e.Partition, e.ACL, e.ID, e.Use}, nil)
	if sqlite.ErrCode(err) == sqlite.ResultConstraintPrimaryKey {
		return ErrExists
	}
	if err != nil {
		return err
	}
	id, err := box()
	if err != nil {
		return err
	}
	return run(c, "UPDATE mailbox SET box = ? WHERE name = ?", []any{id, e.Name}, nil)
}

// add puts an empty mailbox into the index and returns its id.
func (t *tree) add(rest string, validity uint32) (id int64, err error) {
	err = t.db.write(func(c *sqlite.Conn) error {
		if err := forget(c, rest); err != nil {
			return err
		}
		err := run(c, "INSERT INTO mailbox (name, uidvalidity) VALUES (?, ?)", []any{rest, int64(validity)}, nil)
		id = c.LastInsertRowID()
		return err
	})
	return id, err
}

// forget removes a mailbox, and its messages, from the index.
func forget(c *sqlite.Conn, rest string) error {
	for _, query := range []string{
		"DELETE FROM message WHERE key >> 32 = (SELECT id FROM mailbox WHERE name = ?)",
		"DELETE FROM expunged WHERE key >> 32 = (SELECT id FROM mailbox WHERE name = ?)",
		"DELETE FROM keyword WHERE mailbox = (SELECT id FROM mailbox WHERE name = ?)",
		"DELETE FROM seen WHERE mailbox = (SELECT id FROM mailbox WHERE name = ?)",
		"DELETE FROM mailbox WHERE name = ?",
	} {
		if err := run(c, query, []any{rest}, nil); err != nil {
			return err
		}
	}
	return nil
}

// Delete deletes a mailbox, but not those below it: first from the list, so that
// a crash leaves no mailbox that lacks messages.
func (s *Store) Delete(name string) error {
	e, err := s.Lookup(name)
	if err != nil {
		return err
	}
	t, err := s.tree(e)
	if err != nil {
		return err
	}
	err = s.list.write(func(c *sqlite.Conn) error {
		for _, query := range []string{
			"DELETE FROM annotation WHERE name = ?", "DELETE FROM quota WHERE root = ?", "DELETE FROM mailbox WHERE name = ?",
		} {
			if err := run(c, query, []any{name}, nil); err != nil {
				return err
			}
		}
		if c.Changes() == 0 {
			return ErrNoMailbox
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, rest := treeOf(name)
	if err := t.db.write(func(c *sqlite.Conn) error { return forget(c, rest) }); err != nil {
		return err
	}
	s.tell(name)
	return clear(t, t.boxDir(rest))
}

// clear removes the messages of a mailbox that is no more, and its directory if
// nothing is below it. The index stays even if the tree has no other mailbox:
// another process may have it open, and must not write to a file without a name.
// Recover removes it.
func clear(t *tree, dir string) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		if _, ok := parseName(f.Name()); ok {
			os.Remove(dir + "/" + f.Name())
		}
	}
	for d := dir; d != t.dir && os.Remove(d) == nil; d = filepath.Dir(d) {
	}
	return nil
}

// Recover removes what is left of trees without mailboxes. No other process may use
// the store.
func (s *Store) Recover() error {
	for _, partition := range s.layout.Partitions {
		indexes, err := indexes(partition)
		if err != nil {
			return err
		}
		for _, path := range indexes {
			t := &tree{dir: filepath.Dir(path), db: &database{path: path, schema: treeSchema, open: &s.open}}
			n := 0
			err := t.db.read(func(c *sqlite.Conn) error {
				return run(c, "SELECT 1 FROM mailbox", nil, func(*sqlite.Stmt) { n++ })
			})
			t.db.close()
			if err != nil || n > 0 {
				continue
			}
			for _, suffix := range []string{"", "-wal", "-shm"} {
				os.Remove(path + suffix)
			}
			os.Remove(t.dir) // unless there is more in it
		}
	}
	return nil
}

// indexes finds the indexes of all trees of a partition.
func indexes(partition string) (paths []string, err error) {
	for _, pattern := range []string{"/*/index.db", "/*/*/index.db", "/*/*/*/index.db"} { // netnews, user/john, j/user/john
		found, err := filepath.Glob(partition + pattern)
		if err != nil {
			return nil, err
		}
		paths = append(paths, found...)
	}
	return paths, nil
}
