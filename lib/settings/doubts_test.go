package settings

import (
	"slices"
	"testing"
)

func TestDoubtsAboutRules(t *testing.T) {
	for _, name := range []string{"scanskip", "spamskip"} {
		got := Doubts(name, []string{"relayclient", "form:a@b.example", "ip:192.0.2.", "ip"}, nil)
		if want := []string{"no such rule: form:a@b.example", "no such rule: ip"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
