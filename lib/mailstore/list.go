package mailstore

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
)

// The list of mailboxes. A mailbox exists if and only if it is here.
const listSchema = `
CREATE TABLE mailbox (
	name TEXT PRIMARY KEY,
	partition TEXT NOT NULL,
	box INTEGER NOT NULL,  -- its id in the index of its tree
	acl TEXT NOT NULL,
	id TEXT NOT NULL,
	use TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE quota (root TEXT PRIMARY KEY, storage INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE subscription (user TEXT, name TEXT, PRIMARY KEY (user, name)) WITHOUT ROWID;
CREATE TABLE annotation (
	name TEXT, entry TEXT, user TEXT, value BLOB NOT NULL, PRIMARY KEY (name, entry, user)
) WITHOUT ROWID;
CREATE TABLE uidvalidity (last INTEGER NOT NULL);
INSERT INTO uidvalidity VALUES (0);
PRAGMA user_version = 1;
`

// The errors that mean something to clients.
var (
	ErrNoMailbox = errors.New("no such mailbox")
	ErrExists    = errors.New("mailbox exists already")
)

// Entry is a mailbox in the list.
type Entry struct {
	Name      string // internal: user.john.SPAM
	Partition string
	ACL       string // identifier TAB rights TAB ..., as Cyrus keeps it
	ID        string // MAILBOXID of RFC 8474; it survives a rename
	Use       string // special use of RFC 6154, such as \Sent; several with blanks between them

	box int64 // its id in the index
}

const entryColumns = "SELECT name, partition, acl, id, use, box FROM mailbox "

func entry(s *sqlite.Stmt) Entry {
	return Entry{s.ColumnText(0), s.ColumnText(1), s.ColumnText(2), s.ColumnText(3), s.ColumnText(4), s.ColumnInt64(5)}
}

// Lookup finds a mailbox in the list. The error is ErrNoMailbox if it is not there.
func (s *Store) Lookup(name string) (e Entry, err error) {
	err = s.list.read(func(c *sqlite.Conn) error {
		return one(c, entryColumns+"WHERE name = ?", []any{name}, func(s *sqlite.Stmt) { e = entry(s) })
	})
	if errors.Is(err, errNoRow) {
		err = ErrNoMailbox
	}
	return e, err
}

// Below lists the mailboxes whose name is root or begins with root and a dot, in
// the order of their names; all of them if root is empty.
func (s *Store) Below(root string) (entries []Entry, err error) {
	where, args := "", []any{}
	if root != "" {
		where, args = "WHERE name = ? OR name > ? AND name < ? ", []any{root, root + ".", root + "/"} // '/' follows '.'
	}
	err = s.list.read(func(c *sqlite.Conn) error {
		return run(c, entryColumns+where+"ORDER BY name", args, func(s *sqlite.Stmt) { entries = append(entries, entry(s)) })
	})
	return entries, err
}

// Granting lists the mailboxes whose ACL names an identifier of some, in the order of
// their names.
func (s *Store) Granting(identifiers ...string) (entries []Entry, err error) {
	var where []string
	var args []any
	for _, identifier := range identifiers {
		where = append(where, "instr(char(9) || acl, ?)")
		args = append(args, "\t"+identifier+"\t")
	}
	err = s.list.read(func(c *sqlite.Conn) error {
		return run(c, entryColumns+"WHERE "+strings.Join(where, " OR ")+" ORDER BY name", args,
			func(s *sqlite.Stmt) { entries = append(entries, entry(s)) })
	})
	return entries, err
}

// Set changes the ACL and the special use of a mailbox to those of e.
func (s *Store) Set(e Entry) error {
	return s.changeList(e.Name, "UPDATE mailbox SET acl = ?2, use = ?3 WHERE name = ?1", e.Name, e.ACL, e.Use)
}

