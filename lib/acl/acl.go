// Package acl knows access control lists as Cyrus keeps them and RFC 4314 defines
// their rights: "identifier TAB rights TAB identifier TAB rights TAB".
package acl

import (
	"slices"
	"strings"
)

// Rights is a set of the letters of RFC 4314 section 2.1.
type Rights uint32

// The rights.
const (
	Lookup         Rights = 1 << iota // l: see that the mailbox exists
	Read                              // r: select it, read messages
	Seen                              // s: keep \Seen
	Write                             // w: flags and keywords but \Seen and \Deleted
	Insert                            // i: append, copy into
	Post                              // p: send mail to it by deliver and lmtpd
	CreateMailbox                     // k: create below it
	DeleteMailbox                     // x: delete or rename it
	DeleteMessages                    // t: \Deleted
	Expunge                           // e
	Admin                             // a: change this list
	Annotate                          // n: annotations of messages
)

// letters is the order in which Cyrus writes rights.
const letters = "lrswipkxtean"

// The rights of RFC 2086 stand for others.
const (
	create Rights = CreateMailbox | DeleteMailbox // c
	remove Rights = DeleteMessages | Expunge      // d
	// All is every right.
	All = Rights(1)<<len(letters) - 1
	// Implicit is what the owner of a mailbox cannot lose.
	Implicit = Lookup | CreateMailbox | DeleteMailbox | Admin
)

// Parse reads rights; ok is false if a letter is unknown, which means nothing then.
// Digits are rights that sites define for themselves; they are read and dropped.
func Parse(s string) (r Rights, ok bool) {
	ok = true
	for _, c := range s {
		switch i := strings.IndexRune(letters, c); {
		case i >= 0:
			r |= 1 << i
		case c == 'c':
			r |= create
		case c == 'd':
			r |= remove
		case '0' <= c && c <= '9':
		default:
			ok = false
		}
	}
	return r, ok
}

// String writes rights, with the letters c and d of RFC 2086 where all that they
// stand for is there, so that old clients see what they set, and what is written means
// the same when it is read.
func (r Rights) String() string {
	var b strings.Builder
	for i, c := range letters {
		if c == 'a' {
			if r.Has(create) {
				b.WriteByte('c')
			}
			if r.Has(remove) {
				b.WriteByte('d')
			}
		}
		if r&(1<<i) != 0 {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Has tells whether all of some rights are there.
func (r Rights) Has(all Rights) bool { return r&all == all }

// Entry is the rights of one identifier: a user's name, anyone, anonymous, or
// "group:" and a group's; with a minus before it they are taken away.
type Entry struct {
	Identifier string
	Rights     Rights
}

// List is an access control list in the order in which it was set.
type List []Entry

// ParseList reads a list as it is kept. What cannot be read is passed over.
func ParseList(s string) (list List) {
	fields := strings.Split(s, "\t")
	for i := 0; i+1 < len(fields); i += 2 {
		if rights, _ := Parse(fields[i+1]); fields[i] != "" {
			list = append(list, Entry{fields[i], rights})
		}
	}
	return list
}

// String writes the list as it is kept.
func (l List) String() string {
	var b strings.Builder
	for _, e := range l {
		b.WriteString(e.Identifier + "\t" + e.Rights.String() + "\t")
	}
	return b.String()
}

// With returns the list with other rights for an identifier, which leaves it if they
// are none.
func (l List) With(identifier string, rights Rights) List {
	l = slices.Clone(l)
	i := slices.IndexFunc(l, func(e Entry) bool { return e.Identifier == identifier })
	switch {
	case rights == 0 && i >= 0:
		return slices.Delete(l, i, i+1)
	case rights == 0:
		return l
	case i >= 0:
		l[i].Rights = rights
		return l
	}
	return append(l, Entry{identifier, rights})
}

// Granted returns the rights that the list has for an identifier itself.
func (l List) Granted(identifier string) Rights {
	for _, e := range l {
		if e.Identifier == identifier {
			return e.Rights
		}
	}
	return 0
}

// Of returns the rights of a user, who has also those of the groups that he is in.
// Anonymous users pass the name anonymous.
func (l List) Of(user string, in func(group string) bool) Rights {
	var given, taken Rights
	for _, e := range l {
		name, negative := strings.CutPrefix(e.Identifier, "-")
		group, isGroup := strings.CutPrefix(name, "group:")
		if name != "anyone" && !(isGroup && in(group)) && !(!isGroup && name == user) {
			continue
		}
		if negative {
			taken |= e.Rights
		} else {
			given |= e.Rights
		}
	}
	return given &^ taken
}
