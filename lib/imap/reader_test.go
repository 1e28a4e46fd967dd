package imap

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReader(t *testing.T) {
	for _, row := range []struct {
		name, in string
		read     func(*Reader) string
		want     string
	}{
		{"atom", "Inbox]", (*Reader).Astring, "Inbox]"},
		{"quoted", `"a \"b\" \\c"`, (*Reader).Astring, `a "b" \c`},
		{"tilde", "~a", (*Reader).Astring, "~a"},
		{"empty string", `""`, (*Reader).Astring, ""},
		{"literal", "{5}\r\na\r\nbc", (*Reader).Astring, "a\r\nbc"},
		{"literal not asked for", "{3+}\r\nabc", (*Reader).String, "abc"},
		{"binary literal", "~{3}\r\na\x00c", (*Reader).String, "a\x00c"},
		{"word", "UiD", (*Reader).Keyword, "UID"},
		{"flag", `\seen`, (*Reader).Flag, `\seen`},
		{"NIL", "nil", func(r *Reader) string { s, ok := r.Nstring(); return s + strings.Repeat("?", b2i(ok)) }, ""},
		{"set", "1:3,*,9:*,7", func(r *Reader) string { s := r.SeqSet(); return s.String() }, "1:3,*,9:*,7"},
		{"list", "(a b  c)", func(r *Reader) string {
			var all []string
			r.List(func() { all = append(all, r.Atom()) })
			return strings.Join(all, ",")
		}, "error: Expected an atom"},
	} {
		t.Run(row.name, func(t *testing.T) {
			asked := 0
			r := NewReader(strings.NewReader(row.in + "\r\n"))
			r.Continued = func() error { asked++; return nil }
			r.Start()
			got := row.read(r)
			if r.Err() == nil {
				r.End()
			}
			if err := r.Err(); err != nil {
				got = "error: " + err.Error()
			}
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if want := b2i(strings.Contains(row.in, "}\r") && !strings.Contains(row.in, "+}")); asked != want {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// After an error the next command is read as it should be.
func TestSkip(t *testing.T) {
	for _, in := range []string{"\x01 rest", "(a {3+}\r\nx\r\n b {2+}\r\n\r\n c", strings.Repeat("x", 20000), "{9999999999}", ""} {
		r := NewReader(strings.NewReader(in + "\r\nnext\r\n"))
		r.Start()
		for r.Err() == nil {
			r.Number()
		}
		if err := r.Skip(); err != nil {
			t.Errorf("%.20q: %v", in, err)
		}
		r.Start()
		if got := r.Atom(); got != "next" {
			t.Errorf("%.20q: then %q, %v", in, got, r.Err())
		}
	}
	r := NewReader(strings.NewReader("( {9999999999+}\r\n"))
	r.Start()
	r.Atom()
	if err := r.Skip(); err != ErrAbuse {
		t.Errorf("a huge literal: %v", err)
	}
}

// A literal that is refused is not taken for commands, and one that was not asked
// for does not come.
func TestRefusedLiteral(t *testing.T) {
	for _, in := range []string{"{12+}\r\na STORE x\r\n\r\n", "{12}\r\n"} {
		r := NewReader(strings.NewReader(in + "next\r\n"))
		r.Limit = 11
		r.Start()
		if _ = r.String(); r.Err() != ErrTooLong {
			t.Errorf("%q: %v", in, r.Err())
		}
		if err := r.Skip(); err != nil {
			t.Errorf("%q: %v", in, err)
		}
		r.Start()
		if got := r.Atom(); got != "next" {
			t.Errorf("%q: then %q, %v", in, got, r.Err())
		}
	}
}

// Literals that are too long to come without being asked for may come else, and their
// bytes are passed over.
func TestUnasked(t *testing.T) {
	for in, want := range map[string]string{
		"{4+}\r\nabcd":          "abcd",
		"{5}\r\nabcde":          "abcde",
		"{5+}\r\nab\r\n":        "",
		"~{5+}\r\n\x00b\r\nc x": "",
	} {
		r := NewReader(strings.NewReader(in + "\r\nnext\r\n"))
		r.Unasked = 4
		r.Start()
		got := r.String()
		var syntax Syntax
		if got != want || errors.As(r.Err(), &syntax) != (want == "") {
			t.Errorf("%q: %q, %v", in, got, r.Err())
		}
		if err := r.Skip(); err != nil {
			t.Errorf("%q: %v", in, err)
		}
		r.Start()
		if got := r.Atom(); got != "next" {
			t.Errorf("%q: then %q, %v", in, got, r.Err())
		}
	}
}

func TestLimit(t *testing.T) {
	for _, in := range []string{strings.Repeat("a", 9000), `"` + strings.Repeat("b", 9000) + `"`, "{9000+}\r\n" + strings.Repeat("c", 9000)} {
		r := NewReader(strings.NewReader(in + "\r\n"))
		r.Start()
		if r.Astring(); !errors.Is(r.Err(), ErrTooLong) {
			t.Errorf("%.5s: %v", in, r.Err())
		}
	}
}

// What is appended as a string is read back as it was.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "a", `"\`, "a\r\nb", "\x00", "\xff", "nil", "a b", "(", strings.Repeat("x", 2000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, b := range [][]byte{AppendString(nil, s), AppendAstring(nil, s)} {
			r := NewReader(bytes.NewReader(append(b, "\r\n"...)))
			r.Limit = 1 << 20
			r.Start()
			got := r.Astring()
			r.End()
			if r.Err() != nil || got != s {
				t.Errorf("%q is read as %q, %v", b, got, r.Err())
			}
		}
	})
}

// Whatever a client sends, reading ends, and with an error or a result.
func FuzzReader(f *testing.F) {
	f.Add("a SELECT {3+}\r\nabc (x \"y\") 1:*,3\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		r := NewReader(strings.NewReader(s))
		for range len(s) + 1 {
			r.Start()
			r.Tag()
			r.Space()
			r.Astring()
			r.List(func() { r.Flag() })
			r.SeqSet()
			if r.End(); r.Err() == nil {
				continue
			}
			if err := r.Skip(); err != nil {
				if err != io.EOF && err != ErrAbuse {
					t.Fatal(err)
				}
				return
			}
		}
	})
}
