package main

import (
	"io"
	"os"
	"strings"
	"testing"
)

func TestAppend(t *testing.T) {
	s := newServer(t, "maxmessagesize: 1000")
	create(t, s, "user.john.Sent", "john")
	create(t, s, "user.mary.Shared", "mary")
	setACL(t, s, "user.mary.Shared", "mary\tlrswipkxtecdan\tjohn\tlri\t")
	create(t, s, "user.mary.Drop", "mary")
	setACL(t, s, "user.mary.Drop", "mary\tlrswipkxtecdan\tjohn\tli\t")
	if err := s.store.SetQuota("user.john.Sent", 1); err != nil {
		t.Fatal(err)
	}
	const text = "Subject: x␍␊␍␊y␍␊"
	for _, row := range []struct{ name, dialogue string }{
		{"flags and a date", `
			> a APPEND INBOX (\Seen $Work) " 1-Feb-2020 03:04:05 +0100" {17}
			< + go ahead
			> ‹text›
			< a OK [APPENDUID … 1] Completed
			> b SELECT INBOX
			< ...
			< b OK …
			> c FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[TEXT])
			< * 1 FETCH (FLAGS (\Recent \Seen $Work) INTERNALDATE " 1-Feb-2020 02:04:05 +0000" RFC822.SIZE 17 BODY[TEXT] {3}
			< y
			< )
			< c OK Completed`},
		{"several, not asked for", `
			> a APPEND INBOX {17+}
			> ‹text› (\Flagged) {17+}
			> ‹text›
			< a OK [APPENDUID … 2:3] Completed`},
		{"bare newlines", `
			> a APPEND INBOX {12+}
			> Subject: z␊␊
			< a OK [APPENDUID … 4] Completed`},
		{"into the selected mailbox", `
			> a SELECT INBOX
			< ...
			< a OK …
			> b APPEND INBOX {17+}
			> ‹text›
			< * 5 EXISTS
			< * 4 RECENT
			< b OK [APPENDUID … 5] Completed`},
		{"binary", `
			> a APPEND INBOX ~{18+}
			> Subject: x␍␊␍␊␀y␍␊
			< a OK [APPENDUID … 6] Completed
			> b EXAMINE INBOX
			< ...
			< b OK …
			> c FETCH 6 (BODY.PEEK[] BINARY.PEEK[1])
			< * 6 FETCH (BODY[] {59}
			< Subject: x
			< Content-Transfer-Encoding: base64
			<
			< AHkNCg==
			<  BINARY[1] ~{4}
			< …
			< )
			< c OK Completed`},
		{"in UTF-8", `
			> a APPEND INBOX UTF8 (~{17}
			< a BAD …
			> b ENABLE UTF8=ACCEPT
			< * ENABLED UTF8=ACCEPT
			< b OK Completed
			> c APPEND INBOX (\Seen) UTF8 (~{17+}
			> ‹text›)
			< c OK [APPENDUID … 7] Completed
			> d APPEND INBOX UTF8 ({17}
			< d BAD Missing literal8`},
		{"no mailbox", `
			> a APPEND INBOX.No {17}
			< a NO [TRYCREATE] Mailbox does not exist
			> a APPEND INBOX.No {17+}
			> ‹text›
			< a NO [TRYCREATE] Mailbox does not exist
			> b NOOP
			< b OK Completed`},
		{"of others, whether there is one or not", `
			> a APPEND user.mary.None {17}
			< a NO [NONEXISTENT] Mailbox does not exist
			> a APPEND user.mary {17}
			< a NO [NONEXISTENT] Mailbox does not exist`},
		{"without the right to set flags", `
			> a APPEND user.mary.Shared (\Seen \Deleted \Flagged) {17+}
			> ‹text›
			< a OK [APPENDUID … 1] Completed
			> b EXAMINE user.mary.Shared
			< ...
			< b OK …
			> c FETCH 1 FLAGS
			< * 1 FETCH (FLAGS (\Recent))
			< c OK Completed`},
		{"without the right to read", `
			> a APPEND user.mary.Drop {17+}
			> ‹text›
			< a OK Completed`},
		{"too large", `
			> a APPEND INBOX {1001}
			< a NO [TOOBIG] Message too large
			> b APPEND INBOX {17}
			< + go ahead
			> ‹text› {1001}
			< b NO [TOOBIG] Message too large`},
		{"over quota", `
			> a APPEND INBOX.Sent {1000+}
			> ‹big›
			< a OK [APPENDUID … 1] Completed
			> b APPEND INBOX.Sent {17+}
			> ‹text› {17}
			< b NO [OVERQUOTA] Over quota
			> c STATUS INBOX.Sent (MESSAGES)
			< ...`},
		{"NUL", `
			> a APPEND INBOX {3+}
			> a␀b
			< a NO Message contains NUL characters`},
		{"nothing", `
			> a APPEND INBOX {0+}
			>
			< a NO Message contains no data`},
		{"not a date", `
			> a APPEND INBOX "1-Feb-20 03:04:05" {17}
			< a BAD Invalid date-time in Append command`},
		{"not a flag", `
			> a APPEND INBOX (\Recent) {17}
			< a BAD Invalid system flag \Recent`},
		{"an argument too many", `
			> a APPEND INBOX {17+}
			> ‹text› x
			< a BAD …`},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := login(t, s, "john")
			c.talk(strings.NewReplacer("‹text›", text, "‹big›", text+strings.Repeat("z", 983)).Replace(row.dialogue))
		})
	}
}

// Many messages at once do not use up what all clients share: descriptors.
func TestAppendMany(t *testing.T) {
	s := newServer(t)
	c := login(t, s, "john")
	before := descriptors(t)
	io.WriteString(c, "a APPEND INBOX"+strings.Repeat(" {17+}\r\nSubject: x\r\n\r\ny\r\n", 200)+" {17}\r\n")
	c.talk(`< + go ahead`)
	if n := descriptors(t); n > before+100 {
		t.Errorf("%d descriptors after %d", n, before)
	}
	c.talk(`
		> Subject: x␍␊␍␊y␍␊
		< a OK [APPENDUID … 1:201] Completed`)
}

func descriptors(t *testing.T) int {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc: ", err)
	}
	return len(files)
}
