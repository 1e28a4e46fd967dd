package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPattern(t *testing.T) {
	for _, row := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true},
		{"*", "INBOX.a", true},
		{"%", "INBOX.a", false},
		{"INBOX.%", "INBOX.a", true},
		{"INBOX.%", "INBOX.a.b", false},
		{"INBOX.%.b", "INBOX.a.b", true},
		{"*.%c", "a.b.c", true},
		{"%*b", "a.b", true},
		{"*%b.", "a.b", false},
		{"%a%.b", "aa.b", true},
		{"%%%", "abc", true},
		{"", "a", false},
		{"a", "ab", false},
		{"inbox.%", "INBOX.x", true},
		{"inboxes", "INBOXes", false},
	} {
		if got := newPattern("", row.pattern, '.').match(row.name); got != row.want {
			t.Errorf("%q and %q: %v", row.pattern, row.name, got)
		}
	}
	if p := newPattern("INBOX.", ".a", '.'); p.text != "INBOX.a" {
		t.Errorf("reference and pattern are %q", p.text)
	}
}

// No pattern takes long, whatever it is.
func TestPatternIsQuick(t *testing.T) {
	p := newPattern("", strings.Repeat("*%a", 300)+"b", '.')
	name := strings.Repeat("a.", 245)
	start := time.Now()
	if p.match(name) {
		t.Error("it matches")
	}
	if took := time.Since(start); took > 10*time.Second { // an exponential one would take for ever
		t.Errorf("it took %v", took)
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"*%*", "a%.*b", "%.%.%", "*.%c"} {
		f.Add(s, "a.b.c")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		if len(text) > 100 || len(name) > 100 {
			return
		}
		for _, s := range []string{text, name} { // regexp knows runes, not bytes
			for i := range len(s) {
				if s[i] >= 0x80 || s[i] < ' ' {
					return
				}
			}
		}
		re := strings.NewReplacer(`\*`, `.*`, `%`, `[^.]*`).Replace(regexp.QuoteMeta(text))
		want := regexp.MustCompile(`^` + re + `$`).MatchString(name)
		if got := (pattern{text, '.'}).match(name); got != want {
			t.Errorf("%q and %q: %v, want %v", text, name, got, want)
		}
	})
}
