package mailstore

import (
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"zombiezen.com/go/sqlite"
)

// ErrTooManyKeywords is for a keyword that a mailbox has no room for; see MaxKeywords.
var ErrTooManyKeywords = errors.New("too many keywords in mailbox")

// flags returns the bits of names of flags. Keywords that the mailbox does not know
// yet are added to it if create is set, and are else left out.
func (m *Mailbox) flags(c *sqlite.Conn, names []string, create bool) (flags Flags, err error) {
	var known []string
	for _, name := range names {
		if bit := systemFlag(name); bit != 0 {
			flags |= bit
			continue
		}
		if known == nil {
			if known, err = keywords(c, m.id); err != nil {
				return 0, err
			}
		}
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
		switch {
		case i >= 0:
		case !create:
			continue
		case len(known) == MaxKeywords:
			return 0, ErrTooManyKeywords
		default:
			i = len(known)
			known = append(known, name)
			if err := run(c, "INSERT INTO keyword VALUES (?, ?, ?)", []any{m.id, i, name}, nil); err != nil {
				return 0, err
			}
		}
		flags |= keyword(i)
	}
	return flags, nil
}

// SetFlags changes flags of the messages with UIDs in a set, as STORE does, but
// not of those whose modification sequence is above unchangedSince, unless that is
// negative: it returns their UIDs.
func (m *Mailbox) SetFlags(uids imap.UIDSet, op imap.StoreFlagsOp, names []string, unchangedSince int64) (modified imap.UIDSet, err error) {
	if unchangedSince < 0 {
		unchangedSince = 1<<63 - 1
	}
	result := map[imap.StoreFlagsOp]string{
		imap.StoreFlagsSet: "?1", imap.StoreFlagsAdd: "flags | ?1", imap.StoreFlagsDel: "flags & ~?1",
	}[op]
	changes := 0
	err = m.tree.db.write(func(c *sqlite.Conn) error {
		flags, err := m.flags(c, names, op != imap.StoreFlagsDel)
		if err != nil {
			return err
		}
		var modseq int64
		if err := one(c, "SELECT modseq + 1 FROM mailbox WHERE id = ?", []any{m.id}, func(s *sqlite.Stmt) { modseq = s.ColumnInt64(0) }); err != nil {
			return err
		}
		for _, r := range uids {
			first, last := m.key(uint32(r.Start)), m.key(uint32(r.Stop))
			err := run(c, "SELECT key FROM message WHERE key BETWEEN ? AND ? AND modseq > ?", []any{first, last, unchangedSince},
				func(s *sqlite.Stmt) { modified.AddNum(imap.UID(uint32(s.ColumnInt64(0)))) })
			if err != nil {
				return err
			}
			err = run(c, "UPDATE message SET flags = "+result+", modseq = ?2 WHERE key BETWEEN ?3 AND ?4 AND modseq <= ?5 AND flags <> "+result,
				[]any{int64(flags), modseq, first, last, unchangedSince}, nil)
			if err != nil {
				return err
			}
			changes += c.Changes()
		}
		if changes == 0 {
			return nil
		}
		return run(c, "UPDATE mailbox SET modseq = ? WHERE id = ?", []any{modseq, m.id}, nil)
	})
	if errors.Is(err, errNoRow) {
		err = ErrNoMailbox
	}
	if err == nil && changes > 0 {
		m.store.tell(m.entry.Name)
	}
	return modified, err
}

// ClaimRecent returns up to which UID messages are not recent, and makes the caller
// the one session in which those after it are.
func (m *Mailbox) ClaimRecent() (recent uint32, err error) {
	err = m.tree.db.write(func(c *sqlite.Conn) error {
		err := one(c, "SELECT recent FROM mailbox WHERE id = ?", []any{m.id}, func(s *sqlite.Stmt) { recent = uint32(s.ColumnInt64(0)) })
		if err != nil {
			return err
		}
		return run(c, "UPDATE mailbox SET recent = uidnext - 1 WHERE id = ? AND recent <> uidnext - 1", []any{m.id}, nil)
	})
	if errors.Is(err, errNoRow) {
		err = ErrNoMailbox
	}
	return recent, err
}

// Seen returns the messages that a user other than the owner of the mailbox has
// seen, as a set of UIDs: the flag \Seen is the owner's.
func (m *Mailbox) Seen(user string) (set string, err error) {
	err = m.tree.db.read(func(c *sqlite.Conn) error {
		return run(c, "SELECT uids FROM seen WHERE mailbox = ? AND user = ?", []any{m.id, user}, func(s *sqlite.Stmt) { set = s.ColumnText(0) })
	})
	return set, err
}

// SetSeen changes the messages that a user has seen to what change makes of them.
func (m *Mailbox) SetSeen(user string, change func(set string) string) error {
	return m.tree.db.write(func(c *sqlite.Conn) error {
		var set string
		err := run(c, "SELECT uids FROM seen WHERE mailbox = ? AND user = ?", []any{m.id, user}, func(s *sqlite.Stmt) { set = s.ColumnText(0) })
		if err != nil {
			return err
		}
		return run(c, "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", []any{m.id, user, change(set)}, nil)
	})
}
