package main

import "testing"

func TestCopyAndMove(t *testing.T) {
	s := newServer(t)
	create(t, s, "user.john.Old", "john")
	create(t, s, "user.john.Small", "john")
	if err := s.store.SetQuota("user.john.Small", 0); err != nil {
		t.Fatal(err)
	}
	create(t, s, "user.mary.Read", "mary")
	setACL(t, s, "user.mary.Read", "mary\tlrswipkxtecdan\tjohn\tlr\t")
	create(t, s, "user.mary.Post", "mary")
	setACL(t, s, "user.mary.Post", "mary\tlrswipkxtecdan\tjohn\tlrsi\t")
	put(t, s, "user.john", []string{`\Seen`, "$Work"}, hello, hello, hello, hello)
	put(t, s, "user.mary.Read", []string{`\Flagged`}, hello)
	c := login(t, s, "john")
	c.talk(`
		> a SELECT INBOX
		< ...
		< a OK …
		> b COPY 1,3 INBOX.Old
		< b OK [COPYUID … 1,3 1:2] Completed
		> c UID COPY 2:9 INBOX
		< * 7 EXISTS
		< * 7 RECENT
		< c OK [COPYUID … 2:4 5:7] Completed
		> d UID COPY 99 INBOX.Old
		< d OK Completed
		> e COPY 99 INBOX.Old
		< e BAD Invalid sequence number
		> f COPY 1 INBOX.None
		< f NO [TRYCREATE] Mailbox does not exist
		> g COPY 1 user.mary
		< g NO [NONEXISTENT] Mailbox does not exist
		> h COPY 1 user.mary.Read
		< h NO [NOPERM] Permission denied
		> i COPY 1 INBOX.Small
		< i NO [OVERQUOTA] Over quota
		> j COPY 1 user.mary.Post
		< j OK [COPYUID … 1 1] Completed
		> k MOVE 2:3 INBOX.Old
		< * OK [COPYUID … 2:3 3:4] Ok
		< * 3 EXPUNGE
		< * 2 EXPUNGE
		< k OK Completed
		> l EXAMINE INBOX
		< ...
		< l OK …
		> m MOVE 1 INBOX.Old
		< m NO Mailbox is read-only
		> n SELECT INBOX.Old
		< ...
		< n OK …
		> o FETCH 1 FLAGS
		< * 1 FETCH (FLAGS (\Recent \Seen $Work))
		< o OK Completed
		> p SELECT user.mary.Read
		< ...
		< p OK [READ-ONLY] Completed
		> q UID COPY 1 INBOX.Old
		< q OK [COPYUID … 1 5] Completed
		> r UID MOVE 1 INBOX.Old
		< r NO Mailbox is read-only
		> s SELECT user.mary.Post
		< ...
		< s OK [READ-WRITE] Completed
		> t FETCH 1 FLAGS
		< * 1 FETCH (FLAGS (\Recent \Seen))
		< t OK Completed`)
	// What john has seen of mary's mailbox is not what she has seen.
	mary := login(t, s, "mary")
	mary.talk(`
		> a SELECT INBOX.Post
		< ...
		< a OK …
		> b FETCH 1 FLAGS
		< * 1 FETCH (FLAGS ())
		< b OK Completed`)
}

func TestExpunge(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", []string{`\Deleted`}, hello, hello, hello)
	put(t, s, "user.john", nil, hello)
	create(t, s, "user.mary.Shared", "mary")
	setACL(t, s, "user.mary.Shared", "mary\tlrswipkxtecdan\tjohn\tlrswt\t")
	put(t, s, "user.mary.Shared", []string{`\Deleted`}, hello)
	login(t, s, "john").talk(`
		> a SELECT INBOX
		< ...
		< a OK …
		> b UID EXPUNGE 2,4
		< * 2 EXPUNGE
		< b OK Completed
		> c UID EXPUNGE 4
		< c OK Completed
		> d EXPUNGE
		< * 2 EXPUNGE
		< * 1 EXPUNGE
		< d OK Completed
		> e EXPUNGE
		< e OK Completed
		> f STORE 1 +FLAGS.SILENT (\Deleted)
		< f OK Completed
		> g EXAMINE INBOX
		< ...
		< g OK …
		> h EXPUNGE
		< h NO Mailbox is read-only
		> i CLOSE
		< i OK Completed
		> j SELECT INBOX
		< * 1 EXISTS
		< ...
		< j OK …
		> k CLOSE
		< k OK Completed
		> l SELECT INBOX
		< * 0 EXISTS
		< ...
		< l OK …
		> m FETCH 1:* FLAGS
		< m OK Completed
		> n FETCH 1 FLAGS
		< n BAD Invalid sequence number
		> o SELECT user.mary.Shared
		< ...
		< o OK …
		> p EXPUNGE
		< p NO [NOPERM] Permission denied
		> q CLOSE
		< q OK Completed
		> r SELECT user.mary.Shared
		< * 1 EXISTS
		< ...
		< r OK …`)
}
