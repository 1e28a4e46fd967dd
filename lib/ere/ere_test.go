package ere

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern string
		yes     []string
		no      []string
	}{
		{`bad\.domain\.com`, []string{"joe@BAD.domain.com", "x@my.bad.domain.com.au"}, []string{"joe@bad-domain.com"}},
		{`@`, []string{"a@b", "@"}, []string{"a", ""}},
		{`\.`, []string{"a.b"}, []string{"localhost"}},
		{`[!%#:*^(){}]`, []string{"a!b", "a%b", "a^b", "a}b"}, []string{"a@b"}}, // in the patch's README
		{`@.*@`, []string{"a@b@c"}, []string{"a@b"}},
		{`^[^@]+@(spam|junk)\.(com|net)$`, []string{"A@junk.NET"}, []string{"a@junk.org", "a@b@spam.com", "a@spam.com "}},
		{`^joe\+.*@x$`, []string{"joe+tag@x"}, []string{"joe@x"}},
		{`[\.]`, []string{`a\b`, "a.b"}, []string{"ab"}},
		{`[]x]`, []string{"a]", "X"}, []string{"[", "a"}},
		{`[^]x]`, []string{"a"}, []string{"]x", ""}},
		{`[[:digit:]]{3}`, []string{"a123"}, []string{"a12"}},
		{`^a{,2}$`, []string{"", "a", "aA"}, []string{"aaa", "a{,2}"}},
		{`[a[.-.]z]`, []string{"-", "z"}, []string{"b"}},
		{`[[=a=]-c]`, []string{"b"}, []string{"d"}},
		{`a)`, []string{"a)"}, []string{"a"}},
		{`(a)(b)?$`, []string{"xa", "xab"}, []string{"b"}},
		{`\w\W\s\S$`, []string{"_- x"}, []string{"-- x"}},
		{"\\`a\\'", []string{"A"}, []string{"ab", "ba"}},
		{`\@\d`, []string{"@d"}, []string{"@1"}},
		{"^.$", []string{"\xe4", "\n", "\x00", "a"}, []string{"ä", ""}},
		{"\xe4", []string{"x\xe4"}, []string{"\xc3"}},
		{"ä", []string{"xä"}, []string{"\xe4"}},
		{`^a+?$`, []string{"", "aa"}, []string{"b"}},
		{`a**`, []string{""}, nil},
		{``, []string{"", "a"}, nil},
		{`a|`, []string{"b"}, nil},
	} {
		p, err := Compile(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		for _, text := range c.yes {
			if !p.Match(text) {
				t.Errorf("%s does not match %q", c.pattern, text)
			}
		}
		for _, text := range c.no {
			if p.Match(text) {
				t.Errorf("%s matches %q", c.pattern, text)
			}
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for pattern, want := range map[string]string{
		`*@spam`:       "missing argument to repetition operator",
		`a(b`:          "missing closing )",
		`a[b`:          "missing closing ]",
		`[]`:           "missing closing ]",
		`[[:alpha]`:    "missing closing ]",
		`[[:letter:]]`: "invalid character class range",
		`[[.ab.]]`:     "unknown element ab",
		`[z-a]`:        "invalid character class range",
		`a\`:           "trailing backslash",
		`(a)\1`:        `\1 is not supported`,
		`\<a`:          `\< is not supported`,
		`a{2000}`:      "invalid repeat count",
	} {
		if _, err := Compile(pattern); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", pattern, err, want)
		}
	}
}

// FuzzCompile: what compiles can be matched, a pattern in parentheses means the
// same, and an error is one line.
func FuzzCompile(f *testing.F) {
	for _, pattern := range []string{`^[^@]+@(a|b)\.c$`, `[]a-[:digit:]]{,3}`, `\w)(`, `[\`, "\xff*", `[[.-.]-z]`} {
		f.Add(pattern, "joe@a.c")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		p, err := Compile(pattern)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Errorf("%q: no reason", pattern)
			}
			return
		}
		got := p.Match(text)
		if strings.Count(pattern, ")") > 0 {
			return // it may close the group
		}
		group, err := Compile("(" + pattern + ")")
		if err == nil && group.Match(text) != got {
			t.Errorf("%q on %q: %v, in a group %v", pattern, text, got, !got)
		}
	})
}
