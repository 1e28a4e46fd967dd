package main

import (
	"strconv"
	"strings"
	"testing"
)

// searched puts messages into john's INBOX, which the tests below are about.
func searched(t testing.TB, s *server) {
	t.Helper()
	put(t, s, "user.john", []string{`\Seen`, "$Work"},
		"From: Mary Contrary <mary@example.org>\r\nTo: \"john (the)\" <john (a comment) @ example.org>\r\nSubject: =?utf-8?q?Stra=C3=9Fe?= to\r\n nowhere\r\n"+
			"Date: Mon, 7 Feb 1994 23:52:25 -0800\r\nX-Empty:\r\n\r\nPlain text of the first\r\n")
	put(t, s, "user.john", []string{`\Flagged`},
		"From: =?iso-8859-1?q?J=FCrgen?= <j@example.net>\r\nCc: team: mary@example.org, a@b;\r\nSubject: two\r\nX-Empty: not\r\n"+
			"Content-Type: multipart/mixed; boundary=x\r\n\r\npreamble\r\n--x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"+
			"Gr=FC=\r\n=DFe, 100=\r\n% sure=\r\n\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\nContent-Description: attached\r\n\r\nPGI+Y2Fmw6k8L2I+\r\n"+
			"--x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\ncGljdHVyZQ==\r\n"+
			"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninmost\r\n--x--\r\n")
	put(t, s, "user.john", nil, "Subject: RE: Two\r\n\r\n"+strings.Repeat("x", 32<<10-3)+"needle \u00c4pfel"+strings.Repeat("y", 70000)+"\r\n")
	put(t, s, "user.john", []string{`\Deleted`, `\Answered`}, hello)
}

