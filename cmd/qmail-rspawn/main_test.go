package main

import (
	"os"
	"testing"

	"goqmail/lib/spawn/spawntest"
)

func TestMain(m *testing.M) { spawntest.Main(m, main) }

func TestDelivery(t *testing.T) {
	h := spawntest.NewHome(t)
	h.Script("qmail-remote", `printf 'r%s ' "$@"; printf '\0K%s\n\0' "$(tail -n 1) in $(pwd)"`)
	s := h.Start()
	want := "Kb.example rjoe@a.example rsue@b.example message in " + h.Dir + "/queue/mess\n"
	if got := s.Deliver(3, "sue@b.example"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s.End()
}

// A qmail-remote that crashes, at whatever point, has not delivered for all we
// know.
func TestRemoteCrashes(t *testing.T) {
	h := spawntest.NewHome(t)
	s := h.Start()
	for _, script := range []string{
		`kill -9 $$`,
		`printf 'r'; kill -9 $$`,
		`printf 'rone\0Kdone\n'; kill -9 $$`,
		`printf 'rone\0Kdone\n\0'; kill -9 $$`,
		`cat >/dev/null; printf 'rone\0Kdone\n\0'; exec >&- 2>&-; kill -9 $$`,
		`printf 'rone\0Kdone\n\0'; kill -15 $$`,
		`printf 'rone\0Kdone\n\0'; kill -11 $$`,
	} {
		h.Script("qmail-remote", script)
		if got := s.Deliver(1, "a@b"); got != "Zqmail-remote crashed.\n" {
			t.Errorf("%s: %q", script, got)
		}
	}
	s.End()
}

// A qmail-remote that is missing or cannot be run does not bounce mail.
func TestNoRemote(t *testing.T) {
	h := spawntest.NewHome(t)
	s := h.Start()
	expect := func(when, want string) {
		t.Helper()
		if got := s.Deliver(1, "a@b"); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	expect("missing", "ZUnable to run qmail-remote.\n")
	h.Write("bin/qmail-remote", "#!/nonexistent/sh\n", 0o755)
	expect("without interpreter", "ZUnable to run qmail-remote.\n")
	h.Write("bin/qmail-remote", "", 0o755)
	expect("empty", "Zqmail-remote produced no output.\n")
	h.Write("bin/qmail-remote", "#!/bin/sh\n", 0o644)
	expect("not executable", "ZUnable to run qmail-remote.\n")
	if err := os.Remove(h.Dir + "/bin/qmail-remote"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(h.Dir+"/bin/qmail-remote", 0o755); err != nil {
		t.Fatal(err)
	}
	expect("a directory", "ZUnable to run qmail-remote.\n")
	s.End()
}

// What QMAILREMOTE and PATH say is taken at its word.
func TestOtherRemote(t *testing.T) {
	for _, row := range []struct{ env, want string }{
		{"QMAILREMOTE=../../other", "Kother\n"},
		{"QMAILREMOTE=/nonexistent/qmail-remote", "DUnable to run qmail-remote.\n"},
		{"QMAILREMOTE=", "DUnable to run qmail-remote.\n"},
		{"PATH=/nonexistent", "DUnable to run qmail-remote.\n"},
	} {
		h := spawntest.NewHome(t)
		h.Script("qmail-remote", `printf 'r\0Kown\n\0'`)
		h.Write("other", "#!/bin/sh\nprintf 'r\\0Kother\\n\\0'\n", 0o755)
		h.Env = append(h.Env, row.env)
		s := h.Start()
		if got := s.Deliver(1, "a@b"); got != row.want {
			t.Errorf("%s: %q, want %q", row.env, got, row.want)
		}
		s.End()
	}
}

func TestCrash(t *testing.T) {
	h := spawntest.NewHome(t)
	h.Script("qmail-remote", `echo done >`+h.Dir+`/done/${3%@*}; printf 'r\0Kok\n\0'`)
	h.Crash()
}

// The notes on hosts that timed out are cleared at the start.
func TestForgives(t *testing.T) {
	h := spawntest.NewHome(t)
	h.Write("queue/lock/tcpto", "\x0a\x00\x00\x01\x02", 0o644)
	h.Start().End()
	got, err := os.ReadFile(h.Dir + "/queue/lock/tcpto")
	if err != nil || string(got) != string(make([]byte, 1024)) {
		t.Errorf("%q, %v", got, err)
	}
}
