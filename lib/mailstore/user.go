package mailstore

import "zombiezen.com/go/sqlite"

// RemoveUser forgets what the list knows of a user besides his mailboxes: what he is
// subscribed to, and his annotations.
func (s *Store) RemoveUser(user string) error {
	return s.list.write(func(c *sqlite.Conn) error {
		for _, query := range []string{"DELETE FROM subscription WHERE user = ?", "DELETE FROM annotation WHERE user = ?"} {
			if err := run(c, query, []any{user}, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// RenameUser gives these to a user of another name, whose mailboxes were below root and
// are below newRoot now.
func (s *Store) RenameUser(user, root, newUser, newRoot string) error {
	return s.list.write(func(c *sqlite.Conn) error {
		for _, query := range []string{
			"UPDATE OR REPLACE subscription SET user = ?2 WHERE user = ?1",
			"UPDATE OR REPLACE annotation SET user = ?2 WHERE user = ?1",
		} {
			if err := run(c, query, []any{user, newUser}, nil); err != nil {
				return err
			}
		}
		return run(c, `UPDATE OR REPLACE subscription SET name = ?3 || substr(name, length(?2) + 1)
			WHERE user = ?1 AND (name = ?2 OR name > ?2 || '.' AND name < ?2 || '/')`, []any{newUser, root, newRoot}, nil)
	})
}
