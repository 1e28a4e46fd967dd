package mailstore

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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

// Those who open a store at once that is not there yet, and create its first mailboxes,
// do not get in each other's way.
func TestFreshStore(t *testing.T) {
	for range 10 {
		dir := t.TempDir()
		var all sync.WaitGroup
		var created atomic.Int32
		for i := range 6 {
			all.Go(func() {
				s, err := Open(testLayout(dir))
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				switch err := s.Create(Entry{Name: "user.john"}); err {
				case nil:
					created.Add(1)
				case ErrExists:
				default:
					t.Error(err)
				}
				if err := s.Create(Entry{Name: fmt.Sprint("user.john.", i)}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := created.Load(); n != 1 {
			t.Errorf("user.john was created %d times", n)
		}
	}
}
