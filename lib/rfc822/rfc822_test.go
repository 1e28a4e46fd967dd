package rfc822

import (
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFieldName(t *testing.T) {
	for _, test := range []struct {
		field Field
		want  string
	}{
		{"To: x\n", "to"},
		{"Reply-TO \t: x\n", "reply-to"},
		{"a.b:c:d\n", "a.b"},
		{"From me Mon\n", ""},
		{"two words: x\n", ""},
		{" To: x\n", ""},
		{": x\n", ""},
		{" : x\n", ""},
		{"nocolon\n", ""},
		{"T\xf6: x\n", ""},
		{"T\x00: x\n", ""},
		{"T\x7f: x\n", ""},
		{"", ""},
	} {
		if got := test.field.Name(); got != test.want {
			t.Errorf("Name of %q: got %q, want %q", test.field, got, test.want)
		}
	}
}

func TestReader(t *testing.T) {
	for _, test := range []struct {
		name, message string
		fields        []Field
		body          string
	}{
		{"nothing", "", nil, ""},
		{"header only", "A: b\n", []Field{"A: b\n"}, ""},
		{"no newline", "A: b", []Field{"A: b\n"}, ""},
		{"folded", "A: b\n c\n\td\nE: f\n\nbody\n", []Field{"A: b\n c\n\td\n", "E: f\n"}, "\nbody\n"},
		{"folded at the end", "A: b\n ", []Field{"A: b\n \n"}, ""},
		{"body without newline", "A: b\n\nbody", []Field{"A: b\n"}, "\nbody\n"},
		{"empty line only", "\n", nil, "\n"},
		{"two empty lines", "\n\n", nil, "\n\n"},
		{"no header", "hello there\nworld", nil, "\nhello there\nworld\n"},
		{"one line, no header, no newline", "hello", nil, "\nhello\n"},
		{"starts with a blank", " A: b\nC: d\n", nil, "\n A: b\nC: d\n"},
		{"line that is no field", "A: b\nhello\n\nC: d\n", []Field{"A: b\n"}, "\nhello\n\nC: d\n"},
		{"mailbox line", "From me Mon\n >\nA: b\n", []Field{"MBOX-Line: From me Mon\n >\n", "A: b\n"}, ""},
		{"carriage returns", "A: b\r\n\r\nC\r\n", []Field{"A: b\r\n"}, "\n\r\nC\r\n"},
		{"NUL", "A: \x00\n\x00\n", []Field{"A: \x00\n"}, "\n\x00\n"},
	} {
		for _, in := range []io.Reader{strings.NewReader(test.message), iotest.OneByteReader(strings.NewReader(test.message))} {
			fields, body, err := readAll(in)
			if err != nil || !reflect.DeepEqual(fields, test.fields) || body != test.body {
				t.Errorf("%s: got %q and body %q, %v, want %q and %q", test.name, fields, body, err, test.fields, test.body)
			}
		}
	}
}

func readAll(in io.Reader) (fields []Field, body string, err error) {
	r := NewReader(in)
	for {
		field, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, "", err
		}
		fields = append(fields, field)
	}
	if _, err := r.Next(); err != io.EOF {
		return nil, "", errors.New("Next goes on after the end")
	}
	b, err := io.ReadAll(r.Body())
	return fields, string(b), err
}

func TestReaderError(t *testing.T) {
	broken := errors.New("broken")
	for _, message := range []string{"", "A: b\n", "A: b\n c", "A: b\n\nbody\n", "hello\n"} {
		_, _, err := readAll(io.MultiReader(strings.NewReader(message), iotest.ErrReader(broken)))
		if err != broken {
			t.Errorf("after %q: got %v", message, err)
		}
	}
}