// Edit calls f with a mailbox of the list, and then sets its ACL and special use to what
// f has made of them. Nobody else changes them meanwhile.
func (s *Store) Edit(name string, f func(e *Entry) error) error {
	err := s.list.write(func(c *sqlite.Conn) error {
		var e Entry
		err := one(c, entryColumns+"WHERE name = ?", []any{name}, func(s *sqlite.Stmt) { e = entry(s) })
		if errors.Is(err, errNoRow) {
			err = ErrNoMailbox
		}
		if err != nil {
			return err
		}
		if err := f(&e); err != nil {
			return err
		}
		return run(c, "UPDATE mailbox SET acl = ?, use = ? WHERE name = ?", []any{e.ACL, e.Use, name}, nil)
	})
	if err == nil {
		s.tell(name)
	}
	return err
}

// changeList runs a statement that changes one mailbox in the list.
func (s *Store) changeList(name, query string, args ...any) error {
	err := s.list.write(func(c *sqlite.Conn) error {
		if err := run(c, query, args, nil); err != nil {
			return err
		}
		if c.Changes() == 0 {
			return ErrNoMailbox
		}
		return nil
	})
	if err == nil {
		s.tell(name)
	}
	return err
}

// Subscribe notes that a user wants a mailbox listed by LSUB, or no longer. The
// mailbox need not exist.
func (s *Store) Subscribe(user, name string, on bool) error {
	query := "DELETE FROM subscription WHERE user = ? AND name = ?"
	if on {
		query = "INSERT OR IGNORE INTO subscription VALUES (?, ?)"
	}
	return s.list.write(func(c *sqlite.Conn) error { return run(c, query, []any{user, name}, nil) })
}

// Subscriptions lists the mailboxes that a user is subscribed to, by name.
func (s *Store) Subscriptions(user string) (names []string, err error) {
	err = s.list.read(func(c *sqlite.Conn) error {
		return run(c, "SELECT name FROM subscription WHERE user = ? ORDER BY name", []any{user},
			func(s *sqlite.Stmt) { names = append(names, s.ColumnText(0)) })
	})
	return names, err
}

// Annotation is an annotation of a mailbox, or of the server if the mailbox's
// name is empty (RFC 5464). Entry has no /shared or /private before it: User is empty
// for shared ones.
type Annotation struct {
	Entry, User string
	Value       []byte
}

// Annotations returns those of a mailbox that are shared or the user's.
func (s *Store) Annotations(name, user string) (all []Annotation, err error) {
	err = s.list.read(func(c *sqlite.Conn) error {
		return run(c, "SELECT entry, user, value FROM annotation WHERE name = ? AND user IN ('', ?) ORDER BY entry", []any{name, user},
			func(s *sqlite.Stmt) { all = append(all, Annotation{s.ColumnText(0), s.ColumnText(1), blob(s, 2)}) })
	})
	return all, err
}

// Annotate sets annotations of a mailbox; a nil value removes one.
func (s *Store) Annotate(name string, all ...Annotation) error {
	return s.list.write(func(c *sqlite.Conn) error {
		for _, a := range all {
			query, args := "DELETE FROM annotation WHERE name = ? AND entry = ? AND user = ?", []any{name, a.Entry, a.User}
			if a.Value != nil {
				query, args = "INSERT OR REPLACE INTO annotation VALUES (?, ?, ?, ?)", append(args, a.Value)
			}
			if err := run(c, query, args, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// newValidity takes a UIDVALIDITY that no mailbox here ever had: the time, as
// everybody does, but at least one more than the last.
func newValidity(c *sqlite.Conn) (validity uint32, err error) {
	err = one(c, "UPDATE uidvalidity SET last = max(last + 1, ?) RETURNING last", []any{time.Now().Unix()},
		func(s *sqlite.Stmt) { validity = uint32(s.ColumnInt64(0)) })
	return validity, err
}

func newID() string {
	var id [12]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// treeOf splits a mailbox's name into the root of its tree and what follows:
// user.john and SPAM.Old for user.john.SPAM.Old.
func treeOf(name string) (root, rest string) {
	dots := 1
	if strings.HasPrefix(name, "user.") {
		dots = 2
	}
	for i := range len(name) {
		if name[i] == '.' {
			if dots--; dots == 0 {
				return name[:i], name[i+1:]
			}
		}
	}
	return name, ""
}
