package mailstore

import (
	"strings"

	"zombiezen.com/go/sqlite"
)

// Quota is the limit of all mailboxes that are or lie below Root and have no
// nearer root of a quota.
type Quota struct {
	Root  string
	Limit int64 // in kB; negative: none, but the use is counted
	Used  int64 // in bytes
}

// SetQuota sets the limit of a root in kB, and makes it one. A negative limit is none.
func (s *Store) SetQuota(root string, limit int64) error {
	return s.list.write(func(c *sqlite.Conn) error {
		return run(c, "INSERT OR REPLACE INTO quota VALUES (?, ?)", []any{root, max(limit, -1)}, nil)
	})
}

// RemoveQuota makes a mailbox no longer a root of a quota.
func (s *Store) RemoveQuota(root string) error {
	return s.list.write(func(c *sqlite.Conn) error { return run(c, "DELETE FROM quota WHERE root = ?", []any{root}, nil) })
}

// QuotaRoots lists the roots and their limits, by name, without their use.
func (s *Store) QuotaRoots() (roots []Quota, err error) {
	err = s.list.read(func(c *sqlite.Conn) error {
		return run(c, "SELECT root, storage FROM quota ORDER BY root", nil, func(s *sqlite.Stmt) {
			roots = append(roots, Quota{Root: s.ColumnText(0), Limit: s.ColumnInt64(1)})
		})
	})
	return roots, err
}

// QuotaRoot finds the quota that a mailbox, which need not exist, counts
// towards. ok is false if there is none.
func (s *Store) QuotaRoot(name string) (q Quota, ok bool, err error) {
	err = s.list.read(func(c *sqlite.Conn) error {
		for root := name; root != "" && !ok; {
			err := run(c, "SELECT storage FROM quota WHERE root = ?", []any{root}, func(s *sqlite.Stmt) {
				q, ok = Quota{Root: root, Limit: s.ColumnInt64(0)}, true
			})
			if err != nil {
				return err
			}
			root = root[:max(strings.LastIndexByte(root, '.'), 0)]
		}
		return nil
	})
	if err == nil && ok {
		q.Used, err = s.used(q.Root)
	}
	return q, ok, err
}

// used adds up what counts towards a root. Each mailbox knows its own bytes, so
// the sum is right whatever happened; there are few of them.
func (s *Store) used(root string) (bytes int64, err error) {
	entries, err := s.Below(root)
	if err != nil {
		return 0, err
	}
	roots, err := s.QuotaRoots()
	if err != nil {
		return 0, err
	}
	trees := map[*tree]map[string]bool{}
	for _, e := range entries {
		if nearest(roots, e.Name) != root {
			continue
		}
		t, err := s.tree(e)
		if err != nil {
			return 0, err
		}
		if trees[t] == nil {
			trees[t] = map[string]bool{}
		}
		_, rest := treeOf(e.Name)
		trees[t][rest] = true
	}
	for t, names := range trees {
		err := t.db.read(func(c *sqlite.Conn) error {
			return run(c, "SELECT name, bytes FROM mailbox", nil, func(s *sqlite.Stmt) {
				if names[s.ColumnText(0)] {
					bytes += s.ColumnInt64(1)
				}
			})
		})
		if err != nil {
			return 0, err
		}
	}
	return bytes, nil
}

// nearest returns the root that a mailbox counts towards.
func nearest(roots []Quota, name string) (root string) {
	for _, q := range roots {
		if (name == q.Root || strings.HasPrefix(name, q.Root+".")) && len(q.Root) > len(root) {
			root = q.Root
		}
	}
	return root
}
