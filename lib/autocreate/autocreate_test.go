package autocreate

import (
	"errors"
	"slices"
	"testing"

	"goqmail/lib/imapconf"
	"goqmail/lib/mailstore"
	"goqmail/lib/mboxname"
)

func newStore(t *testing.T) *mailstore.Store {
	t.Helper()
	dir := t.TempDir()
	s, err := mailstore.Open(mailstore.Layout{ConfigDir: dir + "/c", Partitions: map[string]string{"default": dir + "/s"}, DefaultPartition: "default"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestUser(t *testing.T) {
	s := newStore(t)
	conf := imapconf.Conf{"autocreate_quota": "5000", "autocreate_inbox_folders": "Sent | Drafts|a..b", "autocreate_subscribe_folders": "Sent|Nowhere"}
	space := mboxname.Space{User: "mary", Separator: '.'}
	for range 2 { // the second time there is nothing to do
		if err := User(s, conf, space); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	entries, _ := s.Below("user.mary")
	for _, e := range entries {
		names = append(names, e.Name)
		if e.ACL != "mary\tlrswipkxtecdan\t" {
			t.Errorf("%s has ACL %q", e.Name, e.ACL)
		}
	}
	if !slices.Equal(names, []string{"user.mary", "user.mary.Drafts", "user.mary.Sent"}) {
		t.Errorf("made %q", names)
	}
	if q, ok, _ := s.QuotaRoot("user.mary.Sent"); !ok || q.Root != "user.mary" || q.Limit != 5000 {
		t.Errorf("quota %+v", q)
	}
	if got, _ := s.Subscriptions("mary"); !slices.Equal(got, []string{"user.mary", "user.mary.Sent"}) {
		t.Errorf("subscribed to %q", got)
	}
}

func TestOffUnlessAskedFor(t *testing.T) {
	s := newStore(t)
	space := mboxname.Space{User: "mary", Separator: '.'}
	for _, conf := range []imapconf.Conf{{}, {"autocreate_quota": "-1"}} {
		if err := User(s, conf, space); !errors.Is(err, mailstore.ErrNoMailbox) {
			t.Errorf("%v: %v", conf, err)
		}
	}
	if err := User(s, imapconf.Conf{"autocreatequota": "0"}, space); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := s.QuotaRoot("user.mary"); ok {
		t.Error("0 is a quota")
	}
}

func TestNobodyIsCalledAnyone(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"anyone", "anonymous", "-mary", "group:staff"} {
		if err := User(s, imapconf.Conf{"autocreate_quota": "0"}, mboxname.Space{User: name, Separator: '.'}); !errors.Is(err, mailstore.ErrNoMailbox) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
