// Package duplicates remembers which messages were delivered to which mailboxes, in
// CONFIG/deliver.db, so that a second copy of one can be dropped.
package duplicates

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"goqmail/lib/wal"
)

// DB is the memory. Many goroutines, and processes, may use it.
type DB struct {
	mu   sync.Mutex
	conn *sqlite.Conn
}

const schema = `
CREATE TABLE IF NOT EXISTS delivered (
	id BLOB, mailbox TEXT, time INTEGER NOT NULL, PRIMARY KEY (id, mailbox)
) WITHOUT ROWID;
`

// Open opens the memory in a configdirectory, and creates it if it is not there.
func Open(configDir string) (*DB, error) {
	path := filepath.Join(configDir, "deliver.db")
	conn, err := wal.Open(path, 10*time.Second)
	if err != nil {
		return nil, err
	}
	// Not synced at each commit: what a power cut makes it forget is a second copy
	// of a message at worst.
	err = sqlitex.ExecuteTransient(conn, "PRAGMA synchronous=normal", nil)
	if err == nil {
		err = sqlitex.ExecScript(conn, schema)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("unable to use %s: %w", path, err)
	}
	return &DB{conn: conn}, nil
}

// Close closes it.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conn.Close()
}

// ID is how a message is known. The zero ID is that of a message that has no id,
// which is never a copy of another.
type ID struct {
	known bool
	sum   [16]byte
}

// NewID returns the ID of a message with these values of its fields Message-ID and
// Date: some senders use one id for all that they send.
func NewID(messageID, date string) ID {
	if messageID == "" {
		return ID{}
	}
	sum := sha256.Sum256([]byte(messageID + "\x00" + date))
	return ID{true, [16]byte(sum[:16])}
}

// Seen tells whether a message was delivered to a mailbox.
func (d *DB) Seen(id ID, mailbox string) (seen bool, err error) {
	if !id.known {
		return false, nil
	}
	err = d.run("SELECT 1 FROM delivered WHERE id = ? AND mailbox = ?", func(*sqlite.Stmt) error {
		seen = true
		return nil
	}, id.sum[:], mailbox)
	return seen, err
}

// Mark notes that a message was delivered to a mailbox.
func (d *DB) Mark(id ID, mailbox string, when time.Time) error {
	if !id.known {
		return nil
	}
	return d.run("INSERT OR REPLACE INTO delivered VALUES (?, ?, ?)", nil, id.sum[:], mailbox, when.Unix())
}

// Prune forgets what was delivered before a time, and returns how much that was.
func (d *DB) Prune(before time.Time) (n int, err error) {
	err = d.run("DELETE FROM delivered WHERE time < ? RETURNING 1", func(*sqlite.Stmt) error {
		n++
		return nil
	}, before.Unix())
	return n, err
}

func (d *DB) run(query string, row func(*sqlite.Stmt) error, args ...any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sqlitex.Execute(d.conn, query, &sqlitex.ExecOptions{Args: args, ResultFunc: row})
}
