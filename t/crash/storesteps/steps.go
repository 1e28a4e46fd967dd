// Package storesteps is what is done to a mail store while the power may fail: a list
// of steps, each of which has happened for good once it returns.
package storesteps

import (
	"fmt"

	"github.com/emersion/go-imap/v2"

	"goqmail/lib/mailstore"
)

// Layout is that of a store below a directory.
func Layout(dir string) mailstore.Layout {
	return mailstore.Layout{ConfigDir: dir + "/imap", Partitions: map[string]string{"default": dir + "/spool"}, DefaultPartition: "default"}
}

// Step does something to a store.
type Step func(*mailstore.Store) error

// Steps is all of them, in their order.
func Steps() []Step {
	return []Step{
		create("user.john"),
		Deliver("user.john", "one", `\Seen`, "$Work"),
		Deliver("user.john", "two"),
		create("user.john.a"),
		deliverMany("user.john", "three", "four", "five"),
		flag("user.john", `\Deleted`, 2, 4),
		on("user.john", func(m *mailstore.Mailbox) error { _, err := m.Expunge(nil); return err }),
		flag("user.john", `\Flagged`, 1, 3, 5),
		to("user.john", "user.john.a", func(m, a *mailstore.Mailbox) error {
			_, _, err := m.Copy(imap.UIDSetNum(1, 3), a, nil)
			return err
		}),
		rename("user.john.a", "user.john.b.c"),
		Deliver("user.john.b.c", "six", "$Other"),
		create("user.mary"),
		to("user.john", "user.mary", func(m, a *mailstore.Mailbox) error {
			_, _, err := m.Copy(imap.UIDSetNum(1), a, nil)
			return err
		}),
		rename("user.john.b.c", "user.mary.d"),
		Deliver("user.mary.d", "seven"),
		func(s *mailstore.Store) error { return s.SetQuota("user.mary", 100) },
		func(s *mailstore.Store) error { return s.Delete("user.john") },
		create("user.john"),
		Deliver("user.john", "eight"),
		on("user.mary.d", func(m *mailstore.Mailbox) error { return m.Remove(imap.UIDSetNum(1, 2)) }),
	}
}

func create(name string) Step {
	return func(s *mailstore.Store) error { return s.Create(mailstore.Entry{Name: name, ACL: "john\tlrs\t"}) }
}

func rename(from, to string) Step {
	return func(s *mailstore.Store) error { return s.Rename(from, to, "") }
}

func on(name string, f func(*mailstore.Mailbox) error) Step {
	return func(s *mailstore.Store) error {
		m, err := s.OpenMailbox(name)
		if err != nil {
			return err
		}
		defer m.Close()
		return f(m)
	}
}

func to(from, into string, f func(m, a *mailstore.Mailbox) error) Step {
	return func(s *mailstore.Store) error {
		return on(into, func(a *mailstore.Mailbox) error {
			return on(from, func(m *mailstore.Mailbox) error { return f(m, a) })(s)
		})(s)
	}
}

// Deliver puts one message into a mailbox.
func Deliver(name, subject string, flags ...string) Step {
	return func(s *mailstore.Store) error { return deliver(s, name, flags, subject) }
}

func deliverMany(name string, subjects ...string) Step {
	return func(s *mailstore.Store) error { return deliver(s, name, nil, subjects...) }
}

func deliver(s *mailstore.Store, name string, flags []string, subjects ...string) error {
	return on(name, func(m *mailstore.Mailbox) error {
		var all []mailstore.Incoming
		for _, subject := range subjects {
			st, err := s.Stage("")
			if err != nil {
				return err
			}
			defer st.Remove()
			fmt.Fprintf(st, "Subject: %s\r\n\r\nhello\r\n", subject)
			if err := st.Finish(); err != nil {
				return err
			}
			all = append(all, mailstore.Incoming{Path: st.Path, Size: st.Size, Digest: st.Digest, Flags: flags, Date: 1000})
		}
		_, err := m.Append(all...)
		return err
	})(s)
}

func flag(name, flag string, uids ...imap.UID) Step {
	return on(name, func(m *mailstore.Mailbox) error {
		_, err := m.SetFlags(imap.UIDSetNum(uids...), imap.StoreFlagsAdd, []string{flag}, -1)
		return err
	})
}
