package mailstore

import (
	"os"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"zombiezen.com/go/sqlite"
)

// Expunge removes the messages with \Deleted whose UIDs are in a set, all with
// \Deleted if the set is nil, and returns their UIDs in ascending order.
func (m *Mailbox) Expunge(uids imap.UIDSet) ([]uint32, error) {
	if uids == nil {
		uids = imap.UIDSet{{Start: 1, Stop: 1<<32 - 1}}
	}
	return m.remove(uids, int64(Deleted))
}

// Remove removes the messages whose UIDs are in a set, whatever their flags.
func (m *Mailbox) Remove(uids imap.UIDSet) error {
	_, err := m.remove(uids, 0)
	return err
}

// remove removes the messages in a set that have flags, which may be 0.
func (m *Mailbox) remove(uids imap.UIDSet, flags int64) (gone []uint32, err error) {
	uids = tidy(uids)
	err = m.tree.db.write(func(c *sqlite.Conn) (err error) {
		if _, err = m.dir(c); err == nil {
			gone, err = m.expunge(c, uids, flags)
		}
		return err
	})
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	// After the rows, and nobody has to wait: a file that is left is known to be expunged.
	m.store.removing.Go(func() { m.unlink(gone) })
	m.store.tell(m.entry.Name)
	return gone, nil
}

// unlink removes the files of expunged messages, some at a time. While it has the right to
// write to the index their directory is nobody else's, who may have files of those names.
func (m *Mailbox) unlink(gone []uint32) {
	for some := range slices.Chunk(gone, 256) {
		err := m.tree.db.write(func(c *sqlite.Conn) error {
			dir, err := m.dir(c)
			if err != nil {
				return err
			}
			for _, uid := range some {
				os.Remove(dir + "/" + fileName(uid))
			}
			return nil
		})
		if err != nil {
			return
		}
	}
}

// expunge has the rows of messages go that have flags, and returns their UIDs.
func (m *Mailbox) expunge(c *sqlite.Conn, uids imap.UIDSet, flags int64) (gone []uint32, err error) {
	var t tally
	var runs imap.UIDSet // of UIDs that go, each without one that does not
	for _, r := range uids {
		err := run(c, "SELECT key, flags, size FROM message WHERE key BETWEEN ? AND ? AND flags & ?3 = ?3",
			[]any{m.key(uint32(r.Start)), m.key(uint32(r.Stop)), flags}, func(s *sqlite.Stmt) {
				uid := uint32(s.ColumnInt64(0))
				gone = append(gone, uid)
				runs.AddNum(imap.UID(uid))
				t.of(Flags(s.ColumnInt64(1)), uint32(s.ColumnInt64(2)), -1)
			})
		if err != nil {
			return nil, err
		}
	}
	if len(gone) == 0 {
		return nil, nil
	}
	modseq, err := m.nextModSeq(c)
	if err != nil {
		return nil, err
	}
	now := time.Now().Unix()
	for _, r := range runs {
		err := run(c, "INSERT INTO expunged SELECT key, ?, ? FROM message WHERE key BETWEEN ? AND ?",
			[]any{modseq, now, m.key(uint32(r.Start)), m.key(uint32(r.Stop))}, nil)
		if err != nil {
			return nil, err
		}
	}
	which, own := " WHERE key BETWEEN ? AND ?", []any{}
	if n := len(runs); n > ranges {
		runs = imap.UIDSet{{Start: runs[0].Start, Stop: runs[n-1].Stop}}
		which, own = " WHERE key IN (SELECT key FROM expunged WHERE key BETWEEN ? AND ? AND modseq = ?)", []any{modseq}
	}
	for _, table := range []string{"message", "digest", "sortkey", "header"} {
		for _, r := range runs {
			args := append([]any{m.key(uint32(r.Start)), m.key(uint32(r.Stop))}, own...)
			if err := run(c, "DELETE FROM "+table+which, args, nil); err != nil {
				return nil, err
			}
		}
	}
	return gone, m.count(c, t)
}
