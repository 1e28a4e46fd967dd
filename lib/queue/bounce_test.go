package queue

import (
	"strings"
	"testing"
)

func TestBounceText(t *testing.T) {
	for _, c := range []struct{ recipient, report, want string }{
		{"sue@b.example", "Sorry.\n", "<sue@b.example>:\nSorry.\n\n"},
		{"sue@b.example", "Sorry.", "<sue@b.example>:\nSorry.\n\n"},
		{"sue@b.example", "", "<sue@b.example>:\n\n"},
		{"", "x", "<>:\nx\n\n"},
		{"a\nb@c", "x\n", "<a_b@c>:\nx\n\n"},
		{"a@b", "one\n\ntwo\n", "<a@b>:\none\n/two\n\n"},
		{"a@b", "one\n\n\n", "<a@b>:\none\n/\n\n"},
		{"a@b", "\n", "<a@b>:\n\n\n"},
		{"a@b", "\none", "<a@b>:\n/one\n\n"},
	} {
		if got := string(BounceText(c.recipient, c.report)); got != c.want {
			t.Errorf("BounceText(%q, %q): got %q, want %q", c.recipient, c.report, got, c.want)
		}
	}
}

// FuzzBounceText: whatever a report says, a text is one paragraph that starts
// with the recipient and ends in empty lines, so that programs can take
// bounces apart.
func FuzzBounceText(f *testing.F) {
	f.Add("sue@b.example", "Sorry.\n")
	f.Add("a\n\nb", "\n\n\nx\n\n")
	f.Fuzz(func(t *testing.T, recipient, report string) {
		text := string(BounceText(recipient, report))
		first, rest, ok := strings.Cut(text, ">:\n")
		if !ok || !strings.HasPrefix(first, "<") || strings.Contains(first, "\n") {
			t.Fatalf("%q does not start with the recipient", text)
		}
		if !strings.HasSuffix(text, "\n\n") || strings.Contains(strings.TrimRight(rest, "\n"), "\n\n") {
			t.Fatalf("%q has an empty line in it", text)
		}
	})
}
