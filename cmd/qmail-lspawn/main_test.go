package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"goqmail/lib/spawn/spawntest"
	"goqmail/lib/users"
)

func TestMain(m *testing.M) { spawntest.Main(m, main) }

// nobody is the uid and gid of deliveries in these tests.
const nobody = 65534

// newHome makes a home in which all addresses are nobody's.
func newHome(t *testing.T) *spawntest.Home {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("qmail-lspawn needs root to become somebody else")
	}
	h := spawntest.NewHome(t)
	h.Script("qmail-getpw", fmt.Sprintf(`printf 'u\000%d\000%d\000/h\000-\000%%s\000' "$1"`, nobody, nobody))
	return h
}

// assign writes users/cdb.
func assign(t *testing.T, h *spawntest.Home, lines ...string) {
	t.Helper()
	file, err := os.Create(h.Dir + "/users/cdb")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table, err := users.NewTable(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if err := table.Add(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDelivery(t *testing.T) {
	h := newHome(t)
	h.Script("qmail-local", `printf '%s|' "$@"; echo "$(tail -n 1) $(pwd) $(id -u) $(id -g) $(id -G)"`)
	s := h.Start("./Mailbox")
	ids := fmt.Sprintf("%d %d %d\n", nobody, nobody, nobody)
	expect := func(recipient, want string) {
		t.Helper()
		if got := s.Deliver(3, recipient); got != want {
			t.Errorf("%s: %q, want %q", recipient, got, want)
		}
	}
	expect("John-x@b.example", "K--|u|/h|John-x|-|John-x|b.example|joe@a.example|./Mailbox|message "+h.Dir+" "+ids)
	expect("@b.example", "K")

	assign(t, h, "+j:j:65533:65532:/home/j:-:pre-:\n", "=root:root:0:0:/root:::\n")
	expect("John@b@c", "K--|j|/home/j|John@b|-|pre-ohn@b|c|joe@a.example|./Mailbox|message "+h.Dir+" 65533 65532 65532\n")
	expect("ann@c", "K--|u|/h|ann|-|ann|c|joe@a.example|./Mailbox|message "+h.Dir+" "+ids)
	expect("root@c", "ZNot allowed to perform deliveries as root.\n")
	h.Write("users/cdb", "x", 0o644)
	expect("John@c", "ZTrouble reading users/cdb in qmail-lspawn.\n")
	s.End()
}

func TestGetpw(t *testing.T) {
	h := newHome(t)
	h.Script("qmail-local", "exit 0")
	s := h.Start("./Mailbox")
	for script, want := range map[string]string{
		`kill -9 $$`: "ZTemporary failure in qmail-lspawn.\n",
		`printf 'u\000'; printf '%d\000%d\000/h\000-\000e\000' 65534 65534; kill -9 $$`: "ZTemporary failure in qmail-lspawn.\n",
		`exit 118`:            "ZTemporary failure in qmail-lspawn.\n",
		`exit 116`:            "ZUnable to find alias user!\n",
		`exit 115`:            "ZNFS failure in qmail-local.\n",
		`exit 111`:            "Z",
		`exit 0`:              "ZInternal qmail-lspawn bug.\n",
		`printf 'u\0001\000'`: "ZInternal qmail-lspawn bug.\n",
	} {
		h.Script("qmail-getpw", script)
		if got := s.Deliver(1, "a@b"); got != want {
			t.Errorf("%s: %q, want %q", script, got, want)
		}
	}
	if err := os.Remove(h.Dir + "/bin/qmail-getpw"); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Deliver(1, "a@b"), "ZUnable to run qmail-getpw.\n"; got != want {
		t.Errorf("without qmail-getpw: %q, want %q", got, want)
	}
	s.End()
}

// A qmail-local that crashes, at whatever point, has not delivered for all we
// know.
func TestLocalCrashes(t *testing.T) {
	h := newHome(t)
	s := h.Start("./Mailbox")
	for _, script := range []string{
		`kill -9 $$`,
		`cat >/dev/null; kill -9 $$`,
		`echo did 1+0+0; kill -9 $$`,
		`echo did 1+0+0; exec >&- 2>&-; kill -9 $$`,
		`kill -15 $$`,
		`kill -11 $$`,
	} {
		h.Script("qmail-local", script)
		if got := s.Deliver(1, "a@b"); got != "Zqmail-local crashed.\n" {
			t.Errorf("%s: %q", script, got)
		}
	}
	s.End()
}

// A qmail-local that is missing or cannot be run does not bounce mail.
func TestNoLocal(t *testing.T) {
	h := newHome(t)
	s := h.Start("./Mailbox")
	const want = "ZUnable to run qmail-local.\n"
	expect := func(when string) {
		t.Helper()
		if got := s.Deliver(1, "a@b"); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	expect("missing")
	h.Write("bin/qmail-local", "#!/nonexistent/sh\n", 0o755)
	expect("without interpreter")
	h.Write("bin/qmail-local", "", 0o755)
	expect("empty")
	h.Write("bin/qmail-local", "#!/bin/sh\n", 0o644)
	expect("not executable")
	h.Write("bin/qmail-local", "#!/bin/sh\n", 0o700) // root's only
	expect("not for users")
	s.End()
}

func TestOtherLocal(t *testing.T) {
	h := newHome(t)
	h.Script("qmail-local", "echo own")
	h.Script("other", "echo other $2")
	h.Env = append(h.Env, "QMAILLOCAL=bin/other")
	s := h.Start("./Mailbox")
	if got := s.Deliver(1, "a@b"); got != "Kother u\n" {
		t.Errorf("%q", got)
	}
	s.End()
}

func TestLongReport(t *testing.T) {
	h := newHome(t)
	h.Script("qmail-local", "head -c 100000 /dev/zero | tr '\\0' x; exit 100")
	s := h.Start("./Mailbox")
	got := s.Deliver(1, "a@b")
	if len(got) > 1+reportMax || !strings.Contains(got, "xxx\nError report too long, sorry.\n") {
		t.Errorf("%d bytes, ...%q", len(got), got[max(0, len(got)-50):])
	}
	s.End()
}

func TestCrash(t *testing.T) {
	h := newHome(t)
	h.Script("qmail-local", `echo done >`+h.Dir+`/done/$4; echo did 1+0+0`)
	h.Crash("./Mailbox")
}
