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
	var dir string
	err = m.tree.db.write(func(c *sqlite.Conn) (err error) {
		if dir, err = m.dir(c); err != nil {
			return err
		}
		for _, r := range uids {
			err := run(c, "SELECT key FROM message WHERE key BETWEEN ? AND ? AND flags & ?3 = ?3",
				[]any{m.key(uint32(r.Start)), m.key(uint32(r.Stop)), flags},
				func(s *sqlite.Stmt) { gone = append(gone, uint32(s.ColumnInt64(0))) })
			if err != nil {
				return err
			}
		}
		if len(gone) == 0 {
			return nil
		}
		modseq, err := m.nextModSeq(c)
		if err != nil {
			return err
		}
		for _, uid := range gone {
			if err := m.expunge(c, uid, modseq); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	// After the rows: a file that a crash leaves is known to be expunged.
	for _, uid := range gone {
		os.Remove(dir + "/" + fileName(uid))
	}
	m.store.tell(m.entry.Name)
	return gone, nil
}

// expunge has a message's row go.
func (m *Mailbox) expunge(c *sqlite.Conn, uid uint32, modseq int64) error {
	if err := run(c, "INSERT INTO expunged VALUES (?, ?, ?)", []any{m.key(uid), modseq, time.Now().Unix()}, nil); err != nil {
		return err
	}
	return run(c, "DELETE FROM message WHERE key = ?", []any{m.key(uid)}, nil)
}
