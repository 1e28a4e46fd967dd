package digest

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// crlf makes the line ends of a message those of the store.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func read(t testing.TB, message string) (*Digest, *Part) {
	t.Helper()
	d, err := Read(strings.NewReader(message), int64(len(message)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseParts(d.Parts)
	if err != nil {
		t.Fatal(err)
	}
	return d, p
}

func TestEnvelope(t *testing.T) {
	d, _ := read(t, crlf(`Date: Mon, 7 Feb 1994 21:52:25 -0800
From: Terry Gray <gray@cac.washington.edu>
Subject: IMAP4rev1 "WG" mtg
 summary
To: imap@cac.washington.edu
cc: minutes@CNRI.Reston.VA.US, "Klensin, John" <KLENSIN@MIT.EDU>
Message-Id: <B27397-0100000@cac.washington.edu>
In-Reply-To: =?us-ascii?q?x?=

body
`))
	want := `("Mon, 7 Feb 1994 21:52:25 -0800" "IMAP4rev1 \"WG\" mtg summary" ` +
		`(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ` +
		`(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ` +
		`((NIL NIL "minutes" "CNRI.Reston.VA.US")("Klensin, John" NIL "KLENSIN" "MIT.EDU")) NIL ` +
		`"=?us-ascii?q?x?=" "<B27397-0100000@cac.washington.edu>")`
	if got := string(d.Envelope); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if d.Date != 760686745 || d.From != "GRAY" || d.To != "IMAP" || d.Cc != "MINUTES" || d.MessageID != "B27397-0100000@cac.washington.edu" {
		t.Errorf("sorted by %+v", d)
	}
}

func TestAddresses(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"", "NIL"},
		{"a@b", `((NIL NIL "a" "b"))`},
		{"<a@b>", `((NIL NIL "a" "b"))`},
		{"Joe (the) Bloggs <j.b@c.d>", `(("Joe Bloggs" NIL "j.b" "c.d"))`},
		{`"Q. \"X\"" <"a b"@c>`, `(("Q. \"X\"" NIL "a b" "c"))`},
		{"j@c (Joe Bloggs)", `(("Joe Bloggs" NIL "j" "c"))`},
		{"A Group:Ed <e@f>,g@h;", `((NIL NIL "A Group" NIL)("Ed" NIL "e" "f")(NIL NIL "g" "h")(NIL NIL NIL NIL))`},
		{"undisclosed-recipients:;", `((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))`},
		{"<@x,@y:a@b>", `((NIL "@x,@y" "a" "b"))`},
		{"John Q. Public <j@p>", `(("John Q. Public" NIL "j" "p"))`},
		{"a@[1.2.3.4], b", `((NIL NIL "a" "[1.2.3.4]")(NIL NIL "b" ""))`},
		{"<>", `((NIL NIL "" ""))`},
		{",, a@b ,", `((NIL NIL "a" "b"))`},
		{"a @ b . c", `((NIL NIL "a" "b.c"))`},
		{"broken <a@b, c@d", `(("broken" NIL "a" "b")(NIL NIL "c" "d"))`},
	} {
		h := header{{"to", row.in}}
		if got := string(appendAddresses(nil, h.addresses("to"))); got != row.want {
			t.Errorf("%s\n got  %s\n want %s", row.in, got, row.want)
		}
	}
}

const nested = `From: a@b
Content-Type: multipart/mixed; boundary="one"; x=y

preamble
--one
Content-Type: text/plain; charset=utf-8
Content-Disposition: attachment; filename="a b.txt"

first
part
--one
Content-Type: message/rfc822

Subject: inner
Content-Type: multipart/alternative; boundary=two

--two

plain
--two
Content-Type: text/html
Content-Transfer-Encoding: base64
Content-Language: en, de

PGI+
--two--
epilogue of two

--one
Content-Type: image/png
Content-ID: <x@y>

png
--one--
epilogue
`

