package mailstore

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"zombiezen.com/go/sqlite"
)

// Mailbox is an open mailbox. In a process there is one for each, however many
// sessions have it selected. It stays the same when it is renamed.
type Mailbox struct {
	store *Store
	entry Entry // when it was opened
	tree  *tree
	id    int64 // in the index
	refs  int   // under store.mu

	mu       sync.Mutex
	view     *View  // nil: not read yet
	path     string // where messages were last; "": not asked for yet
	watchers map[*Watcher]bool
	claimed  uint32 // messages up to this UID are recent in some session, or no longer
}

// OpenMailbox opens a mailbox that exists; the error is ErrNoMailbox if it does not.
// Close it when it is no longer selected.
func (s *Store) OpenMailbox(name string) (*Mailbox, error) {
	e, err := s.Lookup(name)
	if err != nil {
		return nil, err
	}
	t, err := s.tree(e)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.boxes[name]
	if m == nil || m.tree != t || m.id != e.box { // another may have taken the name
		m = &Mailbox{store: s, entry: e, tree: t, id: e.box, watchers: map[*Watcher]bool{}}
		s.boxes[name] = m
	}
	m.refs++
	return m, nil
}

// absent is the error for a mailbox that the index does not have: it was deleted, unless
// the list came from a backup and the messages are yet to be found. Until then mail for it
// has to wait, not to be refused.
func (m *Mailbox) absent() error {
	e, err := m.store.Lookup(m.entry.Name)
	switch {
	case err != nil:
		return err
	case m.id == 0 || e.box == m.id:
		return errors.New(m.entry.Name + " is not in its index; reconstruct(8) puts it there")
	}
	return ErrNoMailbox
}

// dir returns the directory that the messages are in.
func (m *Mailbox) dir(c *sqlite.Conn) (dir string, err error) {
	err = one(c, "SELECT name FROM mailbox WHERE id = ?", []any{m.id}, func(s *sqlite.Stmt) { dir = m.tree.boxDir(s.ColumnText(0)) })
	if errors.Is(err, errNoRow) {
		err = ErrNoMailbox
	}
	return dir, err
}

// Open opens a message for reading. The error is fs.ErrNotExist soon after it is expunged.
func (m *Mailbox) Open(uid uint32) (*os.File, error) {
	m.mu.Lock()
	path := m.path
	m.mu.Unlock()
	if path != "" {
		if f, err := openFile(path + "/" + fileName(uid)); err == nil {
			return f, nil
		}
	}
	err := m.tree.db.read(func(c *sqlite.Conn) (err error) { // not asked for yet, or renamed
		path, err = m.dir(c)
		return err
	})
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.path = path
	m.mu.Unlock()
	return openFile(path + "/" + fileName(uid))
}

// openFile opens a file for reading. os.Open takes as long again to find out that one need
// not wait for a file.
func openFile(path string) (*os.File, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), path), nil
		case err != syscall.EINTR:
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// Close gives the mailbox up.
func (m *Mailbox) Close() {
	s := m.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.refs--; m.refs == 0 && s.boxes[m.entry.Name] == m {
		delete(s.boxes, m.entry.Name)
	}
}

// Name returns the mailbox's internal name.
func (m *Mailbox) Name() string { return m.entry.Name }

// key is the key of a message's rows.
func (m *Mailbox) key(uid uint32) int64 { return m.id<<32 | int64(uid) }

