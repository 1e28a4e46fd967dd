package main

import (
	"io"
	"strconv"
	"strings"
	"testing"
)

// Who does not log in makes way for others, and never holds up those who have.
func TestHalfOpen(t *testing.T) {
	s := newServer(t, "maxhalfopen: 3")
	user := login(t, s, "john")
	var waiting []*client
	for range 5 {
		waiting = append(waiting, dial(t, s))
	}
	for i, c := range waiting {
		if i < 2 {
			c.talk(`< EOF`)
			continue
		}
		c.talk(`
			> a NOOP
			< a OK Completed`)
	}
	user.talk(`
		> a NOOP
		< a OK Completed`)
	login(t, s, "mary")
}

func TestPerHostAndUser(t *testing.T) {
	s := newServer(t, "maxlogins_per_user: 1", "maxlogins_per_host: 2", "maxconnections_per_host: 4")
	john := login(t, s, "john")
	c := dial(t, s)
	c.talk(`
		> a LOGIN john secret
		< a NO [LIMIT] Too many open connections
		> b LOGIN mary secret
		< b OK …`)
	d := dial(t, s)
	d.talk(`
		> a LOGIN ann secret
		< a NO [LIMIT] Too many open connections
		> b LOGIN cyrus secret
		< b OK …`)
	dial(t, s)
	last := &client{t: t, Conn: connect(t, s)}
	last.over(last.Conn)
	last.talk(`
		< * BYE Too many open connections
		< EOF`)
	john.talk(`
		> z LOGOUT
		< * BYE …
		< z OK Completed
		< EOF`)
}

// Whatever a stranger sends, little of it is kept, and he is told what is wrong.
func TestEndlessWords(t *testing.T) {
	s := newServer(t)
	for _, row := range []struct{ name, sent, want string }{
		{"line", "a " + strings.Repeat("x", 1<<20), "a BAD Command too long"},
		{"tag", strings.Repeat("x", 1<<20), "* BAD Command too long"},
		{"literal", "a LOGIN {100000+}\r\n" + strings.Repeat("x", 100000) + " y", "a BAD Command too long"},
		{"literal that waits", "a LOGIN {100000}", "a BAD Command too long"},
		{"number", "a LOGIN {99999999999999999999999}", "a BAD Number too large"},
		{"list", "a ID " + strings.Repeat("(", 100000), "a BAD …"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := dial(t, s)
			go io.WriteString(c, row.sent+"\r\n")
			c.talk("< " + row.want)
			c.talk(`
				> b NOOP
				< b OK Completed`)
		})
	}
	c := dial(t, s)
	c.talk(`
		> a LOGIN {9999999999+}
		< * BYE Literal too large
		< EOF`)
}

// With LITERAL- longer literals come only when they are asked for.
func TestLiteralMinus(t *testing.T) {
	c := login(t, newServer(t, "literalminus: on"), "john")
	long := "Subject: x\r\n\r\n" + strings.Repeat("y", literalMinus-14)
	c.talk(`
		> a CAPABILITY
		< * CAPABILITY IMAP4rev1 IMAP4rev2 ACL RIGHTS=kxten QUOTA QUOTASET QUOTA=RES-STORAGE LITERAL- NAMESPACE …
		< a OK Completed
		> b APPEND INBOX {4097+}␍␊` + strings.ReplaceAll(long, "\r\n", "␍␊") + `z
		< b BAD Non-synchronizing literal too large
		> c APPEND INBOX {4096+}␍␊` + strings.ReplaceAll(long, "\r\n", "␍␊") + `
		< c OK [APPENDUID …
		> d APPEND INBOX {4097}
		< + go ahead
		> ` + strings.ReplaceAll(long, "\r\n", "␍␊") + `z
		< d OK [APPENDUID …`)
}

// One that speaks another protocol is not listened to for long.
func TestTooManyErrors(t *testing.T) {
	c := dial(t, newServer(t))
	c.talk(strings.Repeat("> GET / HTTP/1.0\n< GET BAD Please login first\n", maxMistakes) + `
		< * BYE Too many errors
		< EOF`)
}

func TestPipelined(t *testing.T) {
	s := newServer(t)
	put(t, s, "user.john", nil, hello)
	c := dial(t, s)
	c.talk(`
		> a LOGIN john secret␍␊b SELECT INBOX␍␊c FETCH 1 UID␍␊d LOGOUT
		< a OK …
		< ...
		< b OK …
		< * 1 FETCH (UID 1)
		< c OK Completed
		< * BYE LOGOUT received
		< d OK Completed
		< EOF`)
}

// A part is decoded while it is sent, from any place of it, and no client makes the server
// gather the same thing again and again.
func TestLargeAnswers(t *testing.T) {
	s := newServer(t)
	line := strings.Repeat("dGVzdCA=", 9) + "\r\n" // 45 bytes
	n := smallLiteral/45 + 1
	put(t, s, "user.john", nil, "Content-Transfer-Encoding: base64\r\n\r\n"+strings.Repeat(line, n))
	put(t, s, "user.john", nil, "Content-Type: multipart/mixed; boundary=x\r\n\r\n"+strings.Repeat("--x\r\n\r\n", 9000))
	size, text := strconv.Itoa(45*n), strings.Repeat("test ", 9*n)
	part := strconv.Itoa(45*n - 2)
	c := login(t, s, "john")
	c.talk(`
		> a SELECT INBOX
		< ...
		< a OK …
		> a FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1] BINARY.PEEK[1]<1.` + part + `> BINARY.PEEK[1]<` + size + `.1>)
		< * 1 FETCH (BINARY.SIZE[1] ` + size + ` BINARY[1] {` + size + `}
		< ` + text + ` BINARY[1]<1> {` + part + `}
		< ` + text[1:len(text)-1] + ` BINARY[1]<` + size + `> {0}
		< )
		< a OK Completed
		> a FETCH 1 (` + strings.Repeat("UID ", maxItems) + `UID)
		< a BAD Too many Fetch attributes
		> a FETCH 1 BODY.PEEK[HEADER.FIELDS (` + strings.Repeat("A ", maxFields) + `B)]
		< a BAD Too many Fetch attributes
		> a FETCH 1 (` + strings.Repeat("BODY.PEEK[HEADER.FIELDS (A B)] ", maxFields/2) + `BODY.PEEK[HEADER.FIELDS (C)])
		< a BAD Too many Fetch attributes
		> a FETCH 2 (` + strings.Repeat("BODYSTRUCTURE ", 900) + `UID)
		< a NO [LIMIT] …
		> a NOOP
		< a OK Completed`)
}
