package mailstore

import (
	"errors"
	"slices"
	"testing"
)

func TestUserGoesAndGetsAnotherName(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"user.john", "user.john.a", "user.johnny", "comp"} {
		if err := s.Subscribe("john", name, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Annotate("comp", Annotation{"/comment", "john", []byte("his")}, Annotation{"/comment", "", []byte("all")}); err != nil {
		t.Fatal(err)
	}
	if err := s.RenameUser("john", "user.john", "ann", "user.ann"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Subscriptions("ann"); err != nil || !slices.Equal(got, []string{"comp", "user.ann", "user.ann.a", "user.johnny"}) {
		t.Errorf("ann is subscribed to %q, %v", got, err)
	}
	if got, err := s.Annotations("comp", "ann"); err != nil || len(got) != 2 {
		t.Errorf("ann sees %+v, %v", got, err)
	}
	if err := s.RemoveUser("ann"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Subscriptions("ann"); err != nil || len(got) > 0 {
		t.Errorf("ann is still subscribed to %q, %v", got, err)
	}
	if got, err := s.Annotations("comp", "ann"); err != nil || len(got) != 1 || got[0].User != "" {
		t.Errorf("ann still sees %+v, %v", got, err)
	}
}

func TestGranting(t *testing.T) {
	s := newStore(t)
	for name, acl := range map[string]string{
		"a": "john\tlr\t", "b": "anyone\tl\t", "c": "john2\tlr\t", "d": "mary\tlr\tjohn\tl\t", "e": "-john\tl\t", "f": "mary\tjohn\t",
	} {
		if err := s.Create(Entry{Name: name, ACL: acl}); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := s.Granting("john", "anyone")
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	// f names him where rights stand: too many are better than too few.
	if err != nil || !slices.Equal(names, []string{"a", "b", "d", "f"}) {
		t.Errorf("%q, %v", names, err)
	}
}

func TestEdit(t *testing.T) {
	s := newStore(t)
	create(t, s, "user.john")
	refused := errors.New("refused")
	for _, want := range []error{nil, refused} {
		err := s.Edit("user.john", func(e *Entry) error {
			e.ACL, e.Use = e.ACL+"mary\tl\t", `\Junk`
			return want
		})
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if e, err := s.Lookup("user.john"); err != nil || e.ACL != "john\tlrswipkxtecda\tmary\tl\t" || e.Use != `\Junk` {
		t.Errorf("%+v, %v", e, err)
	}
	if err := s.Edit("user.mary", func(*Entry) error { return nil }); !errors.Is(err, ErrNoMailbox) {
		t.Errorf("%v", err)
	}
}