// View returns the mailbox as it is now. The error is ErrNoMailbox if it was deleted.
func (m *Mailbox) View() (*View, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.view
	if old == nil {
		old = &View{}
	}
	view := old
	err := m.tree.db.read(func(c *sqlite.Conn) error {
		v := *old
		var pruned int64
		err := one(c, "SELECT uidvalidity, uidnext, modseq, recent, pruned FROM mailbox WHERE id = ?", []any{m.id}, func(s *sqlite.Stmt) {
			v.UIDValidity, v.UIDNext = uint32(s.ColumnInt64(0)), uint32(s.ColumnInt64(1))
			v.ModSeq, v.Recent, pruned = s.ColumnInt64(2), uint32(s.ColumnInt64(3)), s.ColumnInt64(4)
		})
		if err != nil || v.ModSeq == old.ModSeq && v.UIDNext == old.UIDNext && v.Recent == old.Recent {
			return err
		}
		if v.Keywords, err = keywords(c, m.id); err != nil {
			return err
		}
		if old.ModSeq < pruned { // what has gone since is not known any more
			v.chunks, v.ends, old = nil, nil, &View{}
		}
		changed, err := m.changed(c, old.ModSeq)
		if err != nil {
			return err
		}
		var gone []uint32
		if old.ModSeq > 0 {
			if gone, err = m.gone(c, old.ModSeq); err != nil {
				return err
			}
		}
		view = v.with(changed, gone)
		return nil
	})
	if errors.Is(err, errNoRow) {
		err = m.absent()
	}
	if err != nil {
		return nil, err
	}
	m.view = view
	return view, nil
}

// changed reads the messages with a higher modification sequence, by UID.
func (m *Mailbox) changed(c *sqlite.Conn, since int64) (changed []Message, err error) {
	uids, err := m.changedSince(c, since)
	for _, r := range uids {
		if err != nil {
			break
		}
		err = run(c, "SELECT key, modseq, flags, date, size FROM message WHERE key BETWEEN ? AND ? AND modseq > ?",
			[]any{m.key(uint32(r.Start)), m.key(uint32(r.Stop)), since}, func(s *sqlite.Stmt) {
				changed = append(changed, Message{
					UID: uint32(s.ColumnInt64(0)), ModSeq: s.ColumnInt64(1), Flags: Flags(s.ColumnInt64(2)),
					Date: s.ColumnInt64(3), Size: uint32(s.ColumnInt64(4)),
				})
			})
	}
	return changed, err
}

// gone reads the UIDs of the messages that were expunged after a modification sequence.
func (m *Mailbox) gone(c *sqlite.Conn, since int64) (uids []uint32, err error) {
	err = run(c, "SELECT key FROM expunged WHERE key BETWEEN ? AND ? AND modseq > ? ORDER BY key",
		[]any{m.key(0), m.key(1<<32 - 1), since}, func(s *sqlite.Stmt) { uids = append(uids, uint32(s.ColumnInt64(0))) })
	return uids, err
}

// Vanished returns the UIDs of the messages that were expunged after a modification
// sequence (RFC 7162, VANISHED (EARLIER)), in ascending order; of all that are no more
// if it was long ago.
func (m *Mailbox) Vanished(since int64) (uids []uint32, err error) {
	err = m.tree.db.read(func(c *sqlite.Conn) error {
		var next uint32
		var pruned int64
		err := one(c, "SELECT uidnext, pruned FROM mailbox WHERE id = ?", []any{m.id},
			func(s *sqlite.Stmt) { next, pruned = uint32(s.ColumnInt64(0)), s.ColumnInt64(1) })
		if err != nil {
			return err
		}
		if since >= pruned {
			uids, err = m.gone(c, since)
			return err
		}
		uid := uint32(1)
		err = run(c, "SELECT key FROM message WHERE key BETWEEN ? AND ? ORDER BY key", []any{m.key(0), m.key(1<<32 - 1)}, func(s *sqlite.Stmt) {
			for ; uid < uint32(s.ColumnInt64(0)); uid++ {
				uids = append(uids, uid)
			}
			uid++
		})
		for ; uid < next; uid++ {
			uids = append(uids, uid)
		}
		return err
	})
	if errors.Is(err, errNoRow) {
		err = ErrNoMailbox
	}
	return uids, err
}

func keywords(c *sqlite.Conn, mailbox int64) (names []string, err error) {
	// With ORDER BY, SQLite would parse the statement anew each time.
	err = run(c, "SELECT bit, name FROM keyword WHERE mailbox = ?", []any{mailbox}, func(s *sqlite.Stmt) {
		for len(names) <= s.ColumnInt(0) {
			names = append(names, "")
		}
		names[s.ColumnInt(0)] = s.ColumnText(1)
	})
	return names, err
}

// Recent returns after which UID the messages of a view are not recent in any session.
func (m *Mailbox) Recent(v *View) (after uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(m.claimed, v.Recent)
}

