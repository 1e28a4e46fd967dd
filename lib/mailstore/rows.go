package mailstore

import (
	"cmp"
	"slices"

	"github.com/emersion/go-imap/v2"
	"zombiezen.com/go/sqlite"
)

// tally is what the index knows of a mailbox as a whole, so that nobody has to count.
// Whoever adds, changes or removes rows of messages adds the difference.
type tally struct{ messages, unseen, deleted, bytes int64 }

// of adds a message n times.
func (t *tally) of(flags Flags, size uint32, n int64) {
	t.messages, t.bytes = t.messages+n, t.bytes+n*int64(size)
	if flags&Seen == 0 {
		t.unseen += n
	}
	if flags&Deleted != 0 {
		t.deleted += n
	}
}

// count adds to the tally of the mailbox.
func (m *Mailbox) count(c *sqlite.Conn, t tally) error {
	if t == (tally{}) {
		return nil
	}
	return run(c, "UPDATE mailbox SET messages = messages + ?, unseen = unseen + ?, deleted = deleted + ?, bytes = bytes + ? WHERE id = ?",
		[]any{t.messages, t.unseen, t.deleted, t.bytes, m.id}, nil)
}

// flagged counts, among the messages with UIDs in a set, those that are not \Seen, and
// those with \Deleted, n times.
func (m *Mailbox) flagged(c *sqlite.Conn, uids imap.UIDSet, t *tally, n int64) error {
	for _, r := range uids {
		err := run(c, "SELECT coalesce(sum(flags & 8 = 0), 0), coalesce(sum(flags & 4 <> 0), 0) FROM message WHERE key BETWEEN ? AND ?",
			[]any{m.key(uint32(r.Start)), m.key(uint32(r.Stop))},
			func(s *sqlite.Stmt) { t.unseen, t.deleted = t.unseen+n*s.ColumnInt64(0), t.deleted+n*s.ColumnInt64(1) })
		if err != nil {
			return err
		}
	}
	return nil
}

// tidy returns the same set with ranges that are in order and have nothing in common, so
// that each message in it is met once.
func tidy(uids imap.UIDSet) imap.UIDSet {
	sorted := slices.SortedFunc(slices.Values(uids), func(a, b imap.UIDRange) int { return cmp.Compare(a.Start, b.Start) })
	uids = nil
	for _, r := range sorted {
		if n := len(uids); n > 0 && r.Start <= uids[n-1].Stop {
			uids[n-1].Stop = max(uids[n-1].Stop, r.Stop)
			continue
		}
		uids = append(uids, r)
	}
	return uids
}

// How many modification sequences back it is known which messages have changed since,
// at least, and how many ranges of UIDs of one are told apart.
const (
	noted  = 1024
	ranges = 16
)

// note notes that among the messages with UIDs in a tidy set are all that have got a
// modification sequence. An index of the messages by that number would cost more than
// all else that is done to change flags.
func (m *Mailbox) note(c *sqlite.Conn, modseq int64, uids imap.UIDSet) error {
	if n := len(uids); n > ranges {
		uids = imap.UIDSet{{Start: uids[0].Start, Stop: uids[n-1].Stop}}
	}
	for _, r := range uids {
		err := run(c, "INSERT INTO change VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
			[]any{m.id, modseq, int64(r.Start), int64(r.Stop)}, nil)
		if err != nil {
			return err
		}
	}
	if modseq%(noted/4) != 0 {
		return nil
	}
	if err := run(c, "DELETE FROM change WHERE mailbox = ? AND modseq <= ?", []any{m.id, modseq - noted}, nil); err != nil {
		return err
	}
	return run(c, "UPDATE mailbox SET noted = max(noted, ?) WHERE id = ?", []any{modseq - noted, m.id}, nil)
}

// changedSince returns a set that has the UIDs of all messages with a higher modification
// sequence, in ascending order, and may have others.
func (m *Mailbox) changedSince(c *sqlite.Conn, since int64) (uids imap.UIDSet, err error) {
	known := int64(0)
	if err := one(c, "SELECT noted FROM mailbox WHERE id = ?", []any{m.id}, func(s *sqlite.Stmt) { known = s.ColumnInt64(0) }); err != nil {
		return nil, err
	}
	if since == 0 || since < known {
		return imap.UIDSet{{Start: 1, Stop: 1<<32 - 1}}, nil
	}
	err = run(c, "SELECT first, last FROM change WHERE mailbox = ? AND modseq > ?", []any{m.id, since}, func(s *sqlite.Stmt) {
		uids = append(uids, imap.UIDRange{Start: imap.UID(s.ColumnInt64(0)), Stop: imap.UID(s.ColumnInt64(1))})
	})
	return tidy(uids), err
}
