package main

import (
	"errors"
	"io/fs"
	"strings"

	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
	"goqmail/lib/mboxname"
)

// command is what the server does for a command. run reads all arguments from c.r
// before it does anything, and returns how the command ends; see end.
type command struct {
	when state
	run  func(c *conn) error
	// keeps: no message leaves the client's numbering while it runs, because they are
	// what it speaks of (RFC 9051 section 7.5.1).
	keeps bool
}

// state is when a command may be given.
type state int

const (
	always   state = iota
	stranger       // only before login
	user           // only after it
	selected       // only with a mailbox selected
)

// lookup finds a command. UID FETCH and its like are under both words.
func lookup(name string) (cmd command, ok bool) {
	switch name {
	case "APPEND":
		return command{when: user, run: (*conn).appendMessages}, true
	case "CAPABILITY":
		return command{when: always, run: (*conn).capability}, true
	case "NOOP":
		return command{when: always, run: (*conn).noop}, true
	case "LOGOUT":
		return command{when: always, run: (*conn).logout}, true
	case "AUTHENTICATE":
		return command{when: stranger, run: (*conn).authenticate}, true
	case "LOGIN":
		return command{when: stranger, run: (*conn).login}, true
	case "SEARCH", "UID SEARCH":
		return command{when: selected, run: (*conn).search, keeps: name == "SEARCH"}, true
	case "SELECT":
		return command{when: user, run: (*conn).selectMailbox}, true
	case "EXAMINE":
		return command{when: user, run: (*conn).examine}, true
	case "CHECK":
		return command{when: selected, run: (*conn).noop}, true
	case "CLOSE":
		return command{when: selected, run: (*conn).closeMailbox}, true
	case "THREAD", "UID THREAD":
		return command{when: selected, run: (*conn).thread, keeps: name == "THREAD"}, true
	case "UNSELECT":
		return command{when: selected, run: (*conn).unselect}, true
	case "COPY", "UID COPY":
		return command{when: selected, run: (*conn).copyMessages}, true
	case "COMPRESS":
		return command{when: user, run: (*conn).compress}, true
	case "ENABLE":
		return command{when: user, run: (*conn).enable}, true
	case "EXPUNGE", "UID EXPUNGE":
		return command{when: selected, run: (*conn).expunge}, true
	case "ID":
		return command{when: always, run: (*conn).id}, true
	case "IDLE":
		return command{when: user, run: (*conn).idle}, true
	case "MOVE", "UID MOVE":
		return command{when: selected, run: (*conn).moveMessages}, true
	case "CREATE":
		return command{when: user, run: (*conn).create}, true
	case "DELETE":
		return command{when: user, run: (*conn).delete}, true
	case "RENAME":
		return command{when: user, run: (*conn).rename}, true
	case "GETACL":
		return command{when: user, run: (*conn).getACL}, true
	case "SETACL":
		return command{when: user, run: (*conn).setACL}, true
	case "DELETEACL":
		return command{when: user, run: (*conn).deleteACL}, true
	case "LISTRIGHTS":
		return command{when: user, run: (*conn).listRights}, true
	case "MYRIGHTS":
		return command{when: user, run: (*conn).myRights}, true
	case "GETQUOTA":
		return command{when: user, run: (*conn).getQuota}, true
	case "GETQUOTAROOT":
		return command{when: user, run: (*conn).getQuotaRoot}, true
	case "SETQUOTA":
		return command{when: user, run: (*conn).setQuota}, true
	case "GETANNOTATION":
		return command{when: user, run: (*conn).getAnnotation}, true
	case "SETANNOTATION":
		return command{when: user, run: (*conn).setAnnotation}, true
	case "GETMETADATA":
		return command{when: user, run: (*conn).getMetadata}, true
	case "SETMETADATA":
		return command{when: user, run: (*conn).setMetadata}, true
	case "RECONSTRUCT":
		return command{when: user, run: (*conn).reconstruct}, true
	case "LIST":
		return command{when: user, run: (*conn).list}, true
	case "LSUB":
		return command{when: user, run: (*conn).lsub}, true
	case "NAMESPACE":
		return command{when: user, run: (*conn).namespace}, true
	case "STATUS":
		return command{when: user, run: (*conn).status}, true
	case "SUBSCRIBE":
		return command{when: user, run: (*conn).subscribe}, true
	case "UNSUBSCRIBE":
		return command{when: user, run: (*conn).unsubscribe}, true
	case "FETCH", "UID FETCH":
		return command{when: selected, run: (*conn).fetch, keeps: name == "FETCH"}, true
	case "STARTTLS":
		return command{when: stranger, run: (*conn).startTLS}, true
	case "SORT", "UID SORT":
		return command{when: selected, run: (*conn).sort, keeps: name == "SORT"}, true
	case "STORE", "UID STORE":
		return command{when: selected, run: (*conn).store, keeps: name == "STORE"}, true
	}
	return command{}, false
}

