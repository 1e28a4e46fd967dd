package mailstore

import (
	"os"
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
	var files *os.Root
	err = m.tree.db.write(func(c *sqlite.Conn) (err error) {
		dir, err := m.dir(c)
		if err != nil {
			return err
		}
		if gone, err = m.expunge(c, uids, flags); err == nil && len(gone) > 0 {
			files, _ = os.OpenRoot(dir) // whatever name it has later
		}
		return err
	})
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	// After the rows, and nobody has to wait: a file that is left is known to be expunged.
	if files != nil {
		m.store.removing.Go(func() {
			defer files.Close()
			for _, uid := range gone {
				files.Remove(fileName(uid))
			}
		})
	}
	m.store.tell(m.entry.Name)
	return gone, nil
}

// expunge has the rows of messages go that have flags, and returns their UIDs.
func (m *Mailbox) expunge(c *sqlite.Conn, uids imap.UIDSet, flags int64) (gone []uint32, err error) {
	const which = "FROM message WHERE key BETWEEN ?1 AND ?2 AND flags & ?3 = ?3"
	modseq, now := int64(0), time.Now().Unix()
	var t tally
	for _, r := range uids {
		args := []any{m.key(uint32(r.Start)), m.key(uint32(r.Stop)), flags}
		n := len(gone)
		err := run(c, "SELECT key, flags, size "+which, args, func(s *sqlite.Stmt) {
			gone = append(gone, uint32(s.ColumnInt64(0)))
			t.of(Flags(s.ColumnInt64(1)), uint32(s.ColumnInt64(2)), -1)
		})
		if err != nil {
			return nil, err
		}
		if n == len(gone) {
			continue
		}
		if modseq == 0 {
			if modseq, err = m.nextModSeq(c); err != nil {
				return nil, err
			}
		}
		if err := run(c, "INSERT INTO expunged SELECT key, ?4, ?5 "+which, append(args, modseq, now), nil); err != nil {
			return nil, err
		}
		if err := run(c, "DELETE "+which, args, nil); err != nil {
			return nil, err
		}
		for _, table := range []string{"digest", "sortkey", "header"} {
			query := "DELETE FROM " + table + " WHERE key IN (SELECT key FROM expunged WHERE key BETWEEN ? AND ? AND modseq = ?)"
			if err := run(c, query, []any{args[0], args[1], modseq}, nil); err != nil {
				return nil, err
			}
		}
	}
	return gone, m.count(c, t)
}
