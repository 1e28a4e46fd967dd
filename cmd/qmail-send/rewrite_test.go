package main

import "testing"

func TestPerRecipient(t *testing.T) {
	for _, c := range []struct{ sender, recipient, want string }{
		{"joe@a.example", "sue@b.example", "joe@a.example"},
		{"", "sue@b.example", ""},
		{"list-@host-@[]", "sue@b.example", "list-sue=b.example@host"},
		{"list-@host-@[]", "a@b@c", "list-a@b=c@host"},
		{"a@list-@host-@[]", "sue@b", "a@list-sue=b@host"},
		{"@-@[]", "sue@b", "sue=b@"},
		{"list-@host-@[]", "sue", "list-@host-@[]"},
		{"list-@[]", "sue@b", "list-@[]"}, // no @ before the end
		{"-@[]", "sue@b", "-@[]"},
		{"#@[]", "sue@b", "#@[]"},
	} {
		if got := perRecipient(c.sender, c.recipient); got != c.want {
			t.Errorf("perRecipient(%q, %q): got %q, want %q", c.sender, c.recipient, got, c.want)
		}
	}
}
