package storetool

import "testing"

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "user.john", true},
		{"user.%", "user.john", true},
		{"user.%", "user.john.SPAM", false},
		{"user.*", "user.john.SPAM", true},
		{"user.john", "user.john", true},
		{"user.john", "user.johnny", false},
		{"user.johnny", "user.john", false},
		{"%.john", "user.john", true},
		{"*n*", "user.john", true},
		{"", "", true},
		{"user.%.%", "user.john", false},
	} {
		if got := match(c.pattern, c.name, '.'); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.name, got)
		}
	}
}

func TestValid(t *testing.T) {
	for name, want := range map[string]bool{
		"user.john": true, "user.john^doe.SPAM": true, "shared": true, "user.&AOQ-": true,
		"": false, "user..john": false, "user.../x": false, "user.a/b": false, "INBOX": false, "user.~x": false, "a\nb": false,
	} {
		if got := Valid(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
