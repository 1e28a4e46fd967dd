package mailstore

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestCyrusSubscriptions(t *testing.T) {
	for _, row := range []struct {
		name, text string
		want       []string
	}{
		{"2.2", "user.john\t\nuser.john.SPAM\t\ncomp.lang\t\n", []string{"user.john", "user.john.SPAM", "comp.lang"}},
		{"3.6", "\x1fVER\x1f\t2\nNINBOX\t\nNINBOX\x1fSPAM.old\t\nNuser\x1fmary\x1fx\t\nNINBOXES\t\n", []string{"user.john", "user.john.SPAM^old", "user.mary.x", "INBOXES"}},
		{"damaged", "user.john\n\t\nuser..x\t\n../x\t\nuser.\x01\t\nuser.mary\t\nuser.jo", []string{"user.mary"}},
		{"empty", "", nil},
	} {
		if got := cyrusSubscriptions(row.text, "user.john"); !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

// Who comes from Cyrus keeps his subscriptions, and from then on they are his own affair.
func TestReconstructTakesSubscriptions(t *testing.T) {
	const id = "6924g6syc3mhipj6rmuldzwp"
	for place, text := range map[string]string{
		"/user/j/john^doe.sub":                "user.john^doe\t\nuser.john^doe.SPAM\t\n",
		"/user/j/john.doe.sub":                "user.john^doe\t\nuser.john^doe.SPAM\t\n",
		"/user/" + byID(id) + "/sub.db":       "\x1fVER\x1f\t2\nNINBOX\t\nNINBOX\x1fSPAM\t\n",
		"/user/j/john.doe.sub of nobody else": "",
	} {
		s := newStore(t)
		path := s.layout.ConfigDir + place
		os.MkdirAll(path[:strings.LastIndexByte(path, '/')], 0o700)
		write(t, path, text)
		if err := s.Restore(Entry{Name: "user.john^doe", ID: id}); err != nil {
			t.Fatal(err)
		}
		rebuild(t, s, "user.john^doe")
		want := []string{"user.john^doe", "user.john^doe.SPAM"}
		if text == "" {
			want = nil
		}
		if got, err := s.Subscriptions("john.doe"); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", place, got, err)
		}
		for _, name := range want {
			s.Subscribe("john.doe", name, false)
		}
		rebuild(t, s, "user.john^doe")
		if got, err := s.Subscriptions("john.doe"); err != nil || len(got) > 0 {
			t.Errorf("%s: again %q, %v", place, got, err)
		}
	}
}

func FuzzCyrusSubscriptions(f *testing.F) {
	f.Add("user.john\t\n")
	f.Add("\x1fVER\x1f\t2\nNINBOX\x1fa.b\t\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range cyrusSubscriptions(text, "user.john") {
			if name == "" || strings.Contains(name, "..") || strings.ContainsAny(name, "/\x1f\n\t") {
				t.Errorf("%q has %q", text, name)
			}
		}
	})
}
