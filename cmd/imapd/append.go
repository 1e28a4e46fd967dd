package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"time"

	goimap "github.com/emersion/go-imap/v2"

	"goqmail/lib/acl"
	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// appendMessages is APPEND (RFC 9051 section 6.3.12), with several messages as in RFC 3502.
func (c *conn) appendMessages() error {
	c.r.Space()
	name := c.mailbox()
	c.r.Space()
	if c.r.Err() != nil {
		return nil
	}
	a := appending{c: c}
	defer a.remove()
	if a.err = a.into(name); a.err == nil {
		defer a.box.Close()
	}
	for more := true; more && c.r.Err() == nil; more = c.r.Accept(' ') {
		a.message()
	}
	if err := c.args(); err != nil {
		return err
	}
	uids, err := a.commit()
	if err != nil {
		return err
	}
	if !a.rights.Has(acl.Read) {
		return nil
	}
	validity, err := a.box.UIDValidity()
	if err != nil {
		return err
	}
	return ok("APPENDUID "+utoa(uint64(validity))+" "+compact(uids), "Completed")
}

// appending is an APPEND that is read.
type appending struct {
	c        *conn
	err      error // why no more is wanted of it
	entry    mailstore.Entry
	rights   acl.Rights
	box      *mailstore.Mailbox
	staged   []*mailstore.Staged
	syncing  []*mailstore.Staged // the last of them
	messages []mailstore.Incoming
	seen     []bool // messages that a user has seen who does not own the mailbox
	room     int64  // of the quota, in bytes; negative: without end
	held     int    // bytes of digests
}

// maxHeld is how many bytes of digests are held at most until the last message has come,
// and maxSyncing how many messages are synced at a time.
const (
	maxHeld    = 64 << 20
	maxSyncing = 16
)

// into finds the mailbox.
func (a *appending) into(name string) (err error) {
	a.entry, a.rights, err = a.c.target(name)
	if err != nil {
		return err
	}
	if a.room, err = a.c.room(a.entry.Name); err != nil {
		return err
	}
	a.box, err = a.c.srv.store.OpenMailbox(a.entry.Name)
	return err
}

// target finds the mailbox that messages are to be put into, and the user's rights.
func (c *conn) target(name string) (e mailstore.Entry, rights acl.Rights, err error) {
	e, rights, err = c.entry(name)
	switch {
	case errors.Is(err, mailstore.ErrNoMailbox):
		// Of others' mailboxes it must not tell apart which are not there and which the
		// user may not see.
		if internal, e := c.space.Internal(name); e == nil && c.owns(internal) {
			err = no("TRYCREATE", "Mailbox does not exist")
		}
	case err == nil && !rights.Has(acl.Insert):
		return e, rights, no("NOPERM", "Permission denied")
	}
	return e, rights, err
}

// room returns how many bytes the quota of a mailbox leaves, a negative number if there
// is none.
func (c *conn) room(name string) (int64, error) {
	q, limited, err := c.srv.store.QuotaRoot(name)
	if err != nil || !limited || q.Limit < 0 {
		return -1, err
	}
	return max(0, q.Limit*1024-q.Used), nil
}

var errOverQuota = no("OVERQUOTA", "Over quota")

// message reads one message with its flags and date. What is wrong with it in itself
// makes a.err; then the messages that follow are not asked for.
func (a *appending) message() {
	r := a.c.r
	var flags []string
	if r.Peek() == '(' {
		flags = a.c.flagList()
		r.Space()
	}
	date := time.Now().Unix()
	if r.Peek() == '"' {
		t, err := time.Parse("_2-Jan-2006 15:04:05 -0700", r.String())
		if err != nil {
			r.Fail(imap.Syntax("Invalid date-time in Append command"))
		}
		date = t.Unix()
		r.Space()
	}
	closing := false
	if b := r.Peek(); b == 'u' || b == 'U' {
		if r.Keyword() != "UTF8" || !a.c.utf8 {
			r.Fail(imap.Syntax("Invalid argument of Append command"))
		}
		r.Space()
		r.Expect('(')
		closing = true
	}
	binary := r.Peek() == '~'
	if closing && !binary {
		r.Fail(imap.Syntax("Missing literal8"))
	}
	size := r.Announced()
	if r.Err() != nil {
		return
	}
	a.admit(size)
	if a.err != nil {
		reply, ours := end(a.err)
		if ours {
			a.c.srv.log("appending to %s: %v", a.entry.Name, a.err)
		}
		r.Fail(reply)
		return
	}
	if r.Ask(); r.Err() != nil {
		return
	}
	a.read(size, binary, flags, date)
	if closing {
		r.Expect(')')
	}
}

