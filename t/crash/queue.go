//go:build linux && amd64

package crash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/queue"
)

// Build builds a program for the given home. Its accounts are all root, which
// every system has.
func Build(t testing.TB, program, home string) string {
	t.Helper()
	const facts = "goqmail/lib/auto."
	entry := "_goqmail_brief"
	switch program {
	case "qmail-q", "qmail-send", "imapd", "lmtpd", "pop3d":
		entry = "_goqmail_entry" // they are not brief; see the Makefile
	}
	flags := "-s -w -E " + entry + " -X " + facts + "Home=" + home
	for _, user := range []string{"UserAlias", "UserD", "UserL", "UserP", "UserQ", "UserR", "UserS", "UserCyrus"} {
		flags += " -X " + facts + user + "=root"
	}
	flags += " -X " + facts + "GroupQmail=root"
	file := filepath.Join(t.TempDir(), program)
	build := exec.Command("go", "build", "-ldflags", flags, "-o", file, "goqmail/cmd/"+program)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// resolved is an empty directory of the test's, named as the tracer will see it.
func resolved(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// inMemory is the same where possible on a file system that needs no disk,
// because the tests are many and the programs sync much.
func inMemory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "crash")
	if err != nil {
		return resolved(t)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Run runs a program that works below root under the tracer. before says what
// becomes of each of its calls. The Disk is at the point where it was stopped.
func Run(t testing.TB, root string, cmd Cmd, before func(*Op) Action) (syscall.WaitStatus, *Disk) {
	t.Helper()
	return RunAll(t, root, before, nil, cmd)
}

// RunAll is Run for several programs, of which the first matters. started is
// called with its process id when all run, if it is not nil.
func RunAll(t testing.TB, root string, before func(*Op) Action, started func(pid int), cmds ...Cmd) (syscall.WaitStatus, *Disk) {
	t.Helper()
	kept, err := os.MkdirTemp(filepath.Dir(root), "kept")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(kept) })
	disk, err := NewDisk(root, kept)
	if err != nil {
		t.Fatal(err)
	}
	trace := Tracer{
		Root: root,
		Before: func(op *Op) Action {
			action := before(op)
			disk.Before(op, action)
			return action
		},
		After:   disk.After,
		Started: started,
	}
	status, err := trace.Run(cmds...)
	if err != nil {
		t.Skipf("tracing is not possible here: %v", err)
	}
	return status, disk
}

// LayMessage puts a message into the queue as one of the golden directories of
// lib/queue has it, and returns its number.
func LayMessage(t testing.TB, layout queue.Layout, golden string) queue.Num {
	t.Helper()
	from := "../../lib/queue/testdata/" + golden + "/"
	pid := queue.Name("pid/golden").Path()
	data, err := os.ReadFile(from + "mess")
	if err == nil {
		err = os.WriteFile(pid, data, 0o644)
	}
	var st syscall.Stat_t
	if err == nil {
		err = syscall.Stat(pid, &st)
	}
	n := queue.Num(st.Ino)
	if err == nil {
		err = os.Rename(pid, layout.Mess(n).Path())
	}
	for _, kind := range []string{"intd", "todo", "info", "local", "remote", "bounce"} {
		data, missing := os.ReadFile(from + kind)
		if err == nil && missing == nil {
			err = os.WriteFile(place(layout, kind, n).Path(), data, 0o644)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// LayQueue makes an empty queue directory, in place of the one that is there,
// and makes its home this process's.
func LayQueue(t testing.TB, home string, splitTodo bool) queue.Layout {
	t.Helper()
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = home
	layout := queue.Layout{Split: auto.Split(), SplitTodo: splitTodo}
	if err := os.RemoveAll(home + "/queue"); err != nil {
		t.Fatal(err)
	}
	dirs := []queue.Name{"lock"}
	for _, kind := range []string{"pid", "mess", "intd", "todo", "info", "local", "remote", "bounce"} {
		dirs = append(dirs, layout.Dirs(kind)...)
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir.Path(), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(queue.TriggerFIFO.Path(), 0o622); err != nil {
		t.Fatal(err)
	}
	return layout
}

// Message is what a queue holds of one message: the names of the files by
// kind, "mess", "todo" and so on.
type Message map[string]string

// Messages sorts the files of a queue by message.
func Messages(v View) map[queue.Num]Message {
	all := map[queue.Num]Message{}
	for name := range v {
		kind, _, _ := strings.Cut(name, "/")
		n, ok := queue.ParseNum(name[strings.LastIndexByte(name, '/')+1:])
		if !ok || kind == "pid" || kind == "lock" {
			continue
		}
		if all[n] == nil {
			all[n] = Message{}
		}
		all[n][kind] = name
	}
	return all
}

// State returns which of the states S1 to S5 a message is in, see lib/queue,
// or "" if none.
func (m Message) State() string {
	has := func(kinds ...string) bool {
		for _, kind := range kinds {
			if m[kind] == "" {
				return false
			}
		}
		return true
	}
	lacks := func(kinds ...string) bool {
		for _, kind := range kinds {
			if m[kind] != "" {
				return false
			}
		}
		return true
	}
	switch {
	case len(m) == 0:
		return "S1"
	case has("mess") && lacks("intd", "todo", "info", "local", "remote", "bounce"):
		return "S2"
	case has("mess", "intd") && lacks("todo", "info", "local", "remote", "bounce"):
		return "S3"
	case has("mess", "todo") && lacks("bounce"):
		return "S4"
	case has("mess", "info") && lacks("intd", "todo"):
		return "S5"
	}
	return ""
}

// Legal returns an error unless each message in the queue is in one of the
// states, its files stand where they belong, and mess has the inode with the
// message's number.
func Legal(v View, layout queue.Layout) error {
	for n, m := range Messages(v) {
		if m.State() == "" {
			return fmt.Errorf("message %d is in no state: %s", n, m)
		}
		if inode := v[m["mess"]].Inode; inode != uint64(n) {
			return fmt.Errorf("%s is on inode %d", m["mess"], inode)
		}
		for kind, name := range m {
			if want := place(layout, kind, n); name != string(want) {
				return fmt.Errorf("%s should be %s", name, want)
			}
		}
	}
	return nil
}

func place(layout queue.Layout, kind string, n queue.Num) queue.Name {
	kinds := queue.Kinds()
	return kinds[slices.IndexFunc(kinds, func(k queue.Kind) bool { return k.Name == kind })].File(layout, n)
}

// String lists the files.
func (m Message) String() string {
	var names []string
	for _, name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}
