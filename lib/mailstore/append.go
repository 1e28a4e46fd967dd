package mailstore

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/emersion/go-imap/v2"
	"zombiezen.com/go/sqlite"

	"goqmail/lib/digest"
	"goqmail/lib/syncdir"
)

// Incoming is a message that is to be put into a mailbox.
type Incoming struct {
	Path   string // its file, which is linked; Staged has one
	Size   uint32
	Digest *digest.Digest
	Flags  []string // names of flags and keywords
	Date   int64    // INTERNALDATE
}

// delivery is what one caller wants put into one mailbox.
type delivery struct {
	box      *Mailbox
	messages []Incoming

	dir  string   // where they go
	uids []uint32 // what they get
	err  error
	done chan struct{} // closed when the rest is known
}

// Append puts messages into the mailbox, all or none, and returns their UIDs. When
// it returns they are durable. What several callers put into one tree meanwhile is
// committed together.
func (m *Mailbox) Append(messages ...Incoming) (uids []uint32, err error) {
	d := &delivery{box: m, messages: messages, done: make(chan struct{})}
	m.tree.enqueue(d)
	<-d.done
	switch {
	case d.err == nil:
		m.store.tell(m.entry.Name)
	case errors.Is(d.err, ErrNoMailbox):
		return nil, m.absent()
	}
	return d.uids, d.err
}

// enqueue has a delivery committed.
func (t *tree) enqueue(d *delivery) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, d)
	if !t.busy {
		t.busy = true
		go t.deliver()
	}
}

// deliver commits what waits, until nothing does: what comes in while it commits
// is the next transaction.
func (t *tree) deliver() {
	for {
		t.mu.Lock()
		batch := t.waiting
		t.waiting = nil
		t.busy = len(batch) > 0
		t.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		t.commit(batch)
		for _, d := range batch {
			close(d.done)
		}
	}
}