func TestParse(t *testing.T) {
	a := func(s string) Token { return Token{Atom, s} }
	for _, test := range []struct {
		in   string
		want Tokens
	}{
		{"", nil},
		{" \t\r\n", nil},
		{"a@b.c", Tokens{a("a"), {Kind: At}, a("b"), {Kind: Dot}, a("c")}},
		{"<,>:;", Tokens{{Kind: Left}, {Kind: Comma}, {Kind: Right}, {Kind: Colon}, {Kind: Semi}}},
		{`"a b\"c"d`, Tokens{{Quote, `a b"c`}, a("d")}},
		{`(a (b) \(c)`, Tokens{{Comment, "a b (c"}}},
		{"[1.2.3.4]", Tokens{{Literal, "1.2.3.4"}}},
		{`[a[\]b]`, Tokens{{Literal, "a[]b"}}},
		{`a\ b`, Tokens{a("a b")}},
		{`a\\b`, Tokens{{Quote, `a\b`}}},
		{`a)b`, Tokens{{Quote, "a)b"}}},
		{"M\xfcller", Tokens{{Quote, "M\xfcller"}}},
		{`a"b"`, Tokens{a("a"), {Quote, "b"}}},
		{`\`, Tokens{a("")}},
		{`a\`, Tokens{a("a")}},
		{`\@`, Tokens{a("@")}},
	} {
		got, err := Parse(test.in)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("Parse(%q): got %q, %v, want %q", test.in, got, err, test.want)
		}
	}
	for _, in := range []string{")", "]", "(", "(()", `"`, `"\"`, `"\`, "[", `[\]`, "a )", `(\`} {
		if got, err := Parse(in); err != ErrSyntax || got != nil {
			t.Errorf("Parse(%q): got %q, %v", in, got, err)
		}
	}
}

func TestString(t *testing.T) {
	for in, want := range map[string]string{
		`"a b" . c @ (comment) d.e`: "a b.c@d.e",
		`a@[1.2.3.4]`:               "a@[1.2.3.4]",
		`<@a,@b:c@d>;`:              "<@a,@b:c@d>;",
	} {
		tokens, err := Parse(in)
		if got := tokens.String(); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestRewriteAddresses(t *testing.T) {
	x := strings.Repeat("x", 30)
	for _, test := range []struct {
		in, want  Field
		addresses []string
	}{
		{"To:\n", "To:\n", nil},
		{"To: ,\n", "To: ,\n", nil},
		{"To: a\n", "To: a!\n", []string{"a"}},
		{"To: a,b c\n", "To: a!, b!, c!\n", []string{"c", "b", "a"}},
		{"To: a b@c . d\n", "To: a!, b@c.d!\n", []string{"b@c.d", "a"}},
		{"To: A. B. C <a> (x)\n", "To: A.B.C <a!>(x)\n", []string{"a"}},
		{"To: (x) a (y)\n", "To: a! (x) (y)\n", []string{"a"}},
		{"To: a <b>\n", "To: a <b!>\n", []string{"b"}},
		{"To: <b> a\n", "To: <b!>, a!\n", []string{"a", "b"}},
		{"To: <>\n", "To: <!>\n", []string{""}},
		{"To: <@a,@b:c@d>\n", "To: <@a, @b: c@d!>\n", []string{"@a,@b:c@d"}},
		{"To: g: a, b;, c\n", "To: g: a!, b!;, c!\n", []string{"c", "b", "a"}},
		{"To: z, two words: a;\n", "To: z!, two words: a!;\n", []string{"a", "z"}},
		{"To: a;\n", "To: a!;\n", []string{"a"}},
		{"To: g:; a\n", "To: g: ;, a!\n", []string{"a"}},
		{"a.b: " + "c\n", "a.b: c!\n", []string{"c"}},
		{Field("To: " + x + "," + x + "," + x + "\n"),
			Field("To: " + x + "!, " + x + "!,\n  " + x + "!\n"), []string{x, x, x}},
		{Field("To: " + x + x + x + ",a,b\n"),
			Field("To: " + x + x + x + "!,\n  a!, b!\n"), []string{"b", "a", x + x + x}},
	} {
		var seen []string
		got, err := RewriteAddresses(test.in, func(address Tokens) Tokens {
			seen = append(seen, address.String())
			if len(address) == 0 {
				return Tokens{{Atom, "!"}}
			}
			address[len(address)-1].Text += "!"
			return address
		})
		if err != nil || got != test.want || !slices.Equal(seen, test.addresses) {
			t.Errorf("%q: got %q %q, %v, want %q %q", test.in, got, seen, err, test.want, test.addresses)
		}
	}
	for _, in := range []Field{"To: a: b\n", "To: g: a; b;\n", "To: a>\n", "To: )\n", "To\n"} {
		if got, err := RewriteAddresses(in, func(a Tokens) Tokens { return a }); err != ErrSyntax || got != "" {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
}

// plain tells whether the tokens come back whole from Format: atoms are the ones
// that may not.
func plain(t Tokens) bool {
	for _, token := range t {
		if token.Kind != Atom {
			continue
		}
		if token.Text == "" || strings.ContainsFunc(token.Text, func(c rune) bool { return endsAtom(byte(c)) }) {
			return false
		}
	}
	return true
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"To: a@b, \"c d\" <e@[1.2.3.4]> (f (g)), h: i;\n",
		"a\\ b)c\\", "(\\)[\\]\"\\\"", "\xff\x00\r\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		tokens, err := Parse(in)
		if err != nil {
			if tokens != nil {
				t.Fatalf("%q beside an error", tokens)
			}
			return
		}
		text := tokens.Format()
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%q prints as %q, which does not parse", tokens, text)
		}
		if plain(tokens) && !slices.Equal(again, tokens) {
			t.Fatalf("%q prints as %q, which parses as %q", tokens, text, again)
		}
	})
}

func FuzzRewriteAddresses(f *testing.F) {
	f.Add("To: a, b <c@d> (e), f: g, \"h\".i@[j];, <@k:l>\n")
	f.Fuzz(func(t *testing.T, in string) {
		same := func(address Tokens) Tokens { return address }
		once, err := RewriteAddresses(Field(in), same)
		if err != nil {
			if once != "" {
				t.Fatalf("%q beside an error", once)
			}
			return
		}
		if tokens, err := Parse(in); err != nil || !plain(tokens) {
			return
		}
		// Comments move to the right of their address in the first pass.
		twice, err := RewriteAddresses(once, same)
		if err != nil || twice != once {
			t.Fatalf("%q becomes %q, and that %q, %v", in, once, twice, err)
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add("From me\nA: b\n c\nD: e\n\nbody")
	f.Add("no header")
	f.Fuzz(func(t *testing.T, in string) {
		fields, body, err := readAll(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, field := range fields {
			if field.Name() == "" {
				t.Fatalf("field without a name: %q", field)
			}
			b.WriteString(string(field))
		}
		message := b.String() + body
		fields2, body2, err := readAll(strings.NewReader(message))
		if err != nil || !slices.Equal(fields2, fields) || body2 != body {
			t.Fatalf("%q reads as %q and %q, and those as %q and %q", in, fields, body, fields2, body2)
		}
	})
}