func TestBodyStructure(t *testing.T) {
	message := crlf(nested)
	d, p := read(t, message)
	inner := p.Parts[1]
	if text := message[inner.Body.Start:inner.Body.End]; !strings.HasPrefix(text, "Subject: inner\r\n") || !strings.HasSuffix(text, "epilogue of two\r\n") {
		t.Errorf("the inner message is %q", text)
	}
	want := `(("text" "plain" ("charset" "utf-8") NIL NIL "7BIT" 11 1 NIL ("attachment" ("filename" "a b.txt")) NIL NIL)` +
		`("message" "rfc822" NIL NIL NIL "7BIT" ` + strconv.FormatInt(inner.Body.Len(), 10) + ` (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ` +
		`(("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 5 0 NIL NIL NIL NIL)` +
		`("text" "html" NIL NIL NIL "BASE64" 4 0 NIL NIL ("en" "de") NIL) "alternative" ("boundary" "two") NIL NIL NIL) 14 NIL NIL NIL NIL)` +
		`("image" "png" NIL "<x@y>" NIL "7BIT" 3 NIL NIL NIL NIL) "mixed" ("boundary" "one" "x" "y") NIL NIL NIL)`
	if got := string(d.BodyStructure); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for path, body := range map[string]string{
		"0": "first\r\npart", "1.0.0": "plain", "1.0.1": "PGI+", "2": "png",
	} {
		part := p
		for step := range strings.SplitSeq(path, ".") {
			part = part.Parts[step[0]-'0']
		}
		if got := message[part.Body.Start:part.Body.End]; got != body {
			t.Errorf("part %s is %q, want %q", path, got, body)
		}
	}
	if plain := string(p.AppendBody(nil, false)); strings.Contains(plain, "attachment") || !strings.Contains(plain, `"mixed")`) {
		t.Errorf("BODY is %s", plain)
	}
}

func TestBaseSubject(t *testing.T) {
	for _, row := range []struct {
		in, want string
		reply    bool
	}{
		{"hello", "HELLO", false},
		{"Re: hello", "HELLO", true},
		{"RE: re[2]: Fwd : hello", "HELLO", true},
		{"Re: [list] Re: hello (fwd) ", "HELLO", true},
		{"[list] hello", "HELLO", false},
		{"[list]", "[LIST]", false},
		{"[Fwd: Re: hello]", "HELLO", true},
		{"Fwd:", "", true},
		{"a \t b", "A B", false},
		{"regards", "REGARDS", false},
		{"[foo] Fwd: [bar] Re: fw: b (fWd)  (fwd)", "B", true},
		{"re: [fwd: [fwd: re: [fwd: babylon]]]", "BABYLON", true},
		{"Ad: Re: x", "AD: RE: X", false},
		{"[a] [b]: c", ": C", false},
		{"Re [a]", "RE [A]", false},
		{"[fwd:]", "", true},
		{"[open", "[OPEN", false},
	} {
		if got, reply := BaseSubject(row.in); got != row.want || reply != row.reply {
			t.Errorf("%q: %q %v, want %q %v", row.in, got, reply, row.want, row.reply)
		}
	}
}

func TestDisplay(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"foo bar <a@b.c>", "FOO BAR"},
		{"b@c.d", "B@C.D"},
		{"d", "D"},
		{"=?iso-8859-1?q?foo_aar?= <e@f.g>, x@y", "FOO AAR"},
		{"a: xx@xx.org, yy@yy.org;", "A"},
		{"empty:;", "EMPTY"},
		{"", ""},
	} {
		if got := Display([]byte("X: y\r\nTo: "+row.in+"\r\n\r\n"), "to"); got != row.want {
			t.Errorf("%s: %q, want %q", row.in, got, row.want)
		}
	}
}

func TestReferences(t *testing.T) {
	d, _ := read(t, crlf("Message-ID: <c@d>\nReferences: <a@b> x\n <e f@g> <unended\nIn-Reply-To: <no@no>\n\n"))
	if d.MessageID != "c@d" || !slices.Equal(d.References, []string{"a@b", "ef@g"}) {
		t.Errorf("%q %q", d.MessageID, d.References)
	}
	d, _ = read(t, crlf("Message-ID: <\"c\\d\"@d>\nReferences: <\"a\"@b><e@f>\n\n"))
	if d.MessageID != "cd@d" || !slices.Equal(d.References, []string{"a@b", "e@f"}) {
		t.Errorf("%q %q", d.MessageID, d.References)
	}
	d, _ = read(t, crlf("In-Reply-To: your mail <x@y> of <z@z>\n\n"))
	if !slices.Equal(d.References, []string{"x@y"}) {
		t.Errorf("%q", d.References)
	}
}

