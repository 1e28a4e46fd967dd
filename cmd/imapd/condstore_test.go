package main

import (
	"fmt"
	"regexp"
	"testing"
)

// The first modification sequence of a message is 2; each change takes the next one.
func TestCondstore(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", nil, hello)
	put(t, s, "user.john", nil, hello)
	put(t, s, "user.john", nil, hello)
	other := login(t, s, "john")
	other.talk(`
		> a SELECT INBOX
		< ...
		< a OK …
		> b STORE 1 FLAGS.SILENT (\Seen)
		< b OK Completed`)
	login(t, s, "john").talk(`
		> a SELECT INBOX (CONDSTORE)
		< ...
		< * OK [HIGHESTMODSEQ 5] Ok
		< ...
		< a OK …
		> b FETCH 1:* (FLAGS) (CHANGEDSINCE 3)
		< * 1 FETCH (MODSEQ (5) FLAGS (\Seen))
		< * 3 FETCH (MODSEQ (4) FLAGS ())
		< b OK Completed
		> c STORE 1:3 (UNCHANGEDSINCE 4) +FLAGS (\Flagged)
		< * 1 FETCH (FLAGS (\Seen) MODSEQ (5))
		< * 2 FETCH (FLAGS (\Flagged) MODSEQ (6))
		< * 3 FETCH (FLAGS (\Flagged) MODSEQ (6))
		< c OK [MODIFIED 1] Conditional STORE failed
		> d UID STORE 1:2 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\Flagged)
		< * 1 FETCH (UID 1 MODSEQ (7))
		< * 2 FETCH (UID 2 MODSEQ (6))
		< d OK [MODIFIED 2] Conditional STORE failed
		> e STORE 2 -FLAGS.SILENT (\Flagged)
		< * 2 FETCH (MODSEQ (8))
		< e OK Completed
		> f FETCH 2 BODY[]<0.1>
		< * 2 FETCH (MODSEQ (9) BODY[]<0> {1}
		< F FLAGS (\Seen))
		< f OK Completed
		> g STORE 3 (UNCHANGEDSINCE 0) FLAGS ()
		< * 3 FETCH (FLAGS (\Flagged) MODSEQ (6))
		< g OK [MODIFIED 3] Conditional STORE failed`)
	// Who has not asked for them is not told numbers.
	other.talk(`
		> c NOOP
		< * 1 FETCH (FLAGS (\Recent \Flagged \Seen))
		< * 2 FETCH (FLAGS (\Recent \Seen))
		< * 3 FETCH (FLAGS (\Recent \Flagged))
		< c OK Completed
		> d STORE 1 -FLAGS.SILENT (\Flagged)
		< d OK Completed`)
}

func TestQresync(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", nil, hello)
	put(t, s, "user.john", []string{`\Deleted`}, hello, hello)
	put(t, s, "user.john", nil, hello, hello)
	c := login(t, s, "john")
	c.talk(`
		> a SELECT INBOX (QRESYNC (1 2))
		< a BAD QRESYNC is not enabled
		> b ENABLE QRESYNC X-OTHER
		< * ENABLED QRESYNC
		< b OK Completed
		> c SELECT INBOX`)
	var validity string
	for line := ""; !matches("c OK …", line); {
		line = c.line()
		if m := regexp.MustCompile(`UIDVALIDITY (\d+)`).FindStringSubmatch(line); m != nil {
			validity = m[1]
		}
	}
	c.talk(`
		> d EXPUNGE
		< * VANISHED 2:3
		< d OK [HIGHESTMODSEQ 5] Completed
		> e STORE 2 +FLAGS (\Seen)
		< * 2 FETCH (UID 4 FLAGS (\Recent \Seen) MODSEQ (6))
		< e OK Completed
		> f UID FETCH 1:* (FLAGS) (CHANGEDSINCE 4 VANISHED)
		< * VANISHED (EARLIER) 2:3
		< * 2 FETCH (UID 4 MODSEQ (6) FLAGS (\Recent \Seen))
		< f OK Completed
		> g FETCH 1:* (FLAGS) (CHANGEDSINCE 4 VANISHED)
		< g BAD Invalid Fetch modifier`)
	for _, row := range []struct{ name, parameters, want string }{
		{"all", "%s 2", `
			< * VANISHED (EARLIER) 2:3
			< * 2 FETCH (UID 4 FLAGS (\Seen) MODSEQ (6))
			< * 3 FETCH (UID 5 FLAGS () MODSEQ (4))`},
		{"known UIDs", "%s 2 1:2,5:9", `
			< * VANISHED (EARLIER) 2
			< * 3 FETCH (UID 5 FLAGS () MODSEQ (4))`},
		{"known UIDs and their numbers", "%s 5 1:5 (1,2 1,4)", `
			< * 2 FETCH (UID 4 FLAGS (\Seen) MODSEQ (6))`},
		{"another mailbox", "1 2 1:%.1s", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := login(t, s, "john")
			c.talk(`
				> a ENABLE CONDSTORE QRESYNC
				< * ENABLED CONDSTORE QRESYNC
				< a OK Completed
				> b SELECT INBOX (QRESYNC (` + fmt.Sprintf(row.parameters, validity) + `))
				< ...
				< * OK [MAILBOXID …
				` + row.want + `
				< b OK [READ-WRITE] Completed`)
		})
	}
}