// ClaimRecent returns the same and makes the caller the one session in which those
// messages are recent. SaveRecent makes that last.
func (m *Mailbox) ClaimRecent(v *View) (after uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	after = max(m.claimed, v.Recent)
	m.claimed = max(after, v.UIDNext-1)
	return after
}

// SaveRecent has it known to all, for good, which messages are not recent any more. It
// need not be done before the last session ends: should it fail, some messages are
// recent once more.
func (m *Mailbox) SaveRecent() error {
	m.mu.Lock()
	claimed := m.claimed
	saved := claimed == 0 || m.view != nil && m.view.Recent >= claimed
	m.mu.Unlock()
	if saved {
		return nil
	}
	return m.tree.db.write(func(c *sqlite.Conn) error {
		return run(c, "UPDATE mailbox SET recent = ?1 WHERE id = ?2 AND recent < ?1", []any{int64(claimed), m.id}, nil)
	})
}

// Status is the counts of a mailbox.
type Status struct {
	UIDValidity, UIDNext              uint32
	ModSeq                            int64
	Messages, Unseen, Deleted, Recent int
	Bytes                             int64
}

// Status reads the counts of a mailbox without opening it.
func (s *Store) Status(name string) (st Status, err error) {
	e, err := s.Lookup(name)
	if err != nil {
		return st, err
	}
	all, err := s.Statuses(e)
	if err == nil && all[name] == nil {
		err = ErrNoMailbox
	}
	if err != nil {
		return st, err
	}
	return *all[name], nil
}

// Statuses reads the counts of mailboxes. Those that are no longer there are left out, and
// so are those that cannot be read, for which there is an error.
func (s *Store) Statuses(entries ...Entry) (all map[string]*Status, err error) {
	var errs []error
	trees := map[*tree][]Entry{}
	for _, e := range entries {
		if t, err := s.tree(e); err == nil {
			trees[t] = append(trees[t], e)
		} else {
			errs = append(errs, err)
		}
	}
	all = map[string]*Status{}
	for t, entries := range trees {
		err := t.db.read(func(c *sqlite.Conn) error {
			for _, e := range entries {
				st, err := status(c, e.box, s.claimed(e))
				switch {
				case err == nil:
					all[e.Name] = &st
				case !errors.Is(err, errNoRow):
					return err
				}
			}
			return nil
		})
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

// claimed returns up to which UID messages are recent in some session of this process.
func (s *Store) claimed(e Entry) uint32 {
	s.mu.Lock()
	m := s.boxes[e.Name]
	s.mu.Unlock()
	if m == nil || m.id != e.box {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.claimed
}

// status reads the counts of a mailbox. Only the recent messages have to be counted, or
// the others where they are fewer.
func status(c *sqlite.Conn, id int64, claimed uint32) (st Status, err error) {
	var recent uint32
	err = one(c, "SELECT uidvalidity, uidnext, modseq, messages, unseen, deleted, bytes, recent FROM mailbox WHERE id = ?", []any{id}, func(s *sqlite.Stmt) {
		st = Status{
			UIDValidity: uint32(s.ColumnInt64(0)), UIDNext: uint32(s.ColumnInt64(1)), ModSeq: s.ColumnInt64(2),
			Messages: s.ColumnInt(3), Unseen: s.ColumnInt(4), Deleted: s.ColumnInt(5), Bytes: s.ColumnInt64(6),
		}
		recent = max(uint32(s.ColumnInt64(7)), claimed)
	})
	if err != nil {
		return st, err
	}
	count := func(first, last uint32) (n int, err error) {
		if first < last {
			err = one(c, "SELECT count(*) FROM message WHERE key >= ? AND key < ?", []any{id<<32 | int64(first), id<<32 | int64(last)},
				func(s *sqlite.Stmt) { n = s.ColumnInt(0) })
		}
		return n, err
	}
	if recent >= st.UIDNext/2 {
		st.Recent, err = count(recent+1, st.UIDNext)
		return st, err
	}
	old, err := count(1, recent+1)
	st.Recent = st.Messages - old
	return st, err
}