// admit looks whether a message of that size may come.
func (a *appending) admit(size int64) {
	switch {
	case a.err != nil:
	case size > a.c.srv.maxMessage():
		a.err = no("TOOBIG", "Message too large")
	case a.room >= 0 && size > a.room:
		a.err = errOverQuota
	case a.room >= 0:
		a.room -= size
	}
}

// maxMessage is the most bytes of a message.
func (s *server) maxMessage() int64 { return s.settings().MaxMessage() }

// read takes the bytes of a message.
func (a *appending) read(size int64, binary bool, flags []string, date int64) {
	staged, err := a.c.srv.store.Stage(a.entry.Partition)
	if err != nil {
		a.c.srv.log("unable to stage a message: %v", err)
		a.c.r.Fail(no("SERVERBUG", "System I/O error"))
		return
	}
	a.staged = append(a.staged, staged)
	lines := &lines{w: staged, asItIs: binary}
	if _, err := io.CopyN(lines, a.c.r.Body(), size); err != nil {
		a.c.r.Fail(err)
		return
	}
	switch err := staged.End(); {
	case err != nil:
		a.err = err
	case size == 0:
		a.err = no("", "Message contains no data")
	case lines.nul && !binary:
		a.err = errNUL
	case lines.nul:
		made, err := a.c.srv.withoutNUL(a.entry.Partition, staged)
		staged.Close()
		if a.err = err; err == nil {
			staged = made
			a.staged = append(a.staged, made)
		}
	}
	if a.err != nil {
		return
	}
	a.syncing = append(a.syncing, staged)
	if a.err = a.synced(maxSyncing); a.err != nil {
		return
	}
	d := staged.Digest
	if a.held += len(d.Header) + len(d.Envelope) + len(d.BodyStructure) + len(d.Parts) + 1000; a.held > maxHeld {
		a.err = no("LIMIT", "Too many messages at once")
		return
	}
	m := mailstore.Incoming{Path: staged.Path, Size: staged.Size, Digest: staged.Digest, Date: date}
	seen := false
	for _, name := range flags {
		switch {
		case !a.rights.Has(flagRight(name)):
		case strings.EqualFold(name, `\Seen`) && !a.c.owns(a.entry.Name):
			seen = true
		default:
			m.Flags = append(m.Flags, name)
		}
	}
	a.messages, a.seen = append(a.messages, m), append(a.seen, seen)
}

// synced waits until messages are synced, all but some, and closes them: they may be many.
func (a *appending) synced(but int) error {
	for len(a.syncing) > but {
		staged := a.syncing[0]
		a.syncing = a.syncing[1:]
		if err := errors.Join(staged.Synced(), staged.Close()); err != nil {
			return err
		}
	}
	return nil
}

// commit puts the messages into the mailbox.
func (a *appending) commit() (uids []uint32, err error) {
	if a.err != nil {
		return nil, a.err
	}
	if err := a.synced(0); err != nil {
		return nil, err
	}
	if uids, err = a.box.Append(a.messages...); err != nil {
		return nil, err
	}
	var seen goimap.UIDSet
	for i, uid := range uids {
		if a.seen[i] {
			seen.AddNum(goimap.UID(uid))
		}
	}
	return uids, a.c.markSeen(a.box, seen)
}

// markSeen makes messages seen by the user, who does not own the mailbox.
func (c *conn) markSeen(box *mailstore.Mailbox, uids goimap.UIDSet) error {
	if len(uids) == 0 {
		return nil
	}
	_, err := box.Change(uids, mailstore.Change{
		Op: goimap.StoreFlagsAdd, Names: []string{`\Seen`}, Within: mailstore.Seen, UnchangedSince: -1, User: c.user,
	})
	return err
}

func (a *appending) remove() {
	for _, staged := range a.staged {
		staged.Remove()
	}
}

// lines writes a message with CR LF at the end of its lines, also where a client sends a
// bare LF, unless that is part of it, and notes whether it has a NUL.
type lines struct {
	w      io.Writer
	asItIs bool
	last   byte
	nul    bool
}

func (l *lines) Write(p []byte) (int, error) {
	l.nul = l.nul || bytes.IndexByte(p, 0) >= 0
	if l.asItIs {
		return l.w.Write(p)
	}
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			l.last = p[len(p)-1]
			l.w.Write(p) // an error is kept for Finish
			break
		}
		if end > 0 {
			l.last = p[end-1]
			l.w.Write(p[:end])
		}
		if l.last != '\r' {
			l.w.Write([]byte{'\r'})
		}
		l.last = '\n'
		l.w.Write(p[end : end+1])
		p = p[end+1:]
	}
	return n, nil
}
