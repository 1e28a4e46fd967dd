package mboxname

import (
	"strings"
	"testing"
)

var (
	netnews = Space{User: "john", Separator: '.'}
	unix    = Space{User: "john.doe", Separator: '/'}
	alt     = Space{User: "john", Separator: '/', Alt: true, Users: "Other Users", Shared: "Shared Folders"}
)

func TestNames(t *testing.T) {
	for _, row := range []struct {
		space              Space
		external, internal string
	}{
		{netnews, "INBOX", "user.john"},
		{netnews, "INBOX.SPAM.a b", "user.john.SPAM.a b"},
		{netnews, "user.mary.x", "user.mary.x"},
		{netnews, "comp.lang", "comp.lang"},
		{unix, "INBOX", "user.john^doe"},
		{unix, "INBOX/a.b/c", "user.john^doe.a^b.c"},
		{unix, "user/mary", "user.mary"},
		{alt, "INBOX", "user.john"},
		{alt, "SPAM/a.b", "user.john.SPAM.a^b"},
		{alt, "Other Users/mary/x", "user.mary.x"},
		{alt, "Shared Folders/comp", "comp"},
		{alt, "user/mary", "user.john.user.mary"},
	} {
		if got, err := row.space.Internal(row.external); err != nil || got != row.internal {
			t.Errorf("%s is %s in the store, %v, want %s", row.external, got, err, row.internal)
		}
		if got := row.space.External(row.internal); got != row.external {
			t.Errorf("%s is %s to the user, want %s", row.internal, got, row.external)
		}
	}
	if got, _ := netnews.Internal("inbox.x"); got != "user.john.x" {
		t.Errorf("inbox.x is %s", got)
	}
	if got, _ := netnews.Internal("user.john"); got != "user.john" {
		t.Errorf("user.john is %s", got)
	}
}

func TestInvalid(t *testing.T) {
	for _, name := range []string{"", ".a", "a..b", "a.", "a/b", "a%", "a*", "\x01", "ä", "~root", "a^b", strings.Repeat("x", 256), strings.Repeat("x.", 250) + "x"} {
		if got, err := netnews.Internal(name); err == nil {
			t.Errorf("%q is %q", name, got)
		}
	}
	for _, name := range []string{"../x", "a/../b", "a//b", "Other Users", "./a", "INBOX/a", "inbox/a/b"} {
		if got, err := alt.Internal(name); err == nil {
			t.Errorf("%q is %q", name, got)
		}
	}
}

// No name leaves the spool, and what is accepted comes back.
func FuzzInternal(f *testing.F) {
	for _, s := range []string{"INBOX", "a/b", "../../etc", "user.x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, space := range []Space{netnews, unix, alt} {
			got, err := space.Internal(name)
			if err != nil {
				continue
			}
			if strings.Contains(got, "/") || strings.Contains(got, "..") || strings.HasPrefix(got, ".") || strings.HasSuffix(got, ".") {
				t.Errorf("%q is %q", name, got)
			}
			if again, err := space.Internal(space.External(got)); err != nil || again != got {
				t.Errorf("%q is %q, which comes back as %q, %v", name, got, again, err)
			}
		}
	})
}
