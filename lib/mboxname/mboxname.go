// Package mboxname turns the names of mailboxes that clients use into those of the
// store and back. In the store user.john is John's INBOX, user.john.SPAM is below it,
// and any other first part is shared; a dot within a part is a ^ there.
package mboxname

import (
	"errors"
	"strings"
)

// ErrInvalid is for a name that no mailbox can have.
var ErrInvalid = errors.New("invalid mailbox name")

// Space is what one user calls mailboxes.
type Space struct {
	User      string // who asks, as he logs in
	Separator byte   // '.', or '/' for unixhierarchysep
	Alt       bool   // altnamespace: his own mailboxes stand beside INBOX, not below it
	Users     string // userprefix: where those of others are, only for Alt
	Shared    string // sharedprefix: where shared ones are, only for Alt
}

// Inbox is the name of the user's INBOX in the store.
func (s Space) Inbox() string { return "user." + s.part(s.User) }

// part is a part of a name as the store has it.
func (s Space) part(p string) string { return strings.ReplaceAll(p, ".", "^") }

// prefixes of an Alt space, with the separator.
func (s Space) users() string  { return s.Users + string(s.Separator) }
func (s Space) shared() string { return s.Shared + string(s.Separator) }

// Internal returns the store's name for a user's, in modified UTF-7.
func (s Space) Internal(name string) (string, error) {
	if !valid(name, s.Separator) {
		return "", ErrInvalid
	}
	name = s.swap(name)
	sep := "."
	first, rest, below := strings.Cut(name, sep)
	switch {
	case strings.EqualFold(first, "INBOX") && !below:
		return s.Inbox(), nil
	case !s.Alt && strings.EqualFold(first, "INBOX"):
		return s.Inbox() + sep + rest, nil
	case !s.Alt:
		return name, nil
	case strings.EqualFold(first, "INBOX"), name == s.swap(s.Users), name == s.swap(s.Shared): // nothing is below INBOX
		return "", ErrInvalid
	}
	if below, ok := strings.CutPrefix(name, s.swap(s.users())); ok {
		return "user." + below, nil
	}
	if below, ok := strings.CutPrefix(name, s.swap(s.shared())); ok {
		return below, nil
	}
	return s.Inbox() + sep + name, nil
}

// External returns the user's name for one of the store.
func (s Space) External(name string) string {
	inbox := s.Inbox()
	if name == inbox {
		return "INBOX"
	}
	if below, ok := strings.CutPrefix(name, inbox+"."); ok {
		if s.Alt {
			return s.unswap(below)
		}
		return "INBOX" + string(s.Separator) + s.unswap(below)
	}
	if !s.Alt {
		return s.unswap(name)
	}
	if below, ok := strings.CutPrefix(name, "user."); ok {
		return s.users() + s.unswap(below)
	}
	return s.shared() + s.unswap(name)
}

// swap makes dots of separators, and what stands for dots of dots.
func (s Space) swap(name string) string {
	if s.Separator == '.' {
		return name
	}
	return strings.NewReplacer(".", "^", string(s.Separator), ".").Replace(name)
}

// unswap does the reverse.
func (s Space) unswap(name string) string {
	if s.Separator == '.' {
		return name
	}
	return strings.NewReplacer("^", ".", ".", string(s.Separator)).Replace(name)
}

// valid tells whether a name may be one: parts that are not empty, no bytes that a
// directory or a protocol has trouble with, and no part that is a way out of the spool.
func valid(name string, separator byte) bool {
	if name == "" || len(name) > 490 {
		return false
	}
	for part := range strings.SplitSeq(name, string(separator)) {
		if part == "" || len(part) > 255 || part == "." || part == ".." || part[0] == '~' {
			return false
		}
		for i := range len(part) {
			if c := part[i]; c < ' ' || c >= 0x7f || c == '/' || strings.IndexByte(`%*"\^`, c) >= 0 {
				return false
			}
		}
	}
	return true
}
