package mailstore

import (
	"errors"

	"github.com/emersion/go-imap/v2"
	"zombiezen.com/go/sqlite"

	"goqmail/lib/digest"
)

// Copy puts the messages with UIDs in a set into another mailbox, all or none,
// and returns which UIDs became which. Their files are linked. A function that is not
// nil says which flags the copy of a message has.
func (m *Mailbox) Copy(uids imap.UIDSet, to *Mailbox, flags func(*Message) Flags) (from, made []uint32, err error) {
	view, err := m.View()
	if err != nil {
		return nil, nil, err
	}
	var dir string
	err = m.tree.db.read(func(c *sqlite.Conn) (err error) {
		dir, err = m.dir(c)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	var messages []Incoming
	err = m.Digests(uids, func(uid uint32, g *digest.Digest) error {
		seq := view.Seq(uid)
		if seq == 0 { // new since the view
			return nil
		}
		msg := *view.At(seq)
		if flags != nil {
			msg.Flags = flags(&msg)
		}
		messages = append(messages, Incoming{
			Path: dir + "/" + fileName(uid), Size: msg.Size, Digest: g,
			Flags: msg.Flags.Names(view.Keywords), Date: msg.Date,
		})
		from = append(from, uid)
		return nil
	})
	if err != nil || len(messages) == 0 {
		return nil, nil, err
	}
	made, err = to.Append(messages...)
	if err != nil {
		return nil, nil, err
	}
	return from, made, nil
}

// Move moves messages likewise. A crash may leave them in both mailboxes.
func (m *Mailbox) Move(uids imap.UIDSet, to *Mailbox, flags func(*Message) Flags) (from, made []uint32, err error) {
	from, made, err = m.Copy(uids, to, flags)
	if err != nil || len(from) == 0 {
		return from, made, err
	}
	var moved imap.UIDSet
	for _, uid := range from {
		moved.AddNum(imap.UID(uid))
	}
	_, err = m.remove(moved, 0)
	return from, made, err
}

// Digests calls f with the digests of the messages with UIDs in a set, in
// ascending order. An error of f ends it.
func (m *Mailbox) Digests(uids imap.UIDSet, f func(uid uint32, g *digest.Digest) error) error {
	return m.rows(uids, `SELECT key, envelope, bodystructure, parts, id, date, subject, reply, sender, recipient, cc, messageid, refs, text
		FROM digest JOIN sortkey USING (key) JOIN header USING (key)`, func(s *sqlite.Stmt) error {
		g := &digest.Digest{Envelope: blob(s, 1), BodyStructure: blob(s, 2), Parts: blob(s, 3), ID: blob(s, 4), Header: blob(s, 13)}
		sortKey(s, 5, g)
		return f(uint32(s.ColumnInt64(0)), g)
	})
}

// UIDValidity returns what a View has as well, without reading one.
func (m *Mailbox) UIDValidity() (validity uint32, err error) {
	err = m.tree.db.read(func(c *sqlite.Conn) error {
		return one(c, "SELECT uidvalidity FROM mailbox WHERE id = ?", []any{m.id}, func(s *sqlite.Stmt) { validity = uint32(s.ColumnInt64(0)) })
	})
	if errors.Is(err, errNoRow) {
		err = ErrNoMailbox
	}
	return validity, err
}
