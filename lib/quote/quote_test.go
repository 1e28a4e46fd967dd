package quote

import (
	"strings"
	"testing"
)

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"joe@a.example":      "joe@a.example",
		"joe":                "joe",
		"j.o.e@a.example":    "j.o.e@a.example",
		"joe-ext+x=y@a":      "joe-ext+x=y@a",
		"@a.example":         `""@a.example`,
		"joe user@a.example": `"joe user"@a.example`,
		`a"b\c@d`:            `"a\"b\\c"@d`,
		"a\r\nb@d":           "\"a\\\r\\\nb\"@d",
		"a@b@c":              `"a@b"@c`, // the last @ counts
		".a@b":               `".a"@b`,
		"a.@b":               `"a."@b`,
		"a..b@c":             `"a..b"@c`,
		"a(b)@c":             `"a(b)"@c`,
		"\xe4@b":             "\"\xe4\"@b",
		"a\x00b@c":           "\"a\x00b\"@c",
		"a@b c":              "a@b c", // a domain is never quoted
	} {
		if got := Address(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestNeed(t *testing.T) {
	for _, c := range []byte("!#$%&'*+-./0189=?AZ^_`az{|}~") {
		if s := "a" + string(rune(c)) + "b"; Need(s) {
			t.Errorf("%q is quoted", s)
		}
	}
	for _, c := range []byte("\x00\t\r\n \"(),:;<>@[\\]\x7f") {
		if s := "a" + string(rune(c)) + "b"; !Need(s) {
			t.Errorf("%q is not quoted", s)
		}
	}
}

// A quoted box is the box again once a reader takes the quoting off.
func FuzzBox(f *testing.F) {
	f.Add("joe user")
	f.Add(`"\`)
	f.Fuzz(func(t *testing.T, box string) {
		quoted := Box(box)
		if !Need(box) {
			if quoted != box {
				t.Errorf("%q became %q", box, quoted)
			}
			return
		}
		inside, begins := strings.CutPrefix(quoted, `"`)
		inside, ends := strings.CutSuffix(inside, `"`)
		if !begins || !ends {
			t.Fatalf("%q became %q", box, quoted)
		}
		var back strings.Builder
		for i := 0; i < len(inside); i++ {
			if inside[i] == '"' {
				t.Errorf("%q ends early", quoted)
			}
			if inside[i] == '\\' {
				i++
			}
			if i == len(inside) {
				t.Fatalf("%q does not end", quoted)
			}
			back.WriteByte(inside[i])
		}
		if back.String() != box {
			t.Errorf("%q reads %q", quoted, back.String())
		}
	})
}
