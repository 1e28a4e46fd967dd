package main

import (
	"strings"
	"testing"
)

func TestQuota(t *testing.T) {
	s := newServer(t)
	create(t, s, "user.john.a", "john")
	cyrus := login(t, s, "cyrus")
	cyrus.talk(`
		> a GETQUOTA user.john
		< a NO [NONEXISTENT] Quota root does not exist
		> b GETQUOTAROOT user.john
		< * QUOTAROOT user.john
		< b OK Completed
		> c SETQUOTA user.john (STORAGE 10)
		< * QUOTA user.john (STORAGE 0 10)
		< c OK Completed
		> d SETQUOTA user.john (MESSAGE 10)
		< d NO [CANNOT] Unsupported quota resource
		> e SETQUOTA user.nobody (STORAGE 10)
		< e NO [NONEXISTENT] Mailbox does not exist
		> f SETQUOTA user.john (STORAGE 99999999999999999999)
		< f BAD Number too large`)
	large := strings.Replace(hello, "world", strings.Repeat("x", 9300), 1)
	put(t, s, "user.john.a", nil, large)
	john := login(t, s, "john")
	john.talk(`
		> a GETQUOTAROOT INBOX.a
		< * QUOTAROOT INBOX.a INBOX
		< * QUOTA INBOX (STORAGE 9 10)
		< a OK Completed
		> b GETQUOTA INBOX.a
		< b NO [NONEXISTENT] Quota root does not exist
		> c SELECT INBOX.a
		< ...
		< * NO [ALERT] Mailbox is at 92% of quota
		< c OK [READ-WRITE] Completed
		> d SETQUOTA INBOX (STORAGE 100000)
		< d NO [NOPERM] Permission denied`)
	put(t, s, "user.john", nil, large)
	john.talk(`
		> e SELECT INBOX
		< ...
		< * NO [ALERT] Mailbox is over quota
		< e OK [READ-WRITE] Completed`)
	cyrus.talk(`
		> g SETQUOTA user.john ()
		< * QUOTA user.john ()
		< g OK Completed
		> h GETQUOTA user.john
		< * QUOTA user.john ()
		< h OK Completed`)
}

// A mailbox cannot be renamed to where there is no room for it.
func TestQuotaOfRenamed(t *testing.T) {
	s := newServer(t)
	create(t, s, "user.john.a", "john")
	put(t, s, "user.john.a", nil, strings.Repeat(hello, 20))
	grant(t, s, "comp", "john\tlrk\t")
	if err := s.store.SetQuota("comp", 1); err != nil {
		t.Fatal(err)
	}
	login(t, s, "john").talk(`
		> a RENAME INBOX.a comp.a
		< a NO [OVERQUOTA] Over quota`)
	if err := s.store.SetQuota("comp", 100); err != nil {
		t.Fatal(err)
	}
	login(t, s, "john").talk(`
		> a RENAME INBOX.a comp.a
		< * OK rename INBOX.a comp.a
		< a OK Completed`)
}
