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

// Column is something that the index keeps of each message's content; see digest.Digest.
type Column string

// The columns, which are those of the tables.
const (
	Envelope      Column = "digest.envelope"
	BodyStructure Column = "digest.bodystructure"
	Parts         Column = "digest.parts"
	ID            Column = "digest.id"
	Header        Column = "header.text"
)

// Columns calls f with columns of the messages with UIDs in a set, in ascending order,
// as long as f returns no error. The bytes are f's only until it returns. No message is
// opened.
func (m *Mailbox) Columns(uids imap.UIDSet, columns []Column, f func(uid uint32, values [][]byte) error) error {
	query := "SELECT key"
	from := ""
	for _, column := range columns {
		query += ", " + string(column)
		table, _, _ := strings.Cut(string(column), ".")
		switch {
		case from == "":
			from = " FROM " + table
		case !strings.Contains(from, table):
			from += " JOIN " + table + " USING (key)"
		}
	}
	values := make([][]byte, len(columns))
	buffers := make([][]byte, len(columns))
	return m.rows(uids, query+from, func(s *sqlite.Stmt) error {
		for i := range columns {
			n := s.ColumnLen(i + 1)
			if n > len(buffers[i]) {
				buffers[i] = make([]byte, n*2)
			}
			values[i] = buffers[i][:s.ColumnBytes(i+1, buffers[i][:n])]
		}
		return f(uint32(s.ColumnInt64(0)), values)
	})
}

// SortKeys does the same with what a Digest has to sort and thread by. The digest is f's
// only until it returns.
func (m *Mailbox) SortKeys(uids imap.UIDSet, f func(uid uint32, g *digest.Digest) error) error {
	var g digest.Digest
	return m.rows(uids, "SELECT key, date, subject, reply, sender, recipient, cc, messageid, refs FROM sortkey", func(s *sqlite.Stmt) error {
		sortKey(s, 1, &g)
		return f(uint32(s.ColumnInt64(0)), &g)
	})
}

// sentDates does the same with nothing but the date that a Digest has.
func (m *Mailbox) sentDates(uids imap.UIDSet, f func(uid uint32, g *digest.Digest) error) error {
	return m.rows(uids, "SELECT key, date FROM sortkey", func(s *sqlite.Stmt) error {
		return f(uint32(s.ColumnInt64(0)), &digest.Digest{Date: s.ColumnInt64(1)})
	})
}

// sortKey fills in a digest from columns of the table sortkey.
func sortKey(s *sqlite.Stmt, first int, g *digest.Digest) {
	g.Date, g.Subject, g.Reply = s.ColumnInt64(first), s.ColumnText(first+1), s.ColumnBool(first+2)
	g.From, g.To, g.Cc = s.ColumnText(first+3), s.ColumnText(first+4), s.ColumnText(first+5)
	g.MessageID, g.References = s.ColumnText(first+6), g.References[:0]
	for id := range strings.FieldsSeq(s.ColumnText(first + 7)) {
		g.References = append(g.References, id)
	}
}
