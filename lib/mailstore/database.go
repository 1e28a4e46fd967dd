package mailstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"goqmail/lib/syncdir"
	"goqmail/lib/wal"
)

// database is an SQLite file. Many may read it while one writes; those who want
// to write wait for each other, here and in other processes.
type database struct {
	path   string
	schema string
	open   *connections

	writing sync.Mutex
	mu      sync.Mutex
	free    []*sqlite.Conn
	waiting []*change // to be committed next
	busy    bool      // somebody commits
}

// connections bounds how many connections to databases a process keeps while
// nobody uses them: each holds pages of its file.
type connections struct {
	mu   sync.Mutex
	idle int
}

const maxIdle = 64

func (c *connections) keep() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle >= maxIdle {
		return false
	}
	c.idle++
	return true
}

func (c *connections) taken() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle--
}

// connection takes a connection, a new one if none is free.
func (d *database) connection() (*sqlite.Conn, error) {
	d.mu.Lock()
	if n := len(d.free); n > 0 {
		c := d.free[n-1]
		d.free = d.free[:n-1]
		d.mu.Unlock()
		d.open.taken()
		return c, nil
	}
	d.mu.Unlock()
	c, err := wal.Open(d.path, time.Minute)
	if err != nil {
		return nil, err
	}
	if err := d.prepare(c); err != nil {
		c.Close()
		return nil, fmt.Errorf("unable to use %s: %w", d.path, err)
	}
	return c, nil
}

// prepare makes a connection sync at each commit and creates what is missing.
func (d *database) prepare(c *sqlite.Conn) error {
	for _, pragma := range []string{"synchronous=full", "cache_size=-512", "temp_store=memory"} {
		if err := sqlitex.ExecuteTransient(c, "PRAGMA "+pragma, nil); err != nil {
			return err
		}
	}
	var version int
	if err := one(c, "PRAGMA user_version", nil, func(s *sqlite.Stmt) { version = s.ColumnInt(0) }); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
		return nil
	case 0:
		return d.create(c)
	}
	return fmt.Errorf("version %d of its layout is not known", version)
}

// create creates the tables, unless another process just has.
func (d *database) create(c *sqlite.Conn) (err error) {
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return err
	}
	defer end(&err)
	var version int
	if err := one(c, "PRAGMA user_version", nil, func(s *sqlite.Stmt) { version = s.ColumnInt(0) }); err != nil || version != 0 {
		return err
	}
	return sqlitex.ExecScript(c, d.schema)
}

// schemaVersion is what both schemas set user_version to.
const schemaVersion = 1

// release gives a connection back.
func (d *database) release(c *sqlite.Conn) {
	if !d.open.keep() {
		c.Close()
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.free = append(d.free, c)
}

// read calls f with a connection, on which all that it reads is of one moment.
func (d *database) read(f func(*sqlite.Conn) error) (err error) {
	c, err := d.connection()
	if err != nil {
		return err
	}
	defer d.release(c)
	defer sqlitex.Transaction(c)(&err)
	return f(c)
}

// change is what one caller wants to write.
type change struct {
	f    func(*sqlite.Conn) error
	err  error
	done chan struct{} // closed when err is known
}

// errLost is for changes with which another one of their transaction is lost.
var errLost = errors.New("transaction was rolled back")

// write calls f with a connection, and commits what it writes, durably, if it
// returns no error; else nothing has changed. What several callers want to write while
// one commits is committed together.
func (d *database) write(f func(*sqlite.Conn) error) error {
	ch := &change{f: f, done: make(chan struct{})}
	d.mu.Lock()
	d.waiting = append(d.waiting, ch)
	idle := !d.busy
	d.busy = true
	d.mu.Unlock()
	if idle && d.commit() {
		go func() {
			for d.commit() {
			}
		}()
	}
	<-ch.done
	return ch.err
}

// commit commits what waits, and tells whether more does by then.
func (d *database) commit() (more bool) {
	d.mu.Lock()
	batch := d.waiting
	d.waiting = nil
	d.mu.Unlock()
	err := d.transaction(batch)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, ch := range batch {
		if ch.err == nil {
			ch.err = err
		}
		close(ch.done)
	}
	d.busy = len(d.waiting) > 0
	return d.busy
}

// transaction makes changes, each of which has happened or not as a whole.
func (d *database) transaction(batch []*change) (err error) {
	if len(batch) == 1 {
		return d.alone(batch[0].f)
	}
	c, end, err := d.begin()
	if err != nil {
		return err
	}
	defer end(&err)
	for _, ch := range batch {
		if ch.err = within(c, ch.f); c.AutocommitEnabled() { // as after some errors, such as a full disk
			return errLost
		}
	}
	return nil
}

// alone is write with a transaction of its own: for one who takes in f what he keeps until
// it is committed, which others could wait for in theirs.
func (d *database) alone(f func(*sqlite.Conn) error) (err error) {
	c, end, err := d.begin()
	if err != nil {
		return err
	}
	defer end(&err)
	return f(c)
}

// within calls f, of which nothing stays if it returns an error.
func within(c *sqlite.Conn, f func(*sqlite.Conn) error) (err error) {
	defer sqlitex.Save(c)(&err)
	return f(c)
}

// begin takes the right to write until end is called, which commits unless the
// error is set, and sets it if it cannot.
func (d *database) begin() (c *sqlite.Conn, end func(*error), err error) {
	d.writing.Lock()
	if c, err = d.connection(); err != nil {
		d.writing.Unlock()
		return nil, nil, err
	}
	done, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		d.release(c)
		d.writing.Unlock()
		return nil, nil, err
	}
	return c, func(err *error) {
		done(err)
		d.release(c)
		d.writing.Unlock()
	}, nil
}

// close closes the connections that nobody uses.
func (d *database) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, c := range d.free {
		d.open.taken()
		errs = append(errs, c.Close())
	}
	d.free = nil
	return errors.Join(errs...)
}

// run runs a statement and calls row, which may be nil, for each row.
func run(c *sqlite.Conn, query string, args []any, row func(*sqlite.Stmt)) error {
	return sqlitex.Execute(c, query, &sqlitex.ExecOptions{Args: args, ResultFunc: func(s *sqlite.Stmt) error {
		if row != nil {
			row(s)
		}
		return nil
	}})
}

// errNoRow is for a question that should have one answer and has none.
var errNoRow = errors.New("no such row")

// one runs a statement that has one row.
func one(c *sqlite.Conn, query string, args []any, row func(*sqlite.Stmt)) error {
	n := 0
	err := run(c, query, args, func(s *sqlite.Stmt) {
		n++
		row(s)
	})
	if err == nil && n == 0 {
		err = errNoRow
	}
	return err
}

// blob returns a column's bytes, which are the caller's.
func blob(s *sqlite.Stmt, column int) []byte {
	if n := s.ColumnLen(column); n > 0 {
		b := make([]byte, n)
		s.ColumnBytes(column, b)
		return b
	}
	return nil
}

// makeDir creates a directory and those above it that are missing, durably and for the
// owner of the store alone.
func makeDir(dir string) error {
	if exists(dir) {
		return nil
	}
	above := filepath.Dir(filepath.Clean(dir))
	if err := makeDir(above); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncdir.Sync(above)
}
