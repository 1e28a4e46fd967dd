package mailstore

import (
	"strings"

	"github.com/emersion/go-imap/v2"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"goqmail/lib/digest"
)

// rows runs a query that begins with the key of a message for the messages with
// UIDs in a set, in ascending order. An error of f ends it.
func (m *Mailbox) rows(uids imap.UIDSet, query string, f func(*sqlite.Stmt) error) error {
	return m.tree.db.read(func(c *sqlite.Conn) error {
		for _, r := range uids {
			err := sqlitex.Execute(c, query+" WHERE key BETWEEN ? AND ? ORDER BY key",
				&sqlitex.ExecOptions{Args: []any{m.key(uint32(r.Start)), m.key(uint32(r.Stop))}, ResultFunc: f})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// column calls f with one column of a table for the messages with UIDs in a set.
// The bytes are f's only until it returns.
func (m *Mailbox) column(uids imap.UIDSet, table, column string, f func(uid uint32, value []byte) error) error {
	var buf []byte
	return m.rows(uids, "SELECT key, "+column+" FROM "+table, func(s *sqlite.Stmt) error {
		n := s.ColumnLen(1)
		if n > len(buf) {
			buf = make([]byte, n*2)
		}
		return f(uint32(s.ColumnInt64(0)), buf[:s.ColumnBytes(1, buf[:n])])
	})
}

// Envelopes calls f with each message's Digest.Envelope, and so on for the next
// ones: for the messages with UIDs in a set, in ascending order, as long as f
// returns no error. The bytes are f's only until it returns. No message is opened.
func (m *Mailbox) Envelopes(uids imap.UIDSet, f func(uid uint32, envelope []byte) error) error {
	return m.column(uids, "digest", "envelope", f)
}

// BodyStructures does it with Digest.BodyStructure.
func (m *Mailbox) BodyStructures(uids imap.UIDSet, f func(uid uint32, structure []byte) error) error {
	return m.column(uids, "digest", "bodystructure", f)
}

// Parts does it with Digest.Parts.
func (m *Mailbox) Parts(uids imap.UIDSet, f func(uid uint32, parts []byte) error) error {
	return m.column(uids, "digest", "parts", f)
}

// IDs does it with Digest.ID.
func (m *Mailbox) IDs(uids imap.UIDSet, f func(uid uint32, id []byte) error) error {
	return m.column(uids, "digest", "id", f)
}

// Headers does it with Digest.Header.
func (m *Mailbox) Headers(uids imap.UIDSet, f func(uid uint32, header []byte) error) error {
	return m.column(uids, "header", "text", f)
}

// SortKeys does it with what a Digest has to sort and thread by.
func (m *Mailbox) SortKeys(uids imap.UIDSet, f func(uid uint32, g *digest.Digest) error) error {
	return m.rows(uids, "SELECT key, date, subject, reply, sender, recipient, cc, messageid, refs FROM sortkey", func(s *sqlite.Stmt) error {
		g := new(digest.Digest)
		sortKey(s, 1, g)
		return f(uint32(s.ColumnInt64(0)), g)
	})
}

// sortKey fills in a digest from columns of the table sortkey.
func sortKey(s *sqlite.Stmt, first int, g *digest.Digest) {
	g.Date, g.Subject, g.Reply = s.ColumnInt64(first), s.ColumnText(first+1), s.ColumnBool(first+2)
	g.From, g.To, g.Cc = s.ColumnText(first+3), s.ColumnText(first+4), s.ColumnText(first+5)
	g.MessageID, g.References = s.ColumnText(first+6), strings.Fields(s.ColumnText(first+7))
}
