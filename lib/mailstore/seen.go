package mailstore

import (
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
	"zombiezen.com/go/sqlite"
)

// Seen returns which messages a user other than the owner of the mailbox has seen: the
// flag \Seen is the owner's.
func (m *Mailbox) Seen(user string) (seen imap.UIDSet, err error) {
	err = m.tree.db.read(func(c *sqlite.Conn) (err error) {
		seen, err = m.seen(c, user)
		return err
	})
	return seen, err
}

func (m *Mailbox) seen(c *sqlite.Conn, user string) (seen imap.UIDSet, err error) {
	var text string
	err = run(c, "SELECT uids FROM seen WHERE mailbox = ? AND user = ?", []any{m.id, user}, func(s *sqlite.Stmt) { text = s.ColumnText(0) })
	for r := range strings.SplitSeq(text, ",") {
		first, last, ok := strings.Cut(r, ":")
		if !ok {
			last = first
		}
		start, _ := strconv.ParseUint(first, 10, 32)
		stop, _ := strconv.ParseUint(last, 10, 32)
		if start > 0 && start <= stop {
			seen = append(seen, imap.UIDRange{Start: imap.UID(start), Stop: imap.UID(stop)})
		}
	}
	return seen, err
}

// setSeen makes messages seen by a user, or unseen, as far as a change is for them. Those
// that it changes get a new modification sequence, by which the user's other sessions
// hear of it; their number is returned.
func (m *Mailbox) setSeen(c *sqlite.Conn, uids imap.UIDSet, ch Change, on bool, modseq int64) (changes int, err error) {
	seen, err := m.seen(c, ch.User)
	if err != nil {
		return 0, err
	}
	var changed imap.UIDSet
	for _, r := range uids {
		err := run(c, "SELECT key FROM message WHERE key BETWEEN ? AND ? AND modseq <= ?",
			[]any{m.key(uint32(r.Start)), m.key(uint32(r.Stop)), ch.UnchangedSince}, func(s *sqlite.Stmt) {
				if uid := imap.UID(uint32(s.ColumnInt64(0))); seen.Contains(uid) != on {
					changed.AddNum(uid)
					changes++
				}
			})
		if err != nil {
			return 0, err
		}
	}
	if changes == 0 {
		return 0, nil
	}
	for _, r := range changed {
		if on {
			seen.AddRange(r.Start, r.Stop)
		} else {
			seen = without(seen, r)
		}
		err := run(c, "UPDATE message SET modseq = ? WHERE key BETWEEN ? AND ?", []any{modseq, m.key(uint32(r.Start)), m.key(uint32(r.Stop))}, nil)
		if err != nil {
			return 0, err
		}
	}
	return changes, run(c, "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", []any{m.id, ch.User, seen.String()}, nil)
}

// without returns a set without the numbers of a range.
func without(set imap.UIDSet, r imap.UIDRange) (rest imap.UIDSet) {
	for _, s := range set {
		if s.Start < r.Start {
			rest = append(rest, imap.UIDRange{Start: s.Start, Stop: min(s.Stop, r.Start-1)})
		}
		if s.Stop > r.Stop {
			rest = append(rest, imap.UIDRange{Start: max(s.Start, r.Stop+1), Stop: s.Stop})
		}
	}
	return rest
}

// SeenBy returns the view as a user sees it who is not the owner.
func (v *View) SeenBy(seen imap.UIDSet) *View {
	w := *v
	w.chunks = make([][]Message, len(v.chunks))
	for i, chunk := range v.chunks {
		own := make([]Message, len(chunk))
		for j, m := range chunk {
			for len(seen) > 0 && seen[0].Stop < imap.UID(m.UID) {
				seen = seen[1:]
			}
			m.Flags &^= Seen
			if len(seen) > 0 && seen[0].Start <= imap.UID(m.UID) {
				m.Flags |= Seen
			}
			own[j] = m
		}
		w.chunks[i] = own
	}
	return &w
}
