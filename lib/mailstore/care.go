package mailstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/emersion/go-imap/v2"
	"zombiezen.com/go/sqlite"

	"goqmail/lib/syncdir"
)

// databases calls f with each database of the store: the list, then the indexes.
func (s *Store) databases(f func(*database) error) error {
	errs := []error{f(s.list)}
	for _, partition := range s.layout.Partitions {
		paths, err := indexes(partition)
		if err != nil {
			return err
		}
		for _, path := range paths {
			d := &database{path: path, schema: treeSchema, open: &s.open}
			errs = append(errs, f(d), d.close())
		}
	}
	return errors.Join(errs...)
}

// Check reads the databases that were not closed in order, and returns what is wrong
// with them. What SQLite does after a crash comes by itself, with the first look.
func (s *Store) Check() error {
	return s.databases(func(d *database) error {
		if st, err := os.Stat(d.path + "-wal"); d != s.list && (err != nil || st.Size() == 0) {
			return nil
		}
		return d.read(func(c *sqlite.Conn) error {
			said := ""
			err := run(c, "PRAGMA quick_check(1)", nil, func(s *sqlite.Stmt) { said = s.ColumnText(0) })
			if err == nil && said != "ok" {
				err = fmt.Errorf("%s: %s", d.path, said)
			}
			return err
		})
	})
}

// Checkpoint moves what was committed from the logs of the databases to the databases,
// and puts a copy of the list into a directory, whose content it replaces.
func (s *Store) Checkpoint(backup string) error {
	err := s.databases(func(d *database) error {
		c, err := d.connection()
		if err != nil {
			return err
		}
		defer d.release(c)
		return run(c, "PRAGMA wal_checkpoint(TRUNCATE)", nil, nil)
	})
	if err != nil {
		return err
	}
	if err := makeDir(backup); err != nil {
		return err
	}
	path := filepath.Join(backup, "mailboxes.db")
	os.Remove(path)
	c, err := s.list.connection()
	if err != nil {
		return err
	}
	defer s.list.release(c)
	if err := run(c, "VACUUM INTO ?", []any{path}, nil); err != nil {
		return err
	}
	return syncdir.Sync(backup)
}

// Expire expunges the messages of a mailbox that came to it before a time, and returns
// how many, and of how many.
func (m *Mailbox) Expire(before time.Time) (expunged, messages int, err error) {
	var old imap.UIDSet
	err = m.tree.db.read(func(c *sqlite.Conn) error {
		return run(c, "SELECT key, date FROM message WHERE key BETWEEN ? AND ? ORDER BY key", []any{m.key(0), m.key(1<<32 - 1)}, func(s *sqlite.Stmt) {
			messages++
			if s.ColumnInt64(1) < before.Unix() {
				old.AddNum(imap.UID(uint32(s.ColumnInt64(0))))
			}
		})
	})
	if err != nil || len(old) == 0 {
		return 0, messages, err
	}
	gone, err := m.remove(old, 0)
	return len(gone), messages, err
}

// Prune forgets which messages were expunged before a time. Clients that were away for
// longer are told of all UIDs that are no more.
func (m *Mailbox) Prune(before time.Time) (forgotten int, err error) {
	const some = "FROM expunged WHERE key BETWEEN ? AND ? AND date < ?"
	which := []any{m.key(0), m.key(1<<32 - 1), before.Unix()}
	err = m.tree.db.write(func(c *sqlite.Conn) error {
		dir, err := m.dir(c)
		if err != nil {
			return err
		}
		highest := int64(0)
		err = run(c, "SELECT key, modseq "+some, which, func(s *sqlite.Stmt) {
			// A file that a crash has left would pass for a new message.
			os.Remove(dir + "/" + fileName(uint32(s.ColumnInt64(0))))
			highest = max(highest, s.ColumnInt64(1))
			forgotten++
		})
		if err != nil || forgotten == 0 {
			return err
		}
		if err := syncdir.Sync(dir); err != nil {
			return err
		}
		if err := run(c, "DELETE "+some, which, nil); err != nil {
			return err
		}
		return run(c, "UPDATE mailbox SET pruned = max(pruned, ?) WHERE id = ?", []any{highest, m.id}, nil)
	})
	return forgotten, err
}

// Recount counts the messages of a mailbox anew, and returns how many bytes they were
// said to have and how many they have.
func (m *Mailbox) Recount() (was, is int64, err error) {
	before, err := m.store.Status(m.entry.Name)
	if err != nil {
		return 0, 0, err
	}
	b := &rebuilder{Mailbox: m, cyrus: &cyrus{}}
	if err := b.recount(); err != nil {
		return 0, 0, err
	}
	after, err := m.store.Status(m.entry.Name)
	return before.Bytes, after.Bytes, err
}
