package main

import "testing"

func TestSelect(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", []string{`\Seen`}, hello)
	put(t, s, "user.john", []string{`\Flagged`, "$Work"}, hello)
	c := login(t, s, "john")
	c.talk(`
		> a SELECT INBOX
		< * 2 EXISTS
		< * 2 RECENT
		< * FLAGS (\Answered \Flagged \Draft \Deleted \Seen $Work)
		< * OK [PERMANENTFLAGS (\Answered \Flagged \Draft \Deleted \Seen $Work \*)] Ok
		< * OK [UNSEEN 2] Ok
		< * OK [UIDVALIDITY …] Ok
		< * OK [UIDNEXT 3] Ok
		< * OK [HIGHESTMODSEQ …] Ok
		< * OK [MAILBOXID (…)] Ok
		< a OK [READ-WRITE] Completed
		> b FETCH 1:* (UID FLAGS RFC822.SIZE)
		< * 1 FETCH (UID 1 FLAGS (\Recent \Seen) RFC822.SIZE 145)
		< * 2 FETCH (UID 2 FLAGS (\Recent \Flagged $Work) RFC822.SIZE 145)
		< b OK Completed
		> c EXAMINE inbox
		< * OK [CLOSED] Ok
		< * 2 EXISTS
		< * 0 RECENT
		< ...
		< * OK [PERMANENTFLAGS ()] Ok
		< ...
		< c OK [READ-ONLY] Completed
		> d STORE 1 FLAGS (\Deleted)
		< d NO Mailbox is read-only
		> e FETCH 1:* (MODSEQ)
		< * 1 FETCH (MODSEQ (2))
		< * 2 FETCH (MODSEQ (3))
		< * OK [HIGHESTMODSEQ 3] Ok
		< e OK Completed
		> e CLOSE
		< e OK Completed
		> f FETCH 1 FLAGS
		< f BAD Please select a mailbox first
		> g SELECT user.mary
		< g NO [NONEXISTENT] Mailbox does not exist
		> h LOGOUT
		< * BYE LOGOUT received
		< h OK Completed
		< EOF`)
}
