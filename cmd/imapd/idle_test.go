package main

import (
	"strings"
	"testing"

	"goqmail/lib/syslog"
)

func TestIdle(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", nil, hello, hello)
	c, other := login(t, s, "john"), login(t, s, "john")
	c.talk(`
		> a SELECT INBOX
		< ...
		< a OK …
		> b IDLE
		< + idling`)
	put(t, s, "user.john", nil, hello)
	c.talk(`
		< * 3 EXISTS
		< * 3 RECENT`)
	other.talk(`
		> a SELECT INBOX
		< * 3 EXISTS
		< * 0 RECENT
		< ...
		< a OK …
		> b STORE 2 +FLAGS (\Deleted)
		< * 2 FETCH (FLAGS (\Deleted))
		< b OK Completed`)
	c.talk(`< * 2 FETCH (FLAGS (\Recent \Deleted))`)
	other.talk(`
		> c EXPUNGE
		< * 2 EXPUNGE
		< c OK Completed`)
	c.talk(`
		< * 2 EXPUNGE
		> DONE
		< b OK Completed
		> c IDLE
		< + idling
		> x NOOP
		< c BAD …
		> d NOOP
		< d OK Completed
		> e IDLE
		< + idling`)
	if err := s.store.Delete("user.john"); err != nil {
		t.Fatal(err)
	}
	c.talk(`
		< * BYE The selected mailbox is no longer there
		< EOF`)
}

// Without a mailbox nothing happens.
func TestIdleUnselected(t *testing.T) {
	login(t, newServer(t), "john").talk(`
		> a IDLE
		< + idling
		> DONE
		< a OK Completed`)
}

// The end of the server ends what idles, and what does not.
func TestServerEnds(t *testing.T) {
	s := newServer(t)
	idle, busy := login(t, s, "john"), login(t, s, "mary")
	stranger := dial(t, s)
	idle.talk(`
		> a SELECT INBOX
		< ...
		< a OK …
		> b IDLE
		< + idling`)
	s.end()
	for _, c := range []*client{idle, busy, stranger} {
		c.talk(`
			< * BYE host.example is shutting down
			< EOF`)
	}
	s.done.Wait()
}

// A defect ends the connection that runs into it, and no other.
func TestDefect(t *testing.T) {
	s := newServer(t)
	log := s.record
	s.record = func(level syslog.Level, format string, args ...any) {
		if strings.HasPrefix(format, "client id ") {
			panic("defect")
		}
		log(level, format, args...)
	}
	other, c := login(t, s, "mary"), login(t, s, "john")
	c.talk(`
		> a ID ("name" "x")
		< EOF`)
	other.talk(`
		> a SELECT INBOX
		< ...
		< a OK …`)
}
