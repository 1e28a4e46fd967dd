//go:build linux

package main

import (
	"os/exec"
	"strings"
	"testing"

	"goqmail/lib/warm"
)

// A qmail-local that stays is its user's process. Whatever that does on its
// socket hurts nobody else's deliveries, and not qmail-lspawn.
func TestHostileWorker(t *testing.T) {
	h := newHome(t)
	// Everybody is a user of his own.
	h.Script("qmail-getpw", `n=$(echo "$1" | cksum); n=$((30000 + ${n%% *} % 1000)); printf "u\000$n\000$n\000/h\000-\000%s\000" "$1"`)
	worker := h.Dir + "/bin/qmail-local"
	if out, err := exec.Command("go", "build", "-o", worker, "./testdata/hostile").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := warm.Mark(worker); err != nil {
		t.Fatal(err)
	}
	const crashed = "Zqmail-local crashed.\n"
	s := h.Start("./Mailbox")
	if got := s.Deliver(1, "good@b"); got != "K" { // from now on it is known to stay
		t.Errorf("got %q", got)
	}
	for name, want := range map[string]string{
		"garbage": crashed,
		"long":    crashed,
		"empty":   crashed,
		"others":  "K",
		"twice":   "K",
		"enough":  "K",
		"odd":     "", // it can say what it likes of its own
		"rights":  "K",
		"endless": "K",
		"deaf":    "K",
		"die":     crashed,
	} {
		for round := range 2 {
			if got := s.Deliver(1, name+"-@b"); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %.99q, want %q", name, got, want)
			}
			if got := s.Deliver(2, "good@b"); got != "K" {
				t.Errorf("after %s, round %d: %q for somebody else", name, round, got)
			}
		}
	}
	// One that closes its socket and stays is killed after a while, and keeps nobody
	// waiting until then.
	s.Request(1, "away-@b")
	s.Request(2, "good@b")
	got := map[int]string{}
	for range 2 {
		r, _ := s.Next()
		got[r.Num] = r.Text
	}
	if got[1] != crashed || got[2] != "K" {
		t.Errorf("got %v", got)
	}
	s.End()
}
