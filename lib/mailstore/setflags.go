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
		flags |= Keyword(i)
	}
	return flags, nil
}

// Change is a change of flags.
type Change struct {
	Op    imap.StoreFlagsOp
	Names []string // of flags and keywords
	// Within has the flags that may change; the others stay as they are.
	Within Flags
	// UnchangedSince spares messages with a higher modification sequence, unless it is
	// negative.
	UnchangedSince int64
	// User is whose \Seen is meant, "" for the owner of the mailbox.
	User string
}

// AnyFlag is all flags, for Change.Within.
const AnyFlag = ^Flags(0)

// SetFlags changes flags of the messages with UIDs in a set, as STORE does, but
// not of those whose modification sequence is above unchangedSince, unless that is
// negative: it returns their UIDs.
func (m *Mailbox) SetFlags(uids imap.UIDSet, op imap.StoreFlagsOp, names []string, unchangedSince int64) (modified imap.UIDSet, err error) {
	return m.Change(uids, Change{Op: op, Names: names, Within: AnyFlag, UnchangedSince: unchangedSince})
}

// Change changes flags of the messages with UIDs in a set and returns the UIDs of those
// that were spared.
func (m *Mailbox) Change(uids imap.UIDSet, ch Change) (modified imap.UIDSet, err error) {
	uids = tidy(uids)
	if ch.UnchangedSince < 0 {
		ch.UnchangedSince = 1<<63 - 1
	}
	changes := 0
	err = m.tree.db.write(func(c *sqlite.Conn) error {
		flags, err := m.flags(c, ch.Names, ch.Op != imap.StoreFlagsDel && ch.Within>>firstKeyword != 0)
		if err != nil {
			return err
		}
		flags &= ch.Within
		within := ch.Within
		if ch.User != "" {
			within &^= Seen
		}
		keep, set := ^(flags & within), Flags(0) // of the flags that a message has
		switch ch.Op {
		case imap.StoreFlagsSet:
			keep, set = ^within, flags&within
		case imap.StoreFlagsAdd:
			keep, set = AnyFlag, flags&within
		}
		var modseq int64
		if err := one(c, "SELECT modseq + 1 FROM mailbox WHERE id = ?", []any{m.id}, func(s *sqlite.Stmt) { modseq = s.ColumnInt64(0) }); err != nil {
			return err
		}
		if ch.User != "" && (flags&Seen != 0 || ch.Op == imap.StoreFlagsSet && ch.Within&Seen != 0) {
			if changes, err = m.setSeen(c, uids, ch, flags&Seen != 0 && ch.Op != imap.StoreFlagsDel, modseq); err != nil {
				return err
			}
		}
		var t tally
		counted := within&(Seen|Deleted) != 0
		if counted {
			if err := m.flagged(c, uids, &t, -1); err != nil {
				return err
			}
		}
		for _, r := range uids {
			first, last := m.key(uint32(r.Start)), m.key(uint32(r.Stop))
			err := run(c, "SELECT key FROM message WHERE key BETWEEN ? AND ? AND modseq > ? AND modseq < ?", []any{first, last, ch.UnchangedSince, modseq},
				func(s *sqlite.Stmt) { modified.AddNum(imap.UID(uint32(s.ColumnInt64(0)))) })
			if err != nil {
				return err
			}
			err = run(c, `UPDATE message SET flags = flags & ?1 | ?2, modseq = ?3
				WHERE key BETWEEN ?4 AND ?5 AND (modseq <= ?6 OR modseq = ?3) AND flags <> flags & ?1 | ?2`,
				[]any{int64(keep), int64(set), modseq, first, last, ch.UnchangedSince}, nil)
			if err != nil {
				return err
			}
			changes += c.Changes()
		}
		if changes == 0 {
			return nil
		}
		if counted {
			if err := m.flagged(c, uids, &t, 1); err != nil {
				return err
			}
		}
		if err := m.count(c, t); err != nil {
			return err
		}
		if err := m.note(c, modseq, uids); err != nil {
			return err
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
