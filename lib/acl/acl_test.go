package acl

import (
	"reflect"
	"slices"
	"testing"
)

func TestRights(t *testing.T) {
	for _, row := range []struct {
		in, out string
		ok      bool
	}{
		{"lrs", "lrs", true},
		{"lrswipcda", "lrswipkxtecda", true},
		{"lrswipkxtecdan", "lrswipkxtecdan", true},
		{"kl", "lk", true},
		{"te", "ted", true},
		{"", "", true},
		{"l0", "l", true},
		{"lz", "l", false},
	} {
		r, ok := Parse(row.in)
		if r.String() != row.out || ok != row.ok {
			t.Errorf("%s: %s, %v, want %s, %v", row.in, r, ok, row.out, row.ok)
		}
		if again, _ := Parse(r.String()); again != r {
			t.Errorf("%s is read as %s", r, again)
		}
	}
}

func TestListOf(t *testing.T) {
	l := ParseList("john\tlrswipkxtecda\tanyone\tlr\t-mary\tr\tgroup:staff\tp\tbroken")
	for _, row := range []struct {
		user   string
		groups []string
		want   string
	}{
		{"john", nil, "lrswipkxtecda"}, {"mary", nil, "l"}, {"bob", []string{"staff"}, "lrp"}, {"staff", nil, "lr"},
	} {
		if got := l.Of(row.user, func(group string) bool { return slices.Contains(row.groups, group) }).String(); got != row.want {
			t.Errorf("%s has %s, want %s", row.user, got, row.want)
		}
	}
}

func TestWith(t *testing.T) {
	l := ParseList("john\tlr\t")
	for _, row := range []struct {
		id     string
		rights Rights
		want   string
	}{
		{"mary", Lookup, "john\tlr\tmary\tl\t"}, {"john", Read, "john\tr\t"}, {"john", 0, ""}, {"bob", 0, "john\tlr\t"},
	} {
		if got := l.With(row.id, row.rights).String(); got != row.want {
			t.Errorf("with %s: %q, want %q", row.id, got, row.want)
		}
	}
	if !reflect.DeepEqual(l, ParseList("john\tlr\t")) {
		t.Error("With has changed its list")
	}
}

// Every set of rights comes back as it was written.
func TestWrittenRights(t *testing.T) {
	for r := Rights(0); r <= All; r++ {
		if got, ok := Parse(r.String()); got != r || !ok {
			t.Errorf("%q is read as %q", r, got)
		}
	}
}

// What was read of a list is written so that it is read the same.
func FuzzParseList(f *testing.F) {
	for _, s := range []string{"john\tlrswipcda\tanyone\tp\t", "-x\tl", "\t\t", "a\tz9\tb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list := ParseList(s)
		if again := ParseList(list.String()); !slices.Equal(again, list) {
			t.Errorf("%q is read as %v, and then as %v", s, list, again)
		}
	})
}