func TestSearch(t *testing.T) {
	s := newServer(t)
	searched(t, s)
	c := login(t, s, "john")
	c.talk("> s SELECT INBOX\n< ...\n< s OK …")
	for i, row := range []struct{ keys, want string }{
		{"ALL", "1 2 3 4"},
		{"all all", "1 2 3 4"},
		{"SEEN", "1"},
		{"UNSEEN", "2 3 4"},
		{"FLAGGED UNSEEN", "2"},
		{"OR FLAGGED DELETED", "2 4"},
		{"OR (FLAGGED) OR DELETED SEEN", "1 2 4"},
		{"NOT (SEEN)", "2 3 4"},
		{"NOT OR SEEN FLAGGED", "3 4"},
		{"UNANSWERED UNDRAFT UNFLAGGED", "1 3"},
		{"KEYWORD $work", "1"},
		{"UNKEYWORD $WORK", "2 3 4"},
		{"KEYWORD none", ""},
		{"UNKEYWORD none", "1 2 3 4"},
		{"NEW", "2 3 4"},
		{"OLD", ""},
		{"RECENT", "1 2 3 4"},
		{"2:3", "2 3"},
		{"4,*,1", "1 4"},
		{"4:2", "2 3 4"},
		{"99", ""},
		{"UID 2:* NOT 3", "2 4"},
		{"UID 100:*", "4"},
		{"LARGER 100000", "3"},
		{"SMALLER 150", "4"},
		{"BEFORE 9-Sep-2001", ""},
		{"ON \"9-Sep-2001\" 1", "1"},
		{"SINCE 10-Sep-2001", ""},
		{"SENTON 7-Feb-1994", "1"},
		{"SENTSINCE 8-Feb-1994", "4"},
		{"SENTBEFORE 8-feb-1994", "1"},
		{"NOT SENTBEFORE 8-Feb-1994", "2 3 4"},
		{"OLDER 100000", "1 2 3 4"},
		{"YOUNGER 100000", ""},
		{"FROM mary", "1 4"},
		{"FROM contrary", "1"},
		{"TO john@example.org", "1 4"},
		{"CC MARY@", "2"},
		{"CC team:", "2"},
		{"BCC a", ""},
		{"SUBJECT two", "2 3"},
		{"SUBJECT \"to nowhere\"", "1"},
		{"CHARSET UTF-8 SUBJECT {7+}\r\nstra\u00dfe", "1"},
		{"CHARSET UTF-8 FROM {7+}\r\nJ\u00fcRGEN", "2"},
		{"CHARSET iso-8859-1 FROM {6+}\r\nJ\xfcrgen", "2"},
		{"FROM {8+}\r\nju\u0308rgen", "2"},
		{"HEADER X-Empty \"\"", "1 2"},
		{"HEADER x-empty not", "2"},
		{"HEADER Message-ID <1@example.org>", "4"},
		{"HEADER X \"\"", ""},
		{"BODY \"plain TEXT\"", "1"},
		{"BODY contrary", ""},
		{"TEXT contrary", "1"},
		{"TEXT \"subject: two\"", "2"},
		{"CHARSET UTF-8 BODY {7+}\r\ngr\u00fc\u00dfe", "2"},
		{"BODY \"100% sure\"", "2"},
		{"CHARSET UTF-8 BODY {8+}\r\n<b>CAF\u00c9", "2"},
		{"BODY picture", ""},
		{"BODY preamble", ""},
		{"BODY inner", "2"},
		{"BODY inmost", "2"},
		{"BODY attached", "2"},
		{"BODY \"xneedle \"", "3"},
		{"BODY {10+}\r\nle \u00e4pfelY", "3"},
		{"BODY \"\"", "1 2 3 4"},
		{"OR BODY world (SEEN TEXT nowhere)", "1 4"},
		{"NOT BODY world", "1 2 3"},
		{"OR SEEN BODY inmost", "1 2"},
		{"THREADID x", ""},
		{"EMAILID 00", ""},
		{"MODSEQ 0", "1 2 3 4 (MODSEQ 5)"},
		{"MODSEQ \"/flags/\\\\Seen\" all 4", "3 4 (MODSEQ 5)"},
		{"MODSEQ 100", ""},
	} {
		tag := "t" + strconv.Itoa(i)
		if _, err := c.Write([]byte(tag + " SEARCH " + row.keys + "\r\n")); err != nil {
			t.Fatal(err)
		}
		want := strings.TrimRight("* SEARCH "+row.want, " ")
		got := c.line()
		if got != want {
			t.Errorf("%s: %s, want %s", row.keys, got, want)
		}
		for strings.HasPrefix(got, "* ") { // with the first MODSEQ comes HIGHESTMODSEQ
			got = c.line()
		}
		if got != tag+" OK Completed" {
			t.Fatalf("%s: %s", row.keys, got)
		}
	}
	for _, row := range []struct{ keys, want string }{
		{"", "BAD Missing required argument"},
		{" ", "BAD Expected an atom"},
		{" ()", "BAD Invalid Search criteria"},
		{" NONSENSE", "BAD Invalid Search criteria"},
		{" OR SEEN", "BAD Missing required argument"},
		{" ON 31-Feb-2001", "BAD Invalid date in Search command"},
		{" 0", "BAD Invalid sequence set"},
		{" OLDER 0", "BAD Invalid Search interval"},
		{" RETURN (PARTIAL) ALL", "BAD Invalid Search return option"},
		{" CHARSET x-none SUBJECT a", "NO [BADCHARSET (US-ASCII UTF-8)] Unsupported character set"},
		{" " + strings.Repeat("OR SEEN ", 15000) + "SEEN", "BAD Too many search keys"},
		{strings.Repeat(" TEXT x", 1000), "BAD Too many search keys"},
		{" " + strings.Repeat("(", 200000), "BAD Too many search keys"},
	} {
		c.talk("> bad SEARCH" + row.keys + "\n< bad " + row.want)
	}
	c.talk("> long SEARCH " + strings.Repeat("OR SUBJECT none ", 9000) + "SEEN\n< * SEARCH 1\n< long OK Completed")
	c.talk("> long SEARCH " + strings.Repeat("NOT ", 9000) + "SEEN\n< * SEARCH 1\n< long OK Completed")
}

