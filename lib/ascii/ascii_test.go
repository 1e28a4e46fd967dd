package ascii

import "testing"

func TestLower(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "abc": "abc", "ABC": "abc", "a@B.Example": "a@b.example", "[@`{": "[@`{", "ÄÖÜ": "ÄÖÜ", "K\u212a": "k\u212a", "\xc0Z": "\xc0z",
	} {
		if got := Lower(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b          string
		equal, prefix bool // HasPrefix(a, b)
	}{
		{"", "", true, true}, {"a", "A", true, true}, {"Ab", "aB", true, true},
		{"ab", "a", false, true}, {"a", "ab", false, false}, {"a", "", false, true},
		{"@", "`", false, false}, {"[", "{", false, false}, {"ä", "Ä", false, false}, {"k", "\u212a", false, false},
	} {
		if got := Equal(c.a, c.b); got != c.equal {
			t.Errorf("Equal(%q, %q) = %v", c.a, c.b, got)
		}
		if got := HasPrefix(c.a, c.b); got != c.prefix {
			t.Errorf("HasPrefix(%q, %q) = %v", c.a, c.b, got)
		}
	}
}
