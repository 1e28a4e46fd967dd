package condition

import (
	"os"
	"path/filepath"
	"testing"

	"goqmail/lib/call"
)

func TestHolds(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"yes": 0o755, "closed": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("exit 0\n"), mode); err != nil { // no #!: sh runs it
			t.Fatal(err)
		}
	}
	env := call.Env{"PATH=" + dir + ":" + os.Getenv("PATH")}
	for _, c := range []struct {
		program []string
		yes     bool
		problem string
	}{
		{[]string{"sh", "-c", "exit 0"}, true, ""},
		{[]string{"yes"}, true, ""},
		{[]string{"sh", "-c", "exit 1"}, false, ""},
		{[]string{"sh", "-c", "exit 99"}, false, ""},
		{[]string{"sh", "-c", "exit 100"}, false, ""},
		{[]string{"sh", "-c", "exit 111"}, false, "temporary child error"},
		{[]string{"sh", "-c", "kill -9 $$"}, false, "child crashed"},
		{[]string{"no-such-program"}, false, ""}, // can never be run: no
		{[]string{""}, false, ""},
		{[]string{"closed"}, false, ""},
		{[]string{dir}, false, ""},
	} {
		yes, err := Holds(call.New(nil, env, nil), c.program)
		problem := ""
		if err != nil {
			problem = err.Error()
		}
		if yes != c.yes || problem != c.problem {
			t.Errorf("%q: %v, %q; want %v, %q", c.program, yes, problem, c.yes, c.problem)
		}
	}
}