func TestSearchResults(t *testing.T) {
	s := newServer(t)
	searched(t, s)
	c := login(t, s, "john")
	c.talk(`
		> a SELECT INBOX
		< ...
		< a OK …
		> b UID STORE 2 +FLAGS.SILENT (\Deleted)
		< b OK Completed
		> c UID EXPUNGE 2
		< * 2 EXPUNGE
		< c OK Completed
		> a UID SEARCH UNSEEN
		< * SEARCH 3 4
		< a OK Completed
		> a1 SEARCH RETURN () UNSEEN
		< * ESEARCH (TAG "a1") ALL 2:3
		< a1 OK Completed
		> a2 UID SEARCH RETURN (COUNT MIN MAX ALL) ALL
		< * ESEARCH (TAG "a2") UID MIN 1 MAX 4 ALL 1,3:4 COUNT 3
		< a2 OK Completed
		> a3 SEARCH RETURN (MIN COUNT) DRAFT
		< * ESEARCH (TAG "a3") COUNT 0
		< a3 OK Completed
		> a4 SEARCH RETURN (ALL) DRAFT
		< * ESEARCH (TAG "a4")
		< a4 OK Completed
		> a5 UID SEARCH RETURN (MAX) MODSEQ 1
		< * ESEARCH (TAG "a5") UID MAX 4 MODSEQ 5
		< * OK [HIGHESTMODSEQ 7] Ok
		< a5 OK Completed
		> a6 UID SEARCH RETURN (MIN) MODSEQ 1
		< * ESEARCH (TAG "a6") UID MIN 1 MODSEQ 2
		< a6 OK Completed
		> b1 SEARCH RETURN (SAVE) 2:3
		< b1 OK Completed
		> b2 UID SEARCH $ NOT DELETED
		< * SEARCH 3
		< b2 OK Completed
		> b3 SEARCH RETURN (SAVE COUNT) $ DELETED
		< * ESEARCH (TAG "b3") COUNT 1
		< b3 OK Completed
		> b4 FETCH $ UID
		< * 3 FETCH (UID 4)
		< b4 OK Completed
		> b5 SEARCH RETURN (SAVE MIN) ALL
		< * ESEARCH (TAG "b5") MIN 1
		< b5 OK Completed
		> b6 SEARCH $
		< * SEARCH 1
		< b6 OK Completed
		> b7 SEARCH RETURN (SAVE MIN MAX) ALL
		< * ESEARCH (TAG "b7") MIN 1 MAX 3
		< b7 OK Completed
		> b8 UID SEARCH $
		< * SEARCH 1 4
		< b8 OK Completed
		> c1 EXPUNGE
		< * 3 EXPUNGE
		< c1 OK …
		> c2 UID SEARCH $
		< * SEARCH 1
		< c2 OK Completed
		> c3 SEARCH RETURN (SAVE) CHARSET none ALL
		< c3 NO [BADCHARSET …
		> c4 SEARCH RETURN (COUNT) $
		< * ESEARCH (TAG "c4") COUNT 0
		< c4 OK Completed
		> d0 ENABLE UTF8=ACCEPT
		< * ENABLED UTF8=ACCEPT
		< d0 OK …
		> d0 SEARCH CHARSET UTF-8 ALL
		< d0 BAD CHARSET after UTF8=ACCEPT
		> d1 ENABLE IMAP4rev2
		< * ENABLED IMAP4rev2
		< d1 OK …
		> d2 SEARCH ALL
		< * ESEARCH (TAG "d2") ALL 1:2
		< d2 OK Completed
		> d3 SEARCH DRAFT
		< * ESEARCH (TAG "d3")
		< d3 OK Completed`)
}

// What another session has expunged is still numbered, but matches only what can be told
// without it.
func TestSearchExpunged(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", nil, hello, hello, hello)
	c, other := login(t, s, "john"), login(t, s, "john")
	c.talk("> s SELECT INBOX\n< ...\n< s OK …")
	other.talk("> s SELECT INBOX\n< ...\n< s OK …\n> d STORE 2 +FLAGS.SILENT (\\Deleted)\n< d OK …\n> e EXPUNGE\n< * 2 EXPUNGE\n< e OK …")
	c.talk(`
		> a SEARCH UNSEEN
		< * SEARCH 1 2 3
		< a OK Completed
		> b SEARCH SUBJECT hello
		< * SEARCH 1 3
		< b OK Completed
		> c SEARCH BODY world
		< * SEARCH 1 3
		< c OK Completed
		> d UID SEARCH SUBJECT hello
		< * SEARCH 1 3
		< * 2 EXPUNGE
		< d OK Completed`)
}

// More messages than are looked at in one go are all found.
func TestSearchMany(t *testing.T) {
	s := newServer(t)
	fill(t, s, 600, func(i int) string {
		return "Subject: " + strconv.Itoa(i%2) + "\r\n\r\nbody " + strconv.Itoa(i%3) + "\r\n"
	})
	c := login(t, s, "john")
	c.talk(`
		> s SELECT INBOX
		< ...
		< s OK …
		> a SEARCH RETURN (COUNT) BODY "body 1"
		< * ESEARCH (TAG "a") COUNT 200
		< a OK Completed
		> b SEARCH RETURN (COUNT) OR SUBJECT 1 BODY "body 2"
		< * ESEARCH (TAG "b") COUNT 400
		< b OK Completed`)
}

// A message is found by the identifier that FETCH tells of it.
func TestSearchEmailID(t *testing.T) {
	s := newServer(t)
	searched(t, s)
	c := login(t, s, "john")
	c.talk("> s SELECT INBOX\n< ...\n< s OK …\n> f FETCH 3 EMAILID")
	id := strings.TrimSuffix(strings.TrimPrefix(c.line(), "* 3 FETCH (EMAILID ("), "))")
	c.talk("< f OK Completed\n> a SEARCH OR SEEN EMAILID " + id + "\n< * SEARCH 1 3\n< a OK Completed")
	c.talk("> a SEARCH EMAILID " + id + " BODY needle\n< * SEARCH 3\n< a OK Completed")
	c.talk("> a SEARCH EMAILID " + strings.ToUpper(id) + "x\n< * SEARCH\n< a OK Completed")
}
