// Package wal opens SQLite's databases so that many can read one while another writes:
// with a write-ahead log. What they hold is for others to know.
package wal

import (
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Open opens a database, a new one if there is none. What is done with it then waits that
// long for those who are in the way, here and in other processes.
func Open(path string, patience time.Duration) (*sqlite.Conn, error) {
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, fmt.Errorf("unable to open %s: %w", path, err)
	}
	c.SetBusyTimeout(patience)
	if err := begin(c, time.Now().Add(patience)); err != nil {
		c.Close()
		return nil, fmt.Errorf("unable to open %s: %w", path, err)
	}
	return c, nil
}

// begin has the database log ahead, which is for good. Of two that begin this at once one
// is told without any waiting that the database is locked: each has read what it wants to
// write, and while SQLite waits it would keep the other from that.
func begin(c *sqlite.Conn, end time.Time) error {
	for {
		err := sqlitex.ExecuteTransient(c, "PRAGMA journal_mode=wal", nil)
		if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy || time.Now().After(end) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}
