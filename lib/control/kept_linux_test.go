package control

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"
)

// settle gets until what it got is kept, which takes a moment after a change.
func settle(t *testing.T, k *Kept[string], make func() (string, error)) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, kept, err := k.Get(make); kept {
			return
		} else if err != nil || time.Now().After(end) {
			t.Fatalf("never kept: %v", err)
		}
	}
}

func TestKept(t *testing.T) {
	home(t)
	put(t, "me", "one")
	put(t, "other", "text")
	elsewhere := t.TempDir() + "/new"
	made := 0
	read := func() (string, error) {
		made++
		me, _, err := Line("me")
		return me, err
	}
	k := Kept[string]{Files: All}
	for _, c := range []struct {
		name   string
		change func() error
		want   string
	}{
		{"rewritten", func() error { return os.WriteFile(Path("me"), []byte("two"), 0o644) }, "two"},
		{"the same size again", func() error { return os.WriteFile(Path("me"), []byte("six"), 0o644) }, "six"},
		{"replaced", func() error {
			os.WriteFile(elsewhere, []byte("new"), 0o644)
			return os.Rename(elsewhere, Path("me"))
		}, "new"},
		{"removed", func() error { return os.Remove(Path("me")) }, ""},
		{"made", func() error { return os.WriteFile(Path("me"), []byte("one"), 0o644) }, "one"},
		{"by another name", func() error {
			os.Link(Path("me"), elsewhere)
			return os.WriteFile(elsewhere, []byte("two"), 0o644)
		}, "two"},
		{"a link", func() error { os.Remove(Path("me")); return os.Symlink(elsewhere, Path("me")) }, "two"},
		{"where the link leads", func() error { return os.WriteFile(elsewhere, []byte("six"), 0o644) }, "six"},
	} {
		settle(t, &k, read)
		was := made
		k.Get(read)
		if made != was {
			t.Errorf("before %s: read again without a change", c.name)
		}
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		if got, _, err := k.Get(read); got != c.want || err != nil {
			t.Errorf("%s: got %q, %v", c.name, got, err)
		}
	}
	os.Remove(elsewhere) // now the link leads nowhere, and whatever may come there does not show
	for range 3 {
		if got, kept, err := k.Get(read); got != "" || kept || err != nil {
			t.Errorf("a link that leads nowhere: %q, %v, %v", got, kept, err)
		}
	}
}

func TestErrorsAreNotKept(t *testing.T) {
	home(t)
	put(t, "me", "one")
	k := Kept[string]{Files: All}
	one := func() (string, error) { return "one", nil }
	settle(t, &k, one)
	put(t, "me", "two")
	bad := errors.New("bad")
	if _, kept, err := k.Get(func() (string, error) { return "", bad }); kept || err != bad {
		t.Errorf("%v, %v", kept, err)
	}
	if got, _, err := k.Get(one); got != "one" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestKeptNames(t *testing.T) {
	home(t)
	put(t, "me", "one")
	var k Kept[string]
	made := 0
	read := func() (string, error) { made++; return "", nil }
	settle(t, &k, read)
	was := made
	put(t, "me", "two")
	if k.Get(read); made != was {
		t.Error("contents count")
	}
	put(t, "new", "")
	if k.Get(read); made != was+1 {
		t.Error("a new name does not count")
	}
}

// Nobody gets what was so before he asked.
func TestKeptForMany(t *testing.T) {
	home(t)
	put(t, "me", "one")
	k := Kept[string]{Files: All}
	read := func() (string, error) { line, _, err := Line("me"); return line, err }
	settle(t, &k, read)
	for _, want := range []string{"two", "six", "ten"} {
		put(t, "me", want)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for range 50 {
					if got, _, err := k.Get(read); got != want || err != nil {
						t.Errorf("got %q, %v; want %q", got, err, want)
					}
				}
			})
		}
		all.Wait()
	}
}
