package mailstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"zombiezen.com/go/sqlite"
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
	err = s.list.write(func(c *sqlite.Conn) error {
		validity, err := newValidity(c)
		if err != nil {
			return err
		}
		return insertEntry(c, e, func() (int64, error) { return t.add(c, e, validity) })
	})
	if err != nil {
		return err
	}
	s.tell(e.Name)
	return nil
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

// add makes the directory of a mailbox, puts it, empty, into the index and returns its id.
func (t *tree) add(list *sqlite.Conn, e Entry, validity uint32) (id int64, err error) {
	_, rest := treeOf(e.Name)
	if err := makeDir(t.boxDir(rest)); err != nil {
		return 0, err
	}
	if err := t.makeWay(list, e); err != nil {
		return 0, err
	}
	err = t.db.write(func(c *sqlite.Conn) error {
		err := run(c, "INSERT INTO mailbox (name, uidvalidity) VALUES (?, ?)", []any{rest, int64(validity)}, nil)
		id = c.LastInsertRowID()
		return err
	})
	return id, err
}

// makeWay makes way in the index for a mailbox that is about to be listed. What has its
// name there is what a crash left: of one that is deleted, which is forgotten, or of one
// that is listed under another name, which it now gets in the index as well.
func (t *tree) makeWay(list *sqlite.Conn, e Entry) error {
	root, rest := treeOf(e.Name)
	left := false // messages in the directory that are of the other one
	err := t.db.write(func(c *sqlite.Conn) error {
		id := int64(0)
		err := run(c, "SELECT id FROM mailbox WHERE name = ?", []any{rest}, func(s *sqlite.Stmt) { id = s.ColumnInt64(0) })
		if err != nil || id == 0 {
			return err
		}
		owner := ""
		err = run(list, "SELECT name FROM mailbox WHERE box = ? AND partition = ? AND (name = ? OR name > ? AND name < ?)",
			[]any{id, e.Partition, root, root + ".", root + "/"}, func(s *sqlite.Stmt) { owner = s.ColumnText(0) })
		switch {
		case err != nil || owner == e.Name:
			return err
		case owner == "":
			return forget(c, id)
		}
		_, to := treeOf(owner)
		left = true
		return t.finishRename(c, id, rest, to)
	})
	if err != nil || !left {
		return err
	}
	return t.clear(rest)
}

// finishRename does what a crash kept Rename from: the list has the new name, the index
// the old one, and the files may have both.
func (t *tree) finishRename(c *sqlite.Conn, id int64, was, rest string) error {
	if err := linkAll(t.boxDir(was), t.boxDir(rest)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return run(c, "UPDATE mailbox SET name = ? WHERE id = ?", []any{rest, id}, nil)
}

// nameOf returns the name that a mailbox has in the index, below the root. ok is false
// if it is not there.
func nameOf(c *sqlite.Conn, id int64) (name string, ok bool, err error) {
	err = run(c, "SELECT name FROM mailbox WHERE id = ?", []any{id}, func(s *sqlite.Stmt) { name, ok = s.ColumnText(0), true })
	return name, ok, err
}

// forget removes a mailbox, and its messages, from the index.
func forget(c *sqlite.Conn, id int64) error {
	for _, query := range []string{
		"DELETE FROM message WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | 0xffffffff",
		"DELETE FROM digest WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | 0xffffffff",
		"DELETE FROM sortkey WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | 0xffffffff",
		"DELETE FROM header WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | 0xffffffff",
		"DELETE FROM change WHERE mailbox = ?",
		"DELETE FROM expunged WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | 0xffffffff",
		"DELETE FROM keyword WHERE mailbox = ?",
		"DELETE FROM seen WHERE mailbox = ?",
		"DELETE FROM mailbox WHERE id = ?",
	} {
		if err := run(c, query, []any{id}, nil); err != nil {
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
	err = t.db.write(func(c *sqlite.Conn) error {
		was, ok, err := nameOf(c, e.box)
		if err != nil || !ok {
			return err
		}
		rest = was
		return forget(c, e.box)
	})
	if err != nil {
		return err
	}
	s.tell(name)
	return t.clear(rest)
}

// clear removes the messages of a mailbox that has this name no more, and directories in
// which there is nothing and no mailbox. Another may have taken the name: its messages stay. The
// index stays even if the tree has no other mailbox: another process may have it open, and
// must not write to a file without a name. Recover removes it.
func (t *tree) clear(name string) error {
	return t.db.write(func(c *sqlite.Conn) error {
		id, taken, err := idOf(c, name)
		if err != nil {
			return err
		}
		kept := map[uint32]bool{}
		err = run(c, "SELECT key FROM message WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | 0xffffffff", []any{id},
			func(s *sqlite.Stmt) { kept[uint32(s.ColumnInt64(0))] = true })
		if err != nil {
			return err
		}
		dir := t.boxDir(name)
		files, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, f := range files {
			// What Cyrus noted of it would pass for a mailbox, or for notes on the next one here.
			if uid, ok := parseName(f.Name()); ok && !kept[uid] || strings.HasPrefix(f.Name(), "cyrus.") {
				if err := os.Remove(dir + "/" + f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
		for name != "" && !taken && os.Remove(t.boxDir(name)) == nil {
			name = name[:max(0, strings.LastIndexByte(name, '.'))]
			if _, taken, err = idOf(c, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// idOf returns the id that a mailbox has by its name below the root. ok is false if there
// is none.
func idOf(c *sqlite.Conn, name string) (id int64, ok bool, err error) {
	err = run(c, "SELECT id FROM mailbox WHERE name = ?", []any{name}, func(s *sqlite.Stmt) { id, ok = s.ColumnInt64(0), true })
	return id, ok, err
}

// Recover removes what is left of trees without mailboxes, and of messages that were on
// their way in. Of other processes only those may use the store that began after its last
// mailbox was deleted, such as the lmtpd that deliver has for itself before there is one.
func (s *Store) Recover() error {
	for _, partition := range s.layout.Partitions {
		staged, err := filepath.Glob(partition + "/stage./*")
		if err != nil {
			return err
		}
		for _, path := range staged {
			if pid, _, _ := strings.Cut(filepath.Base(path), "-"); !runs(pid) {
				os.Remove(path)
			}
		}
		indexes, err := indexes(partition)
		if err != nil {
			return err
		}
		for _, path := range indexes {
			t := &tree{dir: filepath.Dir(path), db: &database{path: path, schema: treeSchema, open: &s.open}}
			// With the right to write to the list, as mailboxes are created.
			if err := s.list.write(func(*sqlite.Conn) error { t.removeEmpty(); return nil }); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeEmpty removes the index, if it can be read, of a tree without mailboxes.
func (t *tree) removeEmpty() {
	n := 0
	err := t.db.read(func(c *sqlite.Conn) error {
		return run(c, "SELECT 1 FROM mailbox", nil, func(*sqlite.Stmt) { n++ })
	})
	t.db.close()
	if err != nil || n > 0 {
		return
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(t.db.path + suffix)
	}
	os.Remove(t.dir) // unless there is more in it
}

// runs tells whether there is a process of that number, or no number.
func runs(pid string) bool {
	n, err := strconv.Atoi(pid)
	return err != nil || n <= 0 || !errors.Is(syscall.Kill(n, 0), syscall.ESRCH)
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
