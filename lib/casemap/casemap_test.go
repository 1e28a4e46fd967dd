package casemap

import (
	"testing"
	"unicode/utf8"
)

func TestString(t *testing.T) {
	for _, row := range []struct{ a, b string }{
		{"hello, World", "HELLO, WORLD"},
		{"\u00e4", "A\u0308"},
		{"\u00c4", "a\u0308"},
		{"\u03c3", "\u03a3"},
		{"\u01c6", "\u01c4"}, // three cases, in two letters
		{"\ufb01", "fi"},
		{"\xe4", "\xe4"},
		{"", ""},
	} {
		if got, want := String(row.a), String(row.b); got != want {
			t.Errorf("%q: %q, but %q: %q", row.a, got, row.b, want)
		}
	}
}

// Where a text is torn between letters makes no difference.
func FuzzAppend(f *testing.F) {
	f.Add("stra\u00dfe \u1e9b\u0323\xff", 5)
	f.Fuzz(func(t *testing.T, s string, at int) {
		if at < 0 || at > len(s) || at < len(s) && !utf8.RuneStart(s[at]) || !utf8.ValidString(s) {
			return
		}
		if got, want := string(Append(Append(nil, []byte(s[:at])), []byte(s[at:]))), string(Append(nil, []byte(s))); got != want || String(s) != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
