package rcpthosts

import (
	"os"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/cdb"
)

func open(t *testing.T, rcpthosts string, more ...string) *Hosts {
	auto.Home = t.TempDir()
	if err := os.Mkdir(auto.Home+"/control", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(auto.Home+"/control/rcpthosts", []byte(rcpthosts), 0o644); err != nil {
		t.Fatal(err)
	}
	if more != nil {
		f, err := os.Create(auto.Home + "/control/morercpthosts.cdb")
		if err != nil {
			t.Fatal(err)
		}
		w, err := cdb.NewWriter(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range more {
			w.Add(host, "")
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	h, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func TestAllow(t *testing.T) {
	h := open(t, "# ours\nA.example  \n.b.example\n", "c.example", ".d.example")
	for address, want := range map[string]bool{
		"x@a.example":       true,
		"x@A.EXAMPLE":       true,
		"x@sub.a.example":   false,
		"x@b.example":       false,
		"x@s.b.example":     true,
		"x@s.s.B.example":   true,
		"x@.b.example":      true,
		"x@c.example":       true,
		"x@C.Example":       true,
		"x@s.c.example":     false,
		"x@s.d.example":     true,
		"x@d.example":       false,
		"x@no.example":      false,
		"x@no@a.example":    true,
		"x@a.example@no":    false,
		"x@":                false,
		"x":                 true,
		"":                  true,
		"x@a.example.":      false,
		"x@# ours":          false,
		"x%no@a.example":    true,
		"x@[192.0.2.1]":     false,
		"x@s.b.example.com": false,
	} {
		if got, err := h.Allow(address); got != want || err != nil {
			t.Errorf("%s: got %v, %v", address, got, err)
		}
	}
}

func TestFiles(t *testing.T) {
	if ok, err := open(t, "").Allow("x@a.example"); ok || err != nil {
		t.Errorf("an empty file: got %v, %v", ok, err)
	}
	open(t, "a.example")
	if err := os.WriteFile(auto.Home+"/control/morercpthosts.cdb", []byte("no database"), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if ok, err := h.Allow("x@a.example"); !ok || err != nil {
		t.Errorf("listed in the text: got %v, %v", ok, err)
	}
	if ok, err := h.Allow("x@b.example"); ok || err == nil {
		t.Errorf("a broken database: got %v, %v", ok, err)
	}
	if err := os.Remove(auto.Home + "/control/rcpthosts"); err != nil {
		t.Fatal(err)
	}
	all, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	if ok, err := all.Allow("x@b.example"); !ok || err != nil {
		t.Errorf("no file: got %v, %v", ok, err)
	}
}
