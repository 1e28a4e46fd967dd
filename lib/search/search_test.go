package search

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"goqmail/lib/casemap"
	"goqmail/lib/digest"
	"goqmail/lib/imap"
	"goqmail/lib/mailstore"
)

// Where a text is cut into pieces makes no difference, nor does how it is encoded.
func TestPieces(t *testing.T) {
	for _, row := range []struct{ name, head, body, needle string }{
		{"plain", "", "hello world", "lo wo"},
		{"a letter of two bytes", "Content-Type: text/plain; charset=utf-8\r\n", "a\u00e4b", "a\u00c4b"},
		{"quoted-printable", "Content-Transfer-Encoding: quoted-printable\r\n", "a=\r\nb=3D=x=", "AB==X="},
		{"base64", "Content-Transfer-Encoding: base64\r\n", "aGVs\r\n!bG8=", "hello"},
		{"base64 that ends badly", "Content-Transfer-Encoding: base64\r\n", "aGVsbG8gd29ybGQ==x", "hello world"},
		{"utf-16", "Content-Type: text/plain; charset=utf-16be\r\nContent-Transfer-Encoding: base64\r\n", "AGEA5A==", "\u00c4"},
		{"no charset that is known", "Content-Type: text/plain; charset=x-none\r\n", "abc\xe4", "abc"},
		{"header of a part", "Content-Type: message/rfc822\r\n", "Subject: a\r\n b\r\n\r\nc", "subject: a b\n"},
	} {
		for _, before := range []int{0, piece - 3, piece - 1, piece} {
			pad := strings.Repeat(".", before)
			if strings.Contains(row.head, "base64") || strings.Contains(row.head, "message") {
				pad = ""
			}
			message := row.head + "\r\n" + pad + row.body
			d, err := digest.Read(strings.NewReader(message), int64(len(message)))
			if err != nil {
				t.Fatal(err)
			}
			root, _ := digest.ParseParts(d.Parts)
			f := &finder{needles: [][]byte{[]byte(casemap.String(row.needle)), []byte("NOT THERE")}}
			found, err := f.find(strings.NewReader(message), root)
			if err != nil || !found[0] || found[1] {
				t.Errorf("%s after %d: %v, %v", row.name, before, found, err)
			}
		}
	}
}

// FuzzQuotedPrintable: how much comes at once makes no difference.
func FuzzQuotedPrintable(f *testing.F) {
	f.Add("a=3D=\r\n=\nb=zz==")
	f.Fuzz(func(t *testing.T, s string) {
		whole, err := io.ReadAll(quotedPrintable{bufio.NewReader(strings.NewReader(s))})
		if err != nil {
			t.Fatal(err)
		}
		bytewise, err := io.ReadAll(quotedPrintable{bufio.NewReader(iotest.OneByteReader(strings.NewReader(s)))})
		if err != nil || !bytes.Equal(whole, bytewise) {
			t.Errorf("%q, and byte by byte %q, %v", whole, bytewise, err)
		}
	})
}

// FuzzKeys: whatever a client sends is read to its end or refused, and what was read
// gives the same answer for a message and, behind NOT, the other one.
func FuzzKeys(f *testing.F) {
	for _, s := range []string{
		"ALL", "OR SEEN (NOT DELETED 1:*)", "CHARSET UTF-8 SUBJECT a", "HEADER a {1+}\r\nb", "MODSEQ \"/flags/a\" all 3", "SENTON 1-Jan-2000 YOUNGER 3",
		"UID 1,2:3 $", "BODY x TEXT y", "EMAILID aa", "((((", "NOT NOT NOT RECENT",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := imap.NewReader(strings.NewReader(s + "\r\n"))
		r.Start()
		p := &Parser{R: r, View: &mailstore.View{}, Recent: func(uint32) bool { return true }, Now: time.Unix(1e9, 0)}
		query := p.Keys("")
		r.End()
		if r.Err() != nil {
			return
		}
		h := &header{}
		h.reset([]byte("Subject: a\r\nDate: 1 Jan 2000\r\n\r\n"))
		c := &candidate{seq: 1, m: &mailstore.Message{UID: 1}}
		inverse := &Key{op: not, keys: []*Key{query.Key}}
		before := query.Key.match(c)
		c.header, c.found = h, make([]bool, len(query.needles))
		after := query.Key.match(c)
		if after == unknown || before != unknown && before != after || inverse.match(c) != yes-after {
			t.Errorf("%q: %v and then %v", s, before, after)
		}
	})
}

// FuzzHeader: what stands in a header is found in it, by its field and without.
func FuzzHeader(f *testing.F) {
	f.Add("Subject: a\r\n =?utf-8?q?b=C3=A4?=\r\nFrom: \"x\" <a (b) @ c>, g: ;\r\nDate: 1 Jan 2000\r\n\r\n")
	f.Fuzz(func(t *testing.T, raw string) {
		h := &header{}
		h.reset([]byte(raw))
		h.sent()
		for _, name := range []string{"subject", "from"} {
			there := h.field(name, func([]byte) bool { return true })
			for _, kind := range []kind{words, addresses} {
				if h.contains(name, kind, nil) != there {
					t.Errorf("%s of %q: %v", name, raw, !there)
				}
			}
			for _, text := range h.texts(name, words) {
				if !h.contains(name, addresses, text) {
					t.Errorf("%q is not in %q", text, raw)
				}
			}
		}
		if !h.anywhere(nil) {
			t.Error("nothing is not there")
		}
	})
}

func TestPlainest(t *testing.T) {
	for _, row := range []struct{ value, want string }{
		{` "Smith, J." <j@example.org>` + "\r\n", "Smith, J. <j@example.org>"},
		{`"a (b)" <c@example.org>`, "a (b) <c@example.org>"},
		{`"a \"b\"" <c@example.org>`, `a "b" <c@example.org>`},
		{`"a" (b) <c@example.org>`, "a <c@example.org>"},
		{`"a" <c@ example.org>`, "a <c@example.org>"},
		{`"a" <c@example.org>, "b" <d@example.org>`, "a <c@example.org>, b <d@example.org>"},
		{`"a" <c(d)@example.org>`, "a <c@example.org>"},
		{`" <`, "< <@>"},
	} {
		if got := string(bytes.TrimSpace(plainest([]byte(row.value)))); got != strings.TrimSpace(row.want) {
			t.Errorf("%q: %q, want %q", row.value, got, row.want)
		}
	}
}