// reply is how a command ends: OK, NO or BAD, maybe a response code, and a text.
type reply struct{ status, code, text string }

func (r reply) Error() string { return r.text }

func (r reply) String() string {
	if r.code != "" {
		return r.status + " [" + r.code + "] " + r.text
	}
	return r.status + " " + r.text
}

func ok(code, text string) error { return reply{"OK", code, text} }
func no(code, text string) error { return reply{"NO", code, text} }

// end makes a reply of what a command has returned. Errors that are not the client's
// are for the log as well.
func end(err error) (r reply, ours bool) {
	var syntax imap.Syntax
	switch {
	case err == nil:
		return reply{"OK", "", "Completed"}, false
	case errors.As(err, &r):
		return r, false
	case errors.As(err, &syntax):
		return reply{"BAD", "", string(syntax)}, false
	case errors.Is(err, mailstore.ErrNoMailbox):
		return reply{"NO", "NONEXISTENT", "Mailbox does not exist"}, false
	case errors.Is(err, mailstore.ErrExists):
		return reply{"NO", "ALREADYEXISTS", "Mailbox already exists"}, false
	case errors.Is(err, mailstore.ErrTooManyKeywords):
		return reply{"NO", "LIMIT", "Too many user flags in mailbox"}, false
	case errors.Is(err, mboxname.ErrInvalid):
		return reply{"NO", "CANNOT", "Invalid mailbox name"}, false
	case errors.Is(err, fs.ErrNotExist):
		return reply{"NO", "EXPUNGEISSUED", "Some messages are no longer there"}, false
	}
	return reply{"NO", "SERVERBUG", "System I/O error"}, true
}

// next reads and runs a command. An error ends the connection.
func (c *conn) next() error {
	c.r.Start()
	tag := c.r.Tag()
	c.r.Space()
	name := c.r.Keyword()
	if name == "UID" {
		c.r.Space()
		name += " " + c.r.Keyword()
	}
	cmd, known := lookup(name)
	if c.r.Err() == nil {
		c.r.Fail(c.allowed(cmd, known))
	}
	if c.r.Err() != nil {
		return c.refuse(tag)
	}
	c.command, c.tag = name, tag
	sel, condstore := c.sel, c.condstore
	err := cmd.run(c)
	if c.r.Err() != nil {
		return c.refuse(tag)
	}
	if errors.Is(err, errLost) {
		c.srv.log("%s of %s: %v", name, c.user, err)
		return err
	}
	r, ours := end(err)
	if ours {
		c.srv.log("%s of %s: %v", name, c.user, err)
	}
	if c.sel != nil && !c.bye {
		if err := c.sync(!cmd.keeps); err != nil {
			return err
		}
		if c.sel == sel && c.condstore && !condstore { // asked for with a mailbox selected
			c.printf("* OK [HIGHESTMODSEQ %d] Ok", sel.view.ModSeq)
		}
	}
	c.line(tag + " " + r.String())
	if c.bye {
		return errBye
	}
	if then := c.then; then != nil {
		c.then = nil
		return then()
	}
	return nil
}

// allowed says why a command cannot be given now; nil if it can.
func (c *conn) allowed(cmd command, known bool) error {
	switch {
	case c.user == "" && (!known || cmd.when == user || cmd.when == selected):
		return imap.Syntax("Please login first")
	case !known:
		return imap.Syntax("Unrecognized command")
	case cmd.when == stranger && c.user != "":
		return imap.Syntax("Already logged in")
	case cmd.when == selected && c.sel == nil:
		return imap.Syntax("Please select a mailbox first")
	}
	return nil
}

// refuse answers a command that was not read to its end with what c.r has against it,
// and passes over what is left of it. An error of reading ends the connection.
func (c *conn) refuse(tag string) error {
	err := c.r.Err()
	var syntax imap.Syntax
	var refusal reply
	if !errors.As(err, &syntax) && !errors.As(err, &refusal) {
		return err
	}
	if err := c.r.Skip(); err != nil {
		return err
	}
	if tag == "" {
		tag = "*"
	}
	if refusal.status != "" {
		c.line(tag + " " + refusal.String())
		return nil
	}
	c.line(tag + " BAD " + string(syntax))
	if c.mistakes++; c.mistakes == maxMistakes && c.user == "" {
		c.line("* BYE Too many errors")
		return errBye
	}
	return nil
}

// maxMistakes is how many commands that make no sense a client may give before it
// has logged in: who speaks another protocol gives many.
const maxMistakes = 10

// uid tells whether the command that runs is one that takes and gives UIDs.
func (c *conn) uid() bool { return strings.HasPrefix(c.command, "UID ") }
