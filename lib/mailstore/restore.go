package mailstore

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"
)

// Restore lists a mailbox, as a backup of the list has it: with the messages that its
// directory and the index of its tree have, if they are there, else with none until it
// is reconstructed. One that is listed already gets the ACL, and the partition if that
// is another.
func (s *Store) Restore(e Entry) error {
	if e.Partition == "" {
		e.Partition = s.layout.DefaultPartition
	}
	t, err := s.tree(e)
	if err != nil {
		return err
	}
	box, err := t.find(e.Name)
	if err != nil && !damaged(err) { // Reconstruct sets it aside
		return err
	}
	if e.ID == "" {
		e.ID = newID()
	}
	return s.list.write(func(c *sqlite.Conn) error {
		return run(c, `INSERT INTO mailbox (name, partition, box, acl, id, use) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET partition = excluded.partition, box = excluded.box, acl = excluded.acl`,
			[]any{e.Name, e.Partition, box, e.ACL, e.ID, e.Use}, nil)
	})
}

// Unlist takes mailboxes off the list; their messages and the index stay.
func (s *Store) Unlist(names ...string) error {
	return s.list.write(func(c *sqlite.Conn) error {
		for _, name := range names {
			if err := run(c, "DELETE FROM mailbox WHERE name = ?", []any{name}, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// find returns the id of a mailbox in the index, 0 if it is not there.
func (t *tree) find(name string) (id int64, err error) {
	if !exists(t.db.path) {
		return 0, nil
	}
	_, rest := treeOf(name)
	err = t.db.read(func(c *sqlite.Conn) error {
		return run(c, "SELECT id FROM mailbox WHERE name = ?", []any{rest}, func(s *sqlite.Stmt) { id = s.ColumnInt64(0) })
	})
	return id, err
}

// Discover finds directories of a partition that hold messages, or what Cyrus keeps
// beside them, but are no listed mailboxes: those below root, or all if it is empty. Their ACLs are
// what Cyrus noted for them, if it did.
func (s *Store) Discover(partition, root string) (found []Entry, err error) {
	listed := map[string]bool{}
	entries, err := s.Below("")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		listed[e.Name] = true
	}
	base := s.layout.Partitions[partition]
	below := func(name string) bool { return root == "" || name == root || strings.HasPrefix(name, root+".") }
	if found, err = s.discoverByID(partition, listed); err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(e Entry) bool { return !below(e.Name) })
	err = filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || path == base {
			return err
		}
		if d.Name() == "stage." || path == base+"/uuid" || d.Name() == "DELETED" {
			return fs.SkipDir
		}
		rel := strings.TrimPrefix(path, base+"/")
		if s.layout.HashSpool {
			_, rel, _ = strings.Cut(rel, "/")
		}
		name := strings.ReplaceAll(rel, "/", ".")
		if strings.Contains(rel, ".") || name == "" || name == "user" || listed[name] || !below(name) {
			return nil
		}
		if !holdsMessages(path) {
			return nil
		}
		found = append(found, Entry{Name: name, Partition: partition, ACL: readCyrus(path).acl})
		return nil
	})
	slices.SortFunc(found, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return found, err
}

// holdsMessages tells whether a directory looks like a mailbox.
func holdsMessages(dir string) bool {
	if exists(dir + "/cyrus.header") {
		return true
	}
	files, _ := os.ReadDir(dir)
	return slices.ContainsFunc(files, func(f fs.DirEntry) bool {
		_, ok := parseName(f.Name())
		return ok && f.Type().IsRegular()
	})
}
