package wal

import (
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// locked makes a database that somebody is changing.
func locked(t *testing.T) (path string, unlock func()) {
	t.Helper()
	path = t.TempDir() + "/db"
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		t.Fatal(err)
	}
	return path, func() { end(&err) }
}

// Who opens a database while another is about to change its mode waits for that one.
func TestOpenWaits(t *testing.T) {
	path, unlock := locked(t)
	opened := make(chan error)
	go func() {
		c, err := Open(path, time.Minute)
		if err == nil {
			err = c.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("opened, %v, while it was locked", err)
	case <-time.After(50 * time.Millisecond): // less only makes the test weaker
	}
	unlock()
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

// In the end it says that the database is locked.
func TestOpenGivesUp(t *testing.T) {
	path, _ := locked(t)
	if _, err := Open(path, time.Millisecond); sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy {
		t.Error(err)
	}
}
