package mailstore

import (
	"errors"
	"sync"
	"testing"

	"zombiezen.com/go/sqlite"
)

// What many write at once is there, and of what fails nothing, whoever else was in its
// transaction.
func TestWritesTogether(t *testing.T) {
	s := newStore(t)
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			failed := errors.New("no")
			err := s.list.write(func(c *sqlite.Conn) error {
				if err := run(c, "INSERT INTO quota VALUES (?, 1)", []any{i}, nil); err != nil {
					return err
				}
				if i%3 == 0 {
					return failed
				}
				return nil
			})
			if i%3 == 0 && err != failed || i%3 != 0 && err != nil {
				t.Errorf("%d: %v", i, err)
			}
			n := 0
			s.list.read(func(c *sqlite.Conn) error {
				return run(c, "SELECT 1 FROM quota WHERE root = ?", []any{i}, func(*sqlite.Stmt) { n++ })
			})
			if (n == 1) != (i%3 != 0) {
				t.Errorf("%d is there %d times", i, n)
			}
		})
	}
	all.Wait()
}
