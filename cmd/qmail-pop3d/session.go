package main

import (
	"bufio"
	"errors"
	"strconv"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/commands"
	"goqmail/lib/maildir"
	"goqmail/lib/timeout"
)

// patience is how long each wait for the client may last (RFC 1939, section 3,
// wants no less than 10 minutes).
const patience = 20 * time.Minute

// session is one dialogue. Each reply is sent at once: if it cannot be, the
// commands that follow do not count.
type session struct {
	in       *bufio.Reader
	out      *bufio.Writer
	messages []maildir.Message
	deleted  []bool // of each message
	last     int    // the highest number among the messages deleted
}

func newSession(c *call.Call) *session {
	return &session{
		in:  bufio.NewReader(timeout.Reader{File: c.In(), Limit: patience}),
		out: bufio.NewWriter(timeout.Writer{File: c.Out(), Limit: patience}),
	}
}

var table = [...]commands.Command[*session]{
	{Verb: "quit", Run: (*session).quit},
	{Verb: "stat", Run: (*session).stat},
	{Verb: "list", Run: (*session).list},
	{Verb: "uidl", Run: (*session).uidl},
	{Verb: "dele", Run: (*session).dele},
	{Verb: "retr", Run: (*session).top},
	{Verb: "rset", Run: (*session).rset},
	{Verb: "last", Run: (*session).lastDeleted},
	{Verb: "top", Run: (*session).top},
	{Verb: "noop", Run: (*session).okay},
}

func (s *session) reply(line string) error {
	s.out.WriteString(line)
	s.out.WriteString("\r\n")
	return s.out.Flush()
}

func (s *session) refuse(why string) error { return s.reply("-ERR " + why) }

func (s *session) okay(string) error { return s.reply("+OK ") }

func (s *session) unimplemented(string) error { return s.refuse("unimplemented") }

// errQuit is how the dialogue ends well.
var errQuit = errors.New("client has quit")

// quit makes true what was said about deleting, and moves the other new
// messages to cur.
func (s *session) quit(string) error {
	for i, m := range s.messages {
		name, isNew := strings.CutPrefix(m.Name, "new/")
		switch {
		case s.deleted[i]:
			if syscall.Unlink(m.Name) != nil {
				s.refuse("unable to unlink all deleted messages")
			}
		case isNew:
			syscall.Rename(m.Name, "cur/"+name+":2,") // if it fails, it stays new
		}
	}
	s.okay("")
	return errQuit
}

func (s *session) stat(string) error {
	total := int64(0)
	for i, m := range s.messages {
		if !s.deleted[i] {
			total += m.Size
		}
	}
	return s.reply("+OK " + strconv.Itoa(len(s.messages)) + " " + strconv.FormatInt(total, 10))
}

func (s *session) rset(string) error {
	clear(s.deleted)
	s.last = 0
	return s.okay("")
}

func (s *session) lastDeleted(string) error { return s.reply("+OK " + strconv.Itoa(s.last)) }

func (s *session) dele(argument string) error {
	i, _, err := s.message(argument)
	if err != nil {
		return s.refuse(err.Error())
	}
	s.deleted[i] = true
	s.last = max(s.last, i+1)
	return s.okay("")
}

func (s *session) list(argument string) error {
	return s.listing(argument, func(m *maildir.Message) string { return strconv.FormatInt(m.Size, 10) })
}

// uidl lists file names without what stands behind a colon: the part that stays
// the same when a message moves from new to cur.
func (s *session) uidl(argument string) error {
	return s.listing(argument, func(m *maildir.Message) string {
		name, _, _ := strings.Cut(m.Name[len("new/"):], ":")
		return name
	})
}

// listing writes a line about one message, or about each.
func (s *session) listing(argument string, about func(*maildir.Message) string) error {
	if argument != "" {
		i, _, err := s.message(argument)
		if err != nil {
			return s.refuse(err.Error())
		}
		return s.reply("+OK " + strconv.Itoa(i+1) + " " + about(&s.messages[i]))
	}
	if err := s.okay(""); err != nil {
		return err
	}
	for i := range s.messages {
		if !s.deleted[i] {
			s.out.WriteString(strconv.Itoa(i+1) + " " + about(&s.messages[i]) + "\r\n")
		}
	}
	return s.reply(".")
}

// The reasons not to accept a message number.
var (
	errSyntax  = errors.New("syntax error")
	errZero    = errors.New("messages are counted from 1")
	errTooBig  = errors.New("not that many messages")
	errDeleted = errors.New("already deleted")
)

// message reads the number of a message at the start of argument, and returns
// its index and what follows the number.
func (s *session) message(argument string) (i int, rest string, err error) {
	n, rest, ok := number(argument)
	switch {
	case !ok:
		return 0, "", errSyntax
	case n == 0:
		return 0, "", errZero
	case n > uint64(len(s.messages)):
		return 0, "", errTooBig
	case s.deleted[n-1]:
		return 0, "", errDeleted
	}
	return int(n - 1), rest, nil
}

// number reads the digits at the start of s, wrapping at 64 bits. ok is false if
// there are none.
func number(s string) (n uint64, rest string, ok bool) {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		n = 10*n + uint64(s[i]-'0')
		i++
	}
	return n, s[i:], i > 0
}