// commit makes deliveries, in one transaction: the files, the directories that they are
// in, then the commit of the rows. It holds the right to write to the index from the
// start, so the UIDs are its own.
func (t *tree) commit(batch []*delivery) {
	err := t.db.write(func(c *sqlite.Conn) error {
		dirs := map[string]bool{}
		for _, d := range batch {
			d.err = within(c, d.put)
			switch {
			case c.AutocommitEnabled(): // as after some errors, such as a full disk
				return errLost
			case d.err != nil:
				d.unlink()
			default:
				dirs[d.dir] = true
			}
		}
		for dir := range dirs {
			if err := syncdir.Sync(dir); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return
	}
	// The files stay: what the disk has of the transaction is not known, and a row
	// without a file would be worse than a file without a row.
	for _, d := range batch {
		if d.err == nil {
			d.uids, d.err = nil, err
		}
	}
}

var errNoUIDs = errors.New("mailbox has no more UIDs")

// put gives the messages their names, and meanwhile writes the rows of those that have one.
func (d *delivery) put(c *sqlite.Conn) error {
	var next int64
	err := one(c, "SELECT uidnext, name FROM mailbox WHERE id = ?", []any{d.box.id}, func(s *sqlite.Stmt) {
		next, d.dir = s.ColumnInt64(0), d.box.tree.boxDir(s.ColumnText(1))
	})
	if errors.Is(err, errNoRow) {
		return ErrNoMailbox
	}
	if err != nil {
		return err
	}
	modseq, err := d.box.nextModSeq(c)
	if err != nil {
		return err
	}
	uids := make(chan uint32, 64)
	var failed error
	go func() {
		defer close(uids)
		failed = d.link(next, uids)
	}()
	var t tally
	for uid := range uids {
		d.uids = append(d.uids, uid)
		if err == nil {
			err = d.row(c, len(d.uids)-1, modseq, &t)
		}
	}
	if failed != nil {
		return failed
	}
	if n := len(d.uids); err == nil && n > 0 {
		err = run(c, "UPDATE mailbox SET uidnext = ? WHERE id = ?", []any{int64(d.uids[n-1]) + 1, d.box.id}, nil)
	}
	if err != nil {
		return err
	}
	return d.note(c, modseq, t)
}

// link gives the messages their names, and tells the UIDs that they have by that.
func (d *delivery) link(next int64, uids chan<- uint32) error {
	made := false
	for _, m := range d.messages {
		for ; ; next++ {
			if next >= 1<<32-1 {
				return errNoUIDs
			}
			err := place(m.Path, d.dir+"/"+fileName(uint32(next)))
			if err == nil {
				break
			}
			if errors.Is(err, fs.ErrNotExist) && !made { // the directory of an empty mailbox may have been taken for left over
				if err := makeDir(d.dir); err != nil {
					return err
				}
				made = true
				next--
				continue
			}
			if !errors.Is(err, fs.ErrExist) { // one that was never acknowledged, or put there by hand
				return err
			}
		}
		uids <- uint32(next)
		next++
	}
	return nil
}

// unlink takes the names back.
func (d *delivery) unlink() {
	for _, uid := range d.uids {
		os.Remove(d.dir + "/" + fileName(uid))
	}
	d.uids = nil
}

// place gives a file another name; on another file system it gets a copy.
func place(from, to string) error {
	err := os.Link(from, to)
	if !errors.Is(err, syscall.EXDEV) && !errors.Is(err, syscall.EMLINK) {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	// Under the final name only when it is whole: Reconstruct may look at any time.
	part := filepath.Dir(to) + "/" + filepath.Base(from) + ".part"
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(part)
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Link(part, to)
}

// insert writes the rows of messages that have their names.
func (d *delivery) insert(c *sqlite.Conn) error {
	modseq, err := d.box.nextModSeq(c)
	if err != nil {
		return err
	}
	var t tally
	for i := range d.uids {
		if err := d.row(c, i, modseq, &t); err != nil {
			return err
		}
	}
	return d.note(c, modseq, t)
}

// row writes the rows of a message.
func (d *delivery) row(c *sqlite.Conn, i int, modseq int64, t *tally) error {
	m, key := d.messages[i], d.box.key(d.uids[i])
	flags, err := d.box.flags(c, m.Flags, true)
	if err != nil {
		return err
	}
	if err := insertDigest(c, key, m.Digest); err != nil {
		return err
	}
	t.of(flags, m.Size, 1)
	return run(c, "INSERT INTO message VALUES (?, ?, ?, ?, ?)", []any{key, modseq, int64(flags), m.Date, int64(m.Size)}, nil)
}

// note writes of the mailbox what its new messages change.
func (d *delivery) note(c *sqlite.Conn, modseq int64, t tally) error {
	if len(d.uids) == 0 {
		return nil
	}
	if err := d.box.count(c, t); err != nil {
		return err
	}
	added := imap.UIDRange{Start: imap.UID(d.uids[0]), Stop: imap.UID(d.uids[len(d.uids)-1])}
	return d.box.note(c, modseq, imap.UIDSet{added})
}

// insertDigest writes the rows of what is in a message.
func insertDigest(c *sqlite.Conn, key int64, g *digest.Digest) error {
	err := run(c, "INSERT INTO digest VALUES (?, ?, ?, ?, ?)", []any{key, g.Envelope, g.BodyStructure, g.Parts, g.ID}, nil)
	if err != nil {
		return err
	}
	err = run(c, "INSERT INTO sortkey VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		[]any{key, g.Date, g.Subject, g.Reply, g.From, g.To, g.Cc, g.MessageID, strings.Join(g.References, " ")}, nil)
	if err != nil {
		return err
	}
	return run(c, "INSERT INTO header VALUES (?, ?)", []any{key, g.Header}, nil)
}

// nextModSeq takes the next modification sequence of the mailbox.
func (m *Mailbox) nextModSeq(c *sqlite.Conn) (modseq int64, err error) {
	err = one(c, "UPDATE mailbox SET modseq = modseq + 1 WHERE id = ? RETURNING modseq", []any{m.id},
		func(s *sqlite.Stmt) { modseq = s.ColumnInt64(0) })
	if errors.Is(err, errNoRow) {
		err = ErrNoMailbox
	}
	return modseq, err
}
