package mailstore

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
)

// The index of a tree. A message's key is its mailbox's id, shifted by 32 bits,
// and its UID, so that the messages of a mailbox lie together in their order. The
// tables hold a message's parts by how often they are read together.
const treeSchema = `
CREATE TABLE mailbox (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT UNIQUE NOT NULL,         -- below the tree's root, where it is empty; its directory
	uidvalidity INTEGER NOT NULL,
	uidnext INTEGER NOT NULL DEFAULT 1,
	modseq INTEGER NOT NULL DEFAULT 1, -- the highest that any message has or had
	noted INTEGER NOT NULL DEFAULT 0,  -- from this modseq on the table change has all changes
	recent INTEGER NOT NULL DEFAULT 0, -- up to this UID messages are not recent
	pruned INTEGER NOT NULL DEFAULT 0, -- up to this modseq it is forgotten what was expunged
	messages INTEGER NOT NULL DEFAULT 0,
	unseen INTEGER NOT NULL DEFAULT 0,
	deleted INTEGER NOT NULL DEFAULT 0,
	bytes INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE message (
	key INTEGER PRIMARY KEY,
	modseq INTEGER NOT NULL,
	flags INTEGER NOT NULL,
	date INTEGER NOT NULL,
	size INTEGER NOT NULL
);
CREATE TABLE change (mailbox INTEGER, modseq INTEGER, first INTEGER, last INTEGER, PRIMARY KEY (mailbox, modseq, first)) WITHOUT ROWID;
CREATE TABLE expunged (key INTEGER PRIMARY KEY, modseq INTEGER NOT NULL, date INTEGER NOT NULL);
CREATE TABLE keyword (mailbox INTEGER, bit INTEGER, name TEXT NOT NULL, PRIMARY KEY (mailbox, bit)) WITHOUT ROWID;
CREATE TABLE seen (mailbox INTEGER, user TEXT, uids TEXT NOT NULL, PRIMARY KEY (mailbox, user)) WITHOUT ROWID;
CREATE TABLE digest (key INTEGER PRIMARY KEY, envelope BLOB, bodystructure BLOB, parts BLOB, id BLOB);
CREATE TABLE sortkey (
	key INTEGER PRIMARY KEY, date INTEGER, subject TEXT, reply INTEGER,
	sender TEXT, recipient TEXT, cc TEXT, messageid TEXT, refs TEXT -- with blanks between
);
CREATE TABLE header (key INTEGER PRIMARY KEY, text BLOB);
PRAGMA user_version = 1;
`

// tree is the index of all mailboxes below one root.
type tree struct {
	dir string
	db  *database

	mu      sync.Mutex
	waiting []*delivery // to be committed next
	busy    bool        // a goroutine commits
}

// boxDir is the directory of a mailbox by its name below the root.
func (t *tree) boxDir(rest string) string {
	if rest == "" {
		return t.dir
	}
	return t.dir + "/" + strings.ReplaceAll(rest, ".", "/")
}

// tree returns the tree that a mailbox belongs to. Dots in the directory are those
// between the parts of its name; a part that has one itself has a ^ instead, as Cyrus
// does it for unixhierarchysep.
func (s *Store) tree(e Entry) (*tree, error) {
	partition, ok := s.layout.Partitions[e.Partition]
	if !ok {
		return nil, fmt.Errorf("partition-%s is not set", e.Partition)
	}
	root, _ := treeOf(e.Name)
	dir := partition + "/" + strings.ReplaceAll(root, ".", "/")
	if s.layout.HashSpool {
		dir = partition + "/" + s.layout.hash(root) + "/" + strings.ReplaceAll(root, ".", "/")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.trees[dir]
	if t == nil {
		t = &tree{dir: dir, db: &database{path: filepath.Join(dir, "index.db"), schema: treeSchema, open: &s.open}}
		s.trees[dir] = t
	}
	return t, nil
}
