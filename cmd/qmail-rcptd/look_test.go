package main

import (
	"fmt"
	"os"
	"os/user"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/owner"
	"goqmail/lib/rcptd"
	"goqmail/lib/spawn"
	"goqmail/lib/spawn/spawntest"
	"goqmail/lib/users"
)

// nobody is the uid and gid of users in these tests.
const nobody = 65534

// newMailboxes looks in a home in which the tests put qmail-getpw and
// qmail-local.
func newMailboxes(t *testing.T) (*mailboxes, *spawntest.Home) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("qmail-rcptd needs root to become somebody else")
	}
	h := spawntest.NewHome(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	old := auto.UserP
	t.Cleanup(func() { auto.UserP = old })
	auto.UserP = me.Username
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	oldGroup := auto.GroupNofiles
	t.Cleanup(func() { auto.GroupNofiles = oldGroup })
	auto.GroupNofiles = group.Name
	t.Chdir(h.Dir)
	env := []string{"PATH=/usr/bin:/bin"}
	owners, missing := owner.NewFinder(env, nil)
	if missing != "" {
		t.Fatal(missing)
	}
	return &mailboxes{owners, spawn.Classic, env}, h
}

const getpw = `printf 'u\000%d\000%d\000/h\000-\000%%s\000' "$1"`

func TestLook(t *testing.T) {
	m, h := newMailboxes(t)
	for _, row := range []struct {
		name         string
		getpw, local string
		want         rcptd.Answer
	}{
		{"exists", getpw, "exit 0", rcptd.Exists},
		{"does not", getpw, "echo Sorry; exit 100", rcptd.Missing},
		{"deferral", getpw, "exit 111", rcptd.Unsure},
		{"another code", getpw, "exit 1", rcptd.Unsure},
		{"crash", getpw, "kill -9 $$", rcptd.Unsure},
		{"sticky home", getpw, "echo Warning: home directory is sticky. >&2; exit 100", rcptd.Unsure},
		{"much to say", getpw, "head -c 1000000 /dev/zero; exit 0", rcptd.Exists},
		{"getpw refuses", "exit 100", "exit 0", rcptd.Missing},
		{"getpw cannot tell", "exit 111", "exit 100", rcptd.Unsure},
		{"no alias", "exit 116", "exit 100", rcptd.Unsure},
		{"getpw crashes", "kill -9 $$", "exit 100", rcptd.Unsure},
		{"getpw says half of it", "printf 'u\\0001\\000'", "exit 100", rcptd.Unsure},
		{"root's", `printf 'root\0000\0000\000/\000\000\000'`, "exit 100", rcptd.Unsure},
	} {
		t.Run(row.name, func(t *testing.T) {
			if strings.Contains(row.getpw, "%d") {
				row.getpw = fmt.Sprintf(row.getpw, nobody, nobody)
			}
			h.Script("qmail-getpw", row.getpw)
			h.Script("qmail-local", row.local)
			if got := m.look("john"); got != row.want {
				t.Errorf("got %c, want %c", got, row.want)
			}
		})
	}
	for _, program := range []string{"qmail-local", "qmail-getpw"} {
		h.Script("qmail-getpw", fmt.Sprintf(getpw, nobody, nobody))
		h.Script("qmail-local", "exit 100")
		os.Remove("bin/" + program)
		if got := m.look("john"); got != rcptd.Unsure {
			t.Errorf("without %s: %c", program, got)
		}
	}
}

// qmail-local is asked only to tell, as the user and in no other group.
func TestLookAsUser(t *testing.T) {
	m, h := newMailboxes(t)
	h.Script("qmail-local", `test "$*|$(id -u) $(id -G)|$(pwd)" = "-n -- j /home/j Joe@x/.. - pre-oe@x/..   #|65533 65532|`+h.Dir+`" || exit 100`)
	file, err := os.Create("users/cdb")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table, err := users.NewTable(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Add("+j:j:65533:65532:/home/j:-:pre-:\n"); err != nil {
		t.Fatal(err)
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	if got := m.look("Joe@x/.."); got != rcptd.Exists {
		t.Errorf("got %c", got)
	}
	h.Write("users/cdb", "x", 0o644)
	if got := m.look("Joe"); got != rcptd.Unsure {
		t.Errorf("a damaged users/cdb: %c", got)
	}
}
