package main

import "testing"

// What each right of RFC 4314 is needed for, and that nothing else does.
func TestRights(t *testing.T) {
	for _, row := range []struct{ name, rights, dialogue string }{
		{"none", "", `
			> b SELECT user.mary
			< b NO [NONEXISTENT] Mailbox does not exist
			> c EXAMINE user.mary
			< c NO [NONEXISTENT] Mailbox does not exist
			> d STATUS user.mary (MESSAGES)
			< d NO [NONEXISTENT] Mailbox does not exist
			> e APPEND user.mary {1+}
			> x
			< e NO [NONEXISTENT] Mailbox does not exist
			> f LIST "" "user.*"
			< f OK Completed`},
		{"read only, but not to be looked up", "rswit", `
			> b SELECT user.mary
			< b NO [NONEXISTENT] Mailbox does not exist
			> e APPEND user.mary {1+}
			> x
			< e NO [NONEXISTENT] Mailbox does not exist`},
		{"lookup", "l", `
			> b SELECT user.mary
			< b NO [NOPERM] Permission denied
			> c EXAMINE user.mary
			< c NO [NOPERM] Permission denied
			> d APPEND user.mary {1}
			< d NO [NOPERM] Permission denied`},
		{"read", "lr", `
			> b SELECT user.mary
			< * 1 EXISTS
			< ...
			< * OK [PERMANENTFLAGS ()] Ok
			< ...
			< b OK [READ-ONLY] Completed
			> c FETCH 1 (FLAGS BODY[TEXT])
			< * 1 FETCH (FLAGS (…\Deleted) BODY[TEXT] {7}
			< world
			< )
			< c OK Completed
			> d STORE 1 +FLAGS (\Seen)
			< d NO Mailbox is read-only
			> e EXPUNGE
			< e NO Mailbox is read-only`},
		{"seen", "lrs", `
			> b SELECT user.mary
			< ...
			< * OK [PERMANENTFLAGS (\Seen)] Ok
			< ...
			< b OK [READ-WRITE] Completed
			> c STORE 1 +FLAGS (\Seen \Flagged)
			< * 1 FETCH (FLAGS (\Recent \Deleted \Seen))
			< c OK Completed
			> d STORE 1 +FLAGS (\Flagged)
			< d NO [NOPERM] Permission denied
			> e STORE 1 FLAGS ()
			< * 1 FETCH (FLAGS (\Recent \Deleted))
			< e OK Completed
			> f EXPUNGE
			< f NO [NOPERM] Permission denied
			> g UID MOVE 1 INBOX
			< g NO [NOPERM] Permission denied
			> h CLOSE
			< h OK Completed
			> i EXAMINE user.mary
			< * 1 EXISTS
			< ...
			< i OK …`},
		{"write", "lrw", `
			> b SELECT user.mary
			< ...
			< * OK [PERMANENTFLAGS (\Answered \Flagged \Draft \*)] Ok
			< ...
			< b OK [READ-WRITE] Completed
			> c STORE 1 FLAGS (\Flagged $a)
			< ...
			< * 1 FETCH (FLAGS (\Recent \Flagged \Deleted $a))
			< c OK Completed
			> d STORE 1 -FLAGS (\Deleted)
			< d NO [NOPERM] Permission denied`},
		{"delete", "lrt", `
			> b SELECT user.mary
			< ...
			< b OK [READ-WRITE] Completed
			> c STORE 1 -FLAGS (\Deleted \Seen)
			< * 1 FETCH (FLAGS (\Recent))
			< c OK Completed`},
		{"expunge", "lre", `
			> b SELECT user.mary
			< ...
			< b OK [READ-WRITE] Completed
			> c EXPUNGE
			< * 1 EXPUNGE
			< c OK Completed`},
		{"insert", "li", `
			> b APPEND user.mary {1+}
			> x
			< b OK Completed`},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newServer(t)
			put(t, s, "user.mary", []string{`\Deleted`}, hello)
			setACL(t, s, "user.mary", "mary\tlrswipkxtecdan\tjohn\t"+row.rights+"\t")
			login(t, s, "john").talk(row.dialogue)
		})
	}
}

// A right that is taken away while the mailbox is selected is gone with what next
// happens in it.
func TestRightTakenAway(t *testing.T) {
	s := newServer(t)
	setACL(t, s, "user.mary", "mary\tlrswipkxtecdan\tjohn\tlr\t")
	c := login(t, s, "john")
	c.talk(`
		> a SELECT user.mary
		< ...
		< a OK …`)
	setACL(t, s, "user.mary", "mary\tlrswipkxtecdan\t")
	put(t, s, "user.mary", nil, hello)
	c.talk(`
		> b NOOP
		< * BYE The selected mailbox is no longer there
		< EOF`)
}
