package mailstore

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"goqmail/lib/syncdir"
)

// Rename gives a mailbox another name, or partition, or both; not those below it.
// UIDs, flags and the ID stay, UIDVALIDITY does not. An empty partition is the one
// it is in.
//
// The list knows a mailbox by its id in the index, and the index knows its directory.
// So the files get their new names first, then list and index change, in any order, and
// the old names go last.
func (s *Store) Rename(old, name, partition string) error {
	from, err := s.Lookup(old)
	if err != nil {
		return err
	}
	to := from
	to.Name = name
	if partition != "" {
		to.Partition = partition
	}
	src, err := s.tree(from)
	if err != nil {
		return err
	}
	dst, err := s.tree(to)
	if err != nil {
		return err
	}
	_, was := treeOf(old)
	_, rest := treeOf(name)
	if src == dst && was == rest {
		return ErrExists
	}
	var c *sqlite.Conn
	var end func(*error)
	err = s.list.alone(func(list *sqlite.Conn) error {
		if err := renameEntry(list, from, to); err != nil {
			return err
		}
		validity, err := newValidity(list)
		if err != nil {
			return err
		}
		if err := makeDir(dst.boxDir(rest)); err != nil {
			return err
		}
		if err := dst.makeWay(list, to); err != nil {
			return err
		}
		// From here until all is done nothing comes into the old mailbox.
		if c, end, err = src.db.begin(); err != nil {
			return err
		}
		switch name, ok, err := nameOf(c, from.box); {
		case err != nil:
			return err
		case ok:
			was = name // another than in the list after a crash
		}
		if src != dst || was != rest {
			if err := linkAll(src.boxDir(was), dst.boxDir(rest)); err != nil {
				return err
			}
		}
		if src == dst {
			return run(c, "UPDATE mailbox SET name = ?, uidvalidity = ? WHERE id = ?", []any{rest, int64(validity), from.box}, nil)
		}
		box, err := dst.adopt(c, from.box, rest, validity)
		if err != nil {
			return err
		}
		return run(list, "UPDATE mailbox SET box = ? WHERE name = ?", []any{box, name}, nil)
	})
	if err == nil && src != dst {
		err = forget(c, from.box)
	}
	if end != nil {
		end(&err)
	}
	if err != nil {
		return err
	}
	s.tell(old)
	s.tell(name)
	if src == dst && was == rest {
		return nil
	}
	return src.clear(was)
}

// renameEntry changes the list, but for the id.
func renameEntry(c *sqlite.Conn, from, to Entry) error {
	err := run(c, "UPDATE mailbox SET name = ?2, partition = ?3 WHERE name = ?1", []any{from.Name, to.Name, to.Partition}, nil)
	if sqlite.ErrCode(err) == sqlite.ResultConstraintPrimaryKey {
		return ErrExists
	}
	if err != nil {
		return err
	}
	if c.Changes() == 0 {
		return ErrNoMailbox
	}
	for _, query := range []string{
		"UPDATE OR REPLACE quota SET root = ?2 WHERE root = ?1", "UPDATE OR REPLACE annotation SET name = ?2 WHERE name = ?1",
	} {
		if err := run(c, query, []any{from.Name, to.Name}, nil); err != nil {
			return err
		}
	}
	return nil
}

// linkAll gives the messages in one directory the same names in another, where no
// mailbox is yet.
func linkAll(from, to string) error {
	if err := makeDir(to); err != nil {
		return err
	}
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, f := range files {
		if _, ok := parseName(f.Name()); !ok {
			continue
		}
		name := to + "/" + f.Name()
		err := place(from+"/"+f.Name(), name)
		if errors.Is(err, fs.ErrExist) { // left by a crash
			if err = os.Remove(name); err == nil {
				err = place(from+"/"+f.Name(), name)
			}
		}
		if err != nil {
			return err
		}
	}
	return syncdir.Sync(to)
}

// adopt copies all rows of a mailbox in another tree, and returns its id here.
func (t *tree) adopt(from *sqlite.Conn, id int64, rest string, validity uint32) (box int64, err error) {
	err = t.db.write(func(c *sqlite.Conn) error {
		const same = "uidnext, modseq, noted, recent, pruned, messages, unseen, deleted, bytes"
		var failed error
		err := one(from, "SELECT modseq, "+same+" FROM mailbox WHERE id = ?", []any{id}, func(s *sqlite.Stmt) {
			values := []any{rest, int64(validity)}
			for i := 1; i < s.ColumnCount(); i++ {
				values = append(values, s.ColumnInt64(i))
			}
			values[4] = s.ColumnInt64(0) // what changed before is not noted here
			failed = run(c, "INSERT INTO mailbox (name, uidvalidity, "+same+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values, nil)
		})
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		box = c.LastInsertRowID()
		for _, table := range []string{"keyword", "seen"} {
			if err := copyRows(from, c, table, "mailbox", id, id, box-id); err != nil {
				return err
			}
		}
		for _, table := range []string{"expunged", "digest", "sortkey", "header", "message"} {
			if err := copyRows(from, c, table, "key", id<<32, id<<32|(1<<32-1), (box-id)<<32); err != nil {
				return err
			}
		}
		return nil
	})
	return box, err
}

// copyRows copies the rows of a table whose first column is between two values from
// one index to another, where that column is higher by shift.
func copyRows(from, to *sqlite.Conn, table, column string, first, last, shift int64) error {
	query := "SELECT * FROM " + table + " WHERE " + column + " BETWEEN ? AND ?"
	return sqlitex.Execute(from, query, &sqlitex.ExecOptions{Args: []any{first, last}, ResultFunc: func(s *sqlite.Stmt) error {
		values := []any{s.ColumnInt64(0) + shift}
		for i := 1; i < s.ColumnCount(); i++ {
			switch s.ColumnType(i) {
			case sqlite.TypeInteger:
				values = append(values, s.ColumnInt64(i))
			case sqlite.TypeText:
				values = append(values, s.ColumnText(i))
			case sqlite.TypeBlob:
				values = append(values, blob(s, i))
			default:
				values = append(values, nil)
			}
		}
		return run(to, "INSERT INTO "+table+" VALUES (?"+strings.Repeat(", ?", len(values)-1)+")", values, nil)
	}})
}
