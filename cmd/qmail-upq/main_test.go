package main

import (
	"os"
	"path/filepath"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/queue"
)

func TestMove(t *testing.T) {
	auto.Home = t.TempDir()
	write := func(name string) {
		path := queue.Name(name).Path()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	layout := queue.Unsplit()
	for _, name := range []string{"mess/105", "mess/7/6", "mess/core", "info/105", "local/00/7", "remote/105"} {
		write(name)
	}
	for n := queue.Num(0); n < 23; n++ {
		for _, name := range []queue.Name{layout.Mess(n), layout.Info(n), layout.Local(n), layout.Remote(n)} {
			os.MkdirAll(name.Dir().Path(), 0o755)
		}
	}
	for range 2 { // it may run again
		if code := run(call.New([]string{"qmail-upq"}, nil, nil)); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	for place, from := range map[queue.Name]string{
		layout.Mess(105): "mess/105", layout.Mess(6): "mess/7/6", "mess/core": "mess/core",
		layout.Info(105): "info/105", layout.Local(7): "local/00/7", layout.Remote(105): "remote/105",
	} {
		if got, err := os.ReadFile(place.Path()); string(got) != from {
			t.Errorf("%s: got %q, %v", place, got, err)
		}
	}
}

// Of two files for one place, none is lost.
func TestTrouble(t *testing.T) {
	auto.Home = t.TempDir()
	layout := queue.Unsplit()
	os.MkdirAll(layout.Mess(5).Dir().Path(), 0o755)
	os.WriteFile(layout.Mess(5).Path(), []byte("there"), 0o644)
	if err := os.Mkdir(queue.Name("mess/x").Path(), 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(queue.Name("mess/x/5").Path(), []byte("other"), 0o644)
	if code := run(call.New([]string{"qmail-upq"}, nil, nil)); code != 111 {
		t.Errorf("exit code %d", code)
	}
	got, _ := os.ReadFile(layout.Mess(5).Path())
	other, _ := os.ReadFile(queue.Name("mess/x/5").Path())
	if string(got) != "there" || string(other) != "other" {
		t.Errorf("got %q, %q", got, other)
	}
}
