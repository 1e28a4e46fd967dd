package main

import (
	"fmt"
	"strings"
	"testing"
)

// A message with all that a section can name.
const nested = "From: a@example.org\r\nSubject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" +
	"--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ngr=C3=BCn\r\n" +
	"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nX-A: b\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\n\r\nplain\r\n--y\r\nContent-Type: text/html\r\n\r\n<b>\r\n--y--\r\n" +
	"--x\r\nContent-Type: image/gif\r\nContent-Transfer-Encoding: x-own\r\n\r\nabc\r\n--x--\r\n"

func TestFetch(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", nil, nested)
	c := login(t, s, "john")
	c.talk(`
		> a SELECT INBOX
		< ...
		< a OK …`)
	for _, row := range []struct{ name, items, want string }{
		{"whole", "BODY.PEEK[]<6.7>", "BODY[]<6> {7}\n< a@examp)"},
		{"behind the end", "BODY.PEEK[]<5000.7>", "BODY[]<5000> {0}\n< )"},
		{"header", "BODY.PEEK[HEADER.FIELDS (subject X-NONE)]", "BODY[HEADER.FIELDS (subject X-NONE)] {18}\n< Subject: outer\n<\n< )"},
		{"not these", "BODY.PEEK[HEADER.FIELDS.NOT (From content-type MIME-version)]", "BODY[HEADER.FIELDS.NOT (From content-type MIME-version)] {18}\n< Subject: outer\n<\n< )"},
		{"part", "BODY.PEEK[1]", "BODY[1] {9}\n< gr=C3=BCn)"},
		{"MIME header", "BODY.PEEK[3.MIME]", "BODY[3.MIME] {61}\n< Content-Type: image/gif\n< Content-Transfer-Encoding: x-own\n<\n< )"},
		{"header of a message in it", "BODY.PEEK[2.HEADER.FIELDS (SUBJECT)]", "BODY[2.HEADER.FIELDS (SUBJECT)] {18}\n< Subject: inner\n<\n< )"},
		{"text of it", "BODY.PEEK[2.TEXT]<0.5>", "BODY[2.TEXT]<0> {5}\n< --y\n< )"},
		{"part of it", "BODY.PEEK[2.2]", "BODY[2.2] {3}\n< <b>)"},
		{"none", "(BODY.PEEK[4] BODY.PEEK[1.1] BODY.PEEK[1.TEXT] BODY.PEEK[2.3.MIME])", "BODY[4] NIL BODY[1.1] NIL BODY[1.TEXT] NIL BODY[2.3.MIME] NIL)"},
		{"decoded", "(BINARY.PEEK[1] BINARY.SIZE[1])", "BINARY[1] {5}\n< grün BINARY.SIZE[1] 5)"},
		{"decoded in part", "BINARY.PEEK[1]<1.3>", "BINARY[1]<1> {3}\n< rü)"},
		{"macro", "FAST", `FLAGS (\Recent) INTERNALDATE " 9-Sep-2001 01:46:40 +0000" RFC822.SIZE 453)`},
		{"structure", "BODY", `BODY (("text" "plain" ("charset" "utf-8") NIL NIL "QUOTED-PRINTABLE" 9 0)…`},
		{"ids", "(EMAILID THREADID)", "EMAILID (…) THREADID NIL)"},
		{"seen by reading", "BODY[3]", "BODY[3] {3}\n< abc FLAGS (\\Recent \\Seen))"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := *c
			c.t = t
			c.talk("> f FETCH 1 " + row.items + "\n< * 1 FETCH (" + row.want + "\n< f OK Completed")
		})
	}
	c.talk(`
		> a FETCH 1 BINARY.PEEK[3]
		< a NO [UNKNOWN-CTE] …
		> a FETCH 1 BODY[HEADER.FIELDS ()]
		< a BAD Invalid body section
		> a FETCH 1 BODY[0]
		< a BAD Invalid body section
		> a FETCH 1 BODY[MIME]
		< a BAD Invalid body section
		> a FETCH 1 BODY[]<0.0>
		< a BAD Invalid partial
		> a FETCH 1 (FLAGS
		< a BAD …
		> a FETCH 1 NONSENSE
		< a BAD Invalid Fetch attribute NONSENSE
		> a FETCH 2 FLAGS
		< a BAD Invalid sequence number
		> a FETCH 0 FLAGS
		< a BAD Invalid sequence set
		> a FETCH 1, FLAGS
		< a BAD …
		> a UID FETCH 7:* UID
		< * 1 FETCH (UID 1)
		< a OK Completed`)
}

// IMAP4rev2 has no recent messages, answers SEARCH otherwise and tells names.
func TestRev2(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", nil, hello)
	login(t, s, "john").talk(`
		> a ENABLE IMAP4rev2
		< * ENABLED IMAP4rev2
		< a OK Completed
		> b SELECT INBOX
		< * 1 EXISTS
		< * FLAGS (…)
		< * OK [PERMANENTFLAGS (…)] Ok
		< * OK [UIDVALIDITY …] Ok
		< * OK [UIDNEXT 2] Ok
		< * OK [HIGHESTMODSEQ 2] Ok
		< * OK [MAILBOXID (…)] Ok
		< * LIST () "." INBOX
		< b OK [READ-WRITE] Completed
		> c FETCH 1 FLAGS
		< * 1 FETCH (FLAGS ())
		< c OK Completed
		> d SEARCH UNSEEN
		< * ESEARCH (TAG "d") ALL 1
		< d OK Completed`)
}

// A message that another session has expunged is told of as missing; the rest is there.
func TestFetchExpunged(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", []string{`\Deleted`}, hello)
	put(t, s, "user.john", nil, hello)
	c := login(t, s, "john")
	c.talk(`
		> a SELECT INBOX
		< ...
		< a OK …`)
	login(t, s, "john").talk(`
		> a SELECT INBOX
		< ...
		< a OK …
		> b EXPUNGE
		< ...
		< b OK …`)
	c.talk(`
		> b FETCH 1:2 (UID BODY.PEEK[TEXT])
		< * 2 FETCH (UID 2 BODY[TEXT] {7}
		< world
		< )
		< b NO [EXPUNGEISSUED] Some of the requested messages no longer exist
		> c NOOP
		< * 1 EXPUNGE
		< c OK Completed`)
}

// Of a header without end, or with a line without end, the index has a part; clients get
// all of it.
func TestLongHeader(t *testing.T) {
	s := newServer(t)
	c := login(t, s, "john")
	for i, header := range []string{
		"Subject: " + strings.Repeat("x", 100<<10) + "\r\n\r\n",
		strings.Repeat("Subject: "+strings.Repeat("x", 1000)+"\r\n", 1100) + "\r\n",
		"Subject: no body\r\n",
	} {
		put(t, s, "user.john", nil, header+strings.Repeat("body\r\n", i%2))
		c.talk(fmt.Sprintf(`
			> a SELECT INBOX
			< ...
			< a OK …
			> a FETCH %d (BODY.PEEK[HEADER]<%d.10> RFC822.HEADER)
			< * %d FETCH (BODY[HEADER]<%d> {10}
			< ...
			<  RFC822.HEADER {%d}
			< ...
			< a OK Completed`, i+1, len(header)-10, i+1, len(header)-10, len(header)))
	}
}
