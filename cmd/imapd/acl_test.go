package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestACL(t *testing.T) {
	s := newServer(t)
	create(t, s, "user.john.open", "john")
	c := login(t, s, "john")
	c.talk(`
		> a GETACL INBOX.open
		< * ACL INBOX.open john lrswipkxtecdan
		< a OK Completed
		> b SETACL INBOX.open mary lrs
		< b OK Completed
		> c SETACL INBOX.open mary +cd
		< c OK Completed
		> d SETACL INBOX.open mary -t
		< d OK Completed
		> e SETACL INBOX.open -anyone x
		< e OK Completed
		> f GETACL INBOX.open
		< * ACL INBOX.open john lrswipkxtecdan mary lrskxec -anyone x
		< f OK Completed
		> g DELETEACL INBOX.open -anyone
		< g OK Completed
		> h SETACL INBOX.open mary ""
		< h OK Completed
		> i SETACL INBOX.open anyone lq
		< i BAD Invalid rights
		> j SETACL INBOX.open "" l
		< j BAD Invalid identifier
		> k DELETEACL INBOX.open john
		< k OK Completed
		> l GETACL INBOX.open
		< * ACL INBOX.open john lkxca
		< l OK Completed
		> m MYRIGHTS INBOX.open
		< * MYRIGHTS INBOX.open lkxca
		< m OK Completed
		> n SELECT INBOX.open
		< n NO [NOPERM] Permission denied
		> o LISTRIGHTS INBOX john
		< * LISTRIGHTS INBOX john lkxca r s w i p t e d n
		< o OK Completed
		> p LISTRIGHTS INBOX "mary ann"
		< * LISTRIGHTS INBOX "mary ann" "" l r s w i p k x t e c d a n
		< p OK Completed
		> q SETACL INBOX john ""
		< q OK Completed
		> r GETACL INBOX
		< * ACL INBOX john lkxca
		< r OK Completed`)
	login(t, s, "cyrus").talk(`
		> a MYRIGHTS user.john
		< * MYRIGHTS user.john la
		< a OK Completed
		> b SELECT user.john
		< b NO [NOPERM] Permission denied
		> c SETACL user.john cyrus r
		< c OK Completed
		> d SELECT user.john
		< ...
		< d OK [READ-ONLY] Completed`)
}

func TestACLIsBounded(t *testing.T) {
	s := newServer(t)
	var list strings.Builder
	for i := range maxACL - 1 {
		fmt.Fprintf(&list, "u%d\tl\t", i)
	}
	setACL(t, s, "user.john", list.String())
	login(t, s, "john").talk(`
		> a SETACL INBOX mary l
		< a NO [LIMIT] Too many identifiers
		> b SETACL INBOX u1 ""
		< b OK Completed
		> c SETACL INBOX ` + strings.Repeat("x", maxIdentifier+1) + ` l
		< c BAD Invalid identifier`)
}

// What a user has no right to see is not there for him, in any command.
func TestOthersMailboxes(t *testing.T) {
	s := newServer(t)
	create(t, s, "user.mary.secret", "mary")
	put(t, s, "user.mary", nil, hello)
	c := login(t, s, "john")
	for _, command := range []string{
		"SELECT user.mary", "EXAMINE user.mary.secret", "STATUS user.mary (MESSAGES)", "GETACL user.mary", "MYRIGHTS user.mary",
		"LISTRIGHTS user.mary john", "SETACL user.mary john lr", "DELETEACL user.mary mary", "DELETE user.mary.secret",
		"RENAME user.mary.secret INBOX.mine", "GETQUOTAROOT user.mary", "GETMETADATA user.mary /shared/comment",
		`SETMETADATA user.mary (/shared/comment "x")`, `GETANNOTATION user.mary "*" "value.shared"`, "SUBSCRIBE user.mary",
	} {
		c.talk("> x " + command + "\n< x NO [NONEXISTENT] Mailbox does not exist")
	}
	for _, command := range []string{"CREATE user.mary.x", "CREATE user.mary.secret", "RENAME INBOX user.mary.x", "GETQUOTA user.mary", "SETQUOTA user.mary (STORAGE 1)"} {
		c.talk("> x " + command + "\n< x NO [NOPERM] Permission denied")
	}
	c.talk(`
		> a LIST "" user*
		< a OK Completed
		> b LIST (SUBSCRIBED) "" * RETURN (STATUS (MESSAGES))
		< b OK Completed
		> c GETANNOTATION "*" "*" "*"
		< * ANNOTATION "INBOX" …
		< ...
		< c OK Completed`)
	grant(t, s, "user.mary.l", "john\tl\t")
	for _, command := range []string{
		"SELECT user.mary.l", "STATUS user.mary.l (MESSAGES)", "GETACL user.mary.l", "SETACL user.mary.l john lr", "DELETE user.mary.l",
		"RENAME user.mary.l INBOX.l", "CREATE user.mary.l.x", "GETQUOTAROOT user.mary.l", "GETMETADATA user.mary.l /shared/comment",
	} {
		c.talk("> x " + command + "\n< x NO [NOPERM] Permission denied")
	}
	wantNames(t, s, "user.john", "user.mary", "user.mary.l", "user.mary.secret")
}

// A hidden mailbox is answered for as one that is not there.
func TestHiddenMailboxesLookAbsent(t *testing.T) {
	s := newServer(t)
	create(t, s, "user.mary.there", "mary")
	put(t, s, "user.john", nil, hello)
	c := login(t, s, "john")
	c.talk("> a SELECT INBOX\n< ...\n< a OK …")
	for _, command := range []string{
		"STATUS %s (MESSAGES)", "APPEND %s {9+}\nA: b\n\nc", "COPY 1 %s", "UID MOVE 1 %s", "CREATE %s", "CREATE %s.x", "DELETE %s", "RENAME INBOX %s",
		"RENAME %s INBOX.x", "SUBSCRIBE %s", "UNSUBSCRIBE %s", "GETACL %s", "SETACL %s john l", "DELETEACL %s mary", "LISTRIGHTS %s john", "MYRIGHTS %s",
		"GETQUOTA %s", "GETQUOTAROOT %s", "SETQUOTA %s ()", "GETMETADATA %s /shared/comment", "SETMETADATA %s (/private/comment NIL)",
		`LIST "" %s`, `LIST "" %s RETURN (STATUS (MESSAGES))`, `GETANNOTATION %s "*" "*"`, `SETANNOTATION %s "/a" ("value.priv" "b")`, "RECONSTRUCT %s",
	} {
		var answers [2]string
		for i, name := range []string{"user.mary.there", "user.mary.not"} {
			c.talk("> x " + strings.ReplaceAll(fmt.Sprintf(command, name), "\n", "\n> "))
			for line := ""; !strings.HasPrefix(line, "x "); {
				line = c.line()
				answers[i] += line + "\n"
			}
		}
		if answers[0] != answers[1] {
			t.Errorf("%s: %q of one that is there, %q else", command, answers[0], answers[1])
		}
	}
	wantNames(t, s, "user.john", "user.mary", "user.mary.there")
}
