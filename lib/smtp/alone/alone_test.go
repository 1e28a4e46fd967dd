package alone

import (
	"os"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/control"
)

func TestSession(t *testing.T) {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	if err := os.Mkdir(control.Path(""), 0o755); err != nil {
		t.Fatal(err)
	}
	var k Knower
	check := func(name string, args []string, env call.Env, want bool) {
		t.Helper()
		for range 2 {
			if k.Session(args, env) != want {
				t.Errorf("%s: not %v", name, want)
			}
		}
	}
	plain := []string{"qmail-smtpd"}
	check("nothing", plain, nil, true)
	check("a checker", []string{"qmail-smtpd", "checkpassword"}, nil, false)
	check("a variable", plain, call.Env{"QMAILQUEUE="}, false)
	for _, name := range files {
		if err := os.Symlink("nowhere", control.Path(name)); err != nil {
			t.Fatal(err)
		}
		check(name, plain, nil, false)
		os.Remove(control.Path(name))
		check("no "+name, plain, nil, true)
	}
}
