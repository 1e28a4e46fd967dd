package call

import (
	"os"
	"slices"
	"syscall"
	"testing"
)

func TestEnv(t *testing.T) {
	e := Env{"A=1", "B=", "A=2", "AB=3", "=x", "junk", "C=a=b"}
	for _, c := range []struct {
		name, want string
		ok         bool
	}{
		{"A", "1", true}, {"B", "", true}, {"AB", "3", true}, {"C", "a=b", true}, {"junk", "", false}, {"", "x", true}, {"a", "", false},
	} {
		if got, ok := e.Lookup(c.name); got != c.want || ok != c.ok || e.Get(c.name) != c.want {
			t.Errorf("%q: got %q, %v", c.name, got, ok)
		}
	}
}

func TestEnvChange(t *testing.T) {
	e := Env{"A=1", "B=2", "C=3"}
	with := e.With("A", "x")
	if with.Get("A") != "x" || with.Get("B") != "2" || with.Get("C") != "3" || len(with) != 3 {
		t.Errorf("With: %q", with)
	}
	without := Env{"A=1", "B=2", "A=3"}.Without("A")
	if _, ok := without.Lookup("A"); ok || without.Get("B") != "2" || len(without) != 1 {
		t.Errorf("Without: %q", without)
	}
	if !slices.Equal(e, Env{"A=1", "B=2", "C=3"}) {
		t.Errorf("the original became %q", e)
	}
}

func TestCall(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	c := New([]string{"name", "one"}, nil, map[int]*os.File{1: w, 5: r})
	if c.Arg(0) != "name" || c.Arg(1) != "one" || c.Arg(2) != "" {
		t.Error("arguments")
	}
	if c.Out() != w || c.File(5) != r || c.In() != nil || c.Err() != nil {
		t.Error("descriptors")
	}
	if _, err := c.In().Read(make([]byte, 1)); err == nil {
		t.Error("a closed descriptor can be read")
	}
	if New(nil, nil, nil).Out() != nil {
		t.Error("a Call without files has the process's")
	}
	own := &Call{}
	fd, err := syscall.Dup(int(r.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	f := own.File(fd)
	if own.In() != os.Stdin || f == nil || own.File(fd) != f {
		t.Error("the process's own descriptors")
	}
}
