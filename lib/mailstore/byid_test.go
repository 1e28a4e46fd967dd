package mailstore

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// A partition that Cyrus has laid out by ids becomes one by names, wherever a crash has
// stopped that before.
func TestReconstructByID(t *testing.T) {
	const size = uint32(len(text))
	for _, crash := range []string{"", "in the middle", "between two names of a file"} {
		t.Run(crash, func(t *testing.T) {
			s := newStore(t)
			base := s.layout.Partitions["default"]
			for id, name := range map[string]string{"6924g6syc3mhipj6rmuldzwp": "user.john", "tksde9p2ni7on25vo5fnm813": "user.john.SPAM"} {
				dir := base + "/" + byID(id)
				os.MkdirAll(dir, 0o700)
				write(t, dir+"/cyrus.header", cyrusMagic+"%(T e N "+name+" I "+id+" Q user.john A %(john lrswipkxtecdan))\n")
				write(t, dir+"/cyrus.index", cyrusIndex(17, 160, 112, cyrusRecord{uid: 2, size: size, date: 1064000002, system: 1 << 1}, cyrusRecord{uid: 7, size: size}))
				write(t, dir+"/2.", text)
				write(t, dir+"/7.", text)
			}
			deleted := base + "/uuid/a/a/aa"
			os.MkdirAll(deleted, 0o700)
			write(t, deleted+"/cyrus.header", cyrusMagic+"%(T e N DELETED.user.mary.5F1 I aa Q user.mary A %(mary lr))\n")
			found, err := s.Discover("default", "")
			if err != nil {
				t.Fatal(err)
			}
			want := []Entry{
				{Name: "user.john", Partition: "default", ACL: "john\tlrswipkxtecdan\t", ID: "6924g6syc3mhipj6rmuldzwp"},
				{Name: "user.john.SPAM", Partition: "default", ACL: "john\tlrswipkxtecdan\t", ID: "tksde9p2ni7on25vo5fnm813"},
			}
			if !slices.Equal(found, want) {
				t.Fatalf("found %+v", found)
			}
			for _, e := range found {
				if err := s.Restore(e); err != nil {
					t.Fatal(err)
				}
			}
			old, new := base+"/"+byID(found[0].ID), base+"/user/john"
			if crash != "" {
				os.MkdirAll(new, 0o700)
				os.Link(old+"/2.", new+"/2.")
			}
			if crash == "in the middle" {
				os.Remove(old + "/2.")
			}
			for _, name := range []string{"user.john.SPAM", "user.john"} {
				if r := rebuild(t, s, name); r != (Rebuilt{Added: 2}) {
					t.Errorf("%s: did %+v", name, r)
				}
				v := view(t, open(t, s, name))
				if got := described(v); !slices.Equal(got, []string{`2[\Flagged]`, "7[]"}) || v.UIDValidity != 1064000000 {
					t.Errorf("%s: %q, UIDVALIDITY %d", name, got, v.UIDValidity)
				}
			}
			if exists(old) || exists(deleted+"/2.") || !exists(deleted) {
				t.Error("what was left is wrong")
			}
			if found, err := s.Discover("default", "user.john"); err != nil || len(found) != 0 {
				t.Errorf("still found %v, %v", found, err)
			}
		})
	}
}

// What is there already is not written over.
func TestTakenName(t *testing.T) {
	s := newStore(t)
	base := s.layout.Partitions["default"]
	const id = "6924g6syc3mhipj6rmuldzwp"
	for _, dir := range []string{base + "/" + byID(id), base + "/user/john"} {
		os.MkdirAll(dir, 0o700)
		write(t, dir+"/1.", "A: "+dir+"\r\n\r\n")
	}
	if err := s.Restore(Entry{Name: "user.john", ID: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reconstruct("user.john", Rebuild{}); err == nil || !strings.HasPrefix(err.Error(), "1 files of ") {
		t.Errorf("got %v", err)
	}
	for _, dir := range []string{base + "/" + byID(id), base + "/user/john"} {
		if b, err := os.ReadFile(dir + "/1."); err != nil || string(b) != "A: "+dir+"\r\n\r\n" {
			t.Errorf("%s: %q, %v", dir, b, err)
		}
	}
}

func TestByID(t *testing.T) {
	for id, want := range map[string]string{
		"6924g6": "uuid/6/9/6924g6", "5ab0f2c0-1b7a": "uuid/5/a/5ab0f2c0-1b7a", "": "", "a": "", "../../x": "", "a.b": "", "aä": "", "a/b": "",
	} {
		if got := byID(id); got != want {
			t.Errorf("%q: %q", id, got)
		}
	}
}

func TestCyrusName(t *testing.T) {
	for there, want := range map[string]string{
		"user.john.SPAM": "user.john.SPAM", "comp.lang": "comp.lang", "virt.example!user.john": "user.john@virt^example",
		"virt.example!user.john^d.A.B": "user.john^d@virt^example.A.B", "virt.example!comp.lang": "", "!user.x": "", "a!user.": "", "a!": "",
	} {
		if got, ok := CyrusName(there); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %s, %v", there, got, ok)
		}
	}
}
