package cdblist

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/cdb"
)

// testdata/morercpthosts.cdb is what qmail's own qmail-newmrh made of
// testdata/morercpthosts.
func TestGolden(t *testing.T) {
	hosts, err := os.Open("testdata/morercpthosts")
	if err != nil {
		t.Fatal(err)
	}
	defer hosts.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "cdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := compile("control/morercpthosts", "", hosts, file); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(file.Name())
	want, _ := os.ReadFile("testdata/morercpthosts.cdb")
	if !bytes.Equal(got, want) || len(want) == 0 {
		t.Errorf("%d bytes, not the %d of the golden file", len(got), len(want))
	}
}

// home makes a home directory with a file in it.
func home(t *testing.T, name, text string) {
	t.Helper()
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	t.Chdir(auto.Home) // and back
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMake(t *testing.T) {
	home(t, "users/recipients", "# ours\nJoe@Here.example \n\nlist-@here.example\t\n#x\n a@b")
	if err := Make("users/recipients", ":"); err != nil {
		t.Fatal(err)
	}
	db, err := os.Open("users/recipients.cdb")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for key, want := range map[string]bool{
		":joe@here.example": true, ":list-@here.example": true, ": a@b": true,
		"joe@here.example": false, ":": false, ":#x": false, ":Joe@Here.example": false,
	} {
		if got, err := cdb.Has(db, key); got != want || err != nil {
			t.Errorf("%q: %v, %v", key, got, err)
		}
	}
	if _, err := os.Stat("users/recipients.tmp"); err == nil {
		t.Error("the temporary file is still there")
	}
	if st, err := os.Stat("users/recipients.cdb"); err != nil || st.Mode() != 0o644 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

func TestMakeFails(t *testing.T) {
	home(t, "control/x.cdb", "old")
	if err := Make("control/x", ""); err == nil || err.Error() != "unable to read control/x: file does not exist" {
		t.Errorf("got %v", err)
	}
	os.WriteFile("control/x", nil, 0o644)
	os.Mkdir("control/x.tmp", 0o755)
	if err := Make("control/x", ""); err == nil || err.Error() != "unable to write to control/x.tmp: is a directory" {
		t.Errorf("got %v", err)
	}
	if b, _ := os.ReadFile("control/x.cdb"); string(b) != "old" {
		t.Error("the old file is gone")
	}
}