func TestFields(t *testing.T) {
	header := []byte(crlf("From: a\nTo: b,\n c\nX: d\nfrom: e\n\n"))
	for _, row := range []struct {
		names []string
		not   bool
		want  string
	}{
		{[]string{"FROM", "none"}, false, "From: a\nfrom: e\n\n"},
		{[]string{"from"}, true, "To: b,\n c\nX: d\n\n"},
		{nil, false, "\n"},
	} {
		if got := string(Fields(header, row.names, row.not)); got != crlf(row.want) {
			t.Errorf("%v %v: %q", row.names, row.not, got)
		}
	}
}

// Messages as deep or with as many parts as somebody likes cost no more than they should.
func TestBombs(t *testing.T) {
	var deep, wide, heavy strings.Builder
	for i := range 5000 {
		deep.WriteString("Content-Type: multipart/mixed; boundary=b" + strconv.Itoa(i) + "\r\n\r\n--b" + strconv.Itoa(i) + "\r\n")
	}
	wide.WriteString("Content-Type: multipart/mixed; boundary=x\r\n\r\n")
	for range 50000 {
		wide.WriteString("--x\r\n\r\n\r\n")
	}
	heavy.WriteString("Content-Type: multipart/mixed; boundary=x\r\n\r\n")
	for range 20 {
		heavy.WriteString("--x\r\n" + strings.Repeat("A: b\r\n", maxHeader/6) + "\r\n")
	}
	for name, message := range map[string]string{
		"deep": deep.String(), "wide": wide.String(), "heavy": heavy.String(), "long header": "A: " + strings.Repeat("x", 3<<20) + "\r\n\r\nbody",
		"long line": "\r\n" + strings.Repeat("y", 3<<20), "empty": "", "header only": "A: b",
	} {
		d, p := read(t, message)
		check(t, p, Span{0, int64(len(message))}, 0)
		if len(p.Parts) > maxParts || name == "heavy" && len(p.Parts) != maxHeaders/maxHeader {
			t.Errorf("%s: %d parts", name, len(p.Parts))
		}
		if len(d.Header) > maxHeader {
			t.Errorf("%s: a header of %d bytes", name, len(d.Header))
		}
		if got, want := Whole(d.Header), name != "long header" && name != "empty" && name != "header only"; got != want {
			t.Errorf("%s: all of the header: %v", name, got)
		}
	}
}

// check reports parts that do not lie in what they are part of.
func check(t *testing.T, p *Part, in Span, depth int) {
	t.Helper()
	if p.Header.Start < in.Start || p.Header.End < p.Header.Start || p.Body.Start < p.Header.End || p.Body.End < p.Body.Start || p.Body.End > in.End {
		t.Fatalf("header %v and body %v in %v", p.Header, p.Body, in)
	}
	if depth > maxDepth+1 {
		t.Fatal("too deep")
	}
	for _, child := range p.Parts {
		check(t, child, p.Body, depth+1)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(crlf(nested))
	f.Add("")
	f.Add("Content-Type: multipart/x; boundary=a\r\n\r\n--a\r\n--a--\r\n--a")
	f.Fuzz(func(t *testing.T, message string) {
		d, err := Read(strings.NewReader(message), int64(len(message)))
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParseParts(d.Parts)
		if err != nil {
			t.Fatal(err)
		}
		check(t, p, Span{0, int64(len(message))}, 0)
		if !bytes.Equal(p.AppendParts(nil), d.Parts) || !bytes.Equal(p.AppendBody(nil, true), d.BodyStructure) {
			t.Error("what is kept does not come back")
		}
	})
}

func FuzzParseParts(f *testing.F) {
	_, p := read(f, crlf(nested))
	f.Add(p.AppendParts(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseParts(b)
		if err != nil {
			return
		}
		again, err := ParseParts(p.AppendParts(nil))
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Errorf("%v: %v", err, p)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	message := crlf(nested)
	for b.Loop() {
		read(b, message)
	}
}

// A field of very many lines is read in one go.
func TestFieldOfManyLines(t *testing.T) {
	const lines = 200_000
	got := fields([]byte("a: b" + strings.Repeat("\r\n c", lines) + "\r\nd:  e\r\n\t\r\n"))
	want := header{{"a", "b" + strings.Repeat(" c", lines)}, {"d", "e"}}
	if !slices.Equal(got, want) {
		t.Errorf("read %d fields: %.40q", len(got), got)
	}
}
