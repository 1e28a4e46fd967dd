//go:build linux && amd64

package crash

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"goqmail/lib/queue"
)

// fixer has qmail-q work on a queue.
type fixer struct {
	program string
	home    string
	layout  queue.Layout
}

func newFixer(t *testing.T) *fixer {
	if os.Getuid() != 0 {
		t.Skip("qmail-q is root's, or a user's who has his own")
	}
	home := inMemory(t)
	f := &fixer{program: Build(t, "qmail-q", home), home: home}
	if err := os.Mkdir(home+"/control", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(home+"/control/me", []byte("me.example\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return f
}

// lay makes a fresh queue in order, with messages, and returns their numbers.
func (f *fixer) lay(t *testing.T, golden ...string) (nums []queue.Num) {
	t.Helper()
	f.layout = LayQueue(t, f.home, false)
	f.run(t, "fix", "-y")
	for _, name := range golden {
		nums = append(nums, LayMessage(t, f.layout, name))
	}
	f.run(t, "fix", "-y")
	return nums
}

func (f *fixer) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(f.program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("qmail-q %v: %v, %s", args, err, out)
	}
	return string(out)
}

// traced runs qmail-q, whose last words nobody hears. No Disk looks on: that
// would read the messages, and they must not get any younger.
func (f *fixer) traced(t *testing.T, before func(*Op) Action, args ...string) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	trace := Tracer{Root: f.home + "/queue", Before: onlyChanges(before)}
	_, err = trace.Run(Cmd{Path: f.program, Args: append([]string{"qmail-q"}, args...), Files: []*os.File{null, null, null}})
	if err != nil {
		t.Skipf("tracing is not possible here: %v", err)
	}
}

// killed calls check for each change that qmail-q makes to files, after it was
// killed before that.
func (f *fixer) killed(t *testing.T, lay func(), check func(story string), args ...string) {
	t.Helper()
	changes := 0
	lay()
	f.traced(t, func(*Op) Action { changes++; return Action{} }, args...)
	t.Logf("%d changes", changes)
	check("not killed")
	for at := 1; at <= changes; at++ {
		lay()
		n, story := 0, ""
		f.traced(t, func(op *Op) Action {
			if n++; n == at {
				story = op.String()
			}
			return Action{Kill: n == at}
		}, args...)
		check(fmt.Sprintf("killed before change %d of %d, %s", at, changes, story))
	}
}

// messages is what the queue has, message by message: contents by kind, without
// intd.
func (f *fixer) messages(t *testing.T) (all []map[string]string) {
	t.Helper()
	v, err := Scan(f.home + "/queue")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range Messages(v) {
		one := map[string]string{}
		for kind, name := range m {
			if kind != "intd" {
				one[kind] = v[name].Data
			}
		}
		all = append(all, one)
	}
	return all
}

// TestFixKilled: of a queue whose messages have each other's inode numbers nothing
// is lost wherever qmail-q fix is killed; a qmail-send that starts then does no
// harm, and the next fix repairs it.
func TestFixKilled(t *testing.T) {
	f := newFixer(t)
	want := map[string]bool{}
	lay := func() {
		nums := f.lay(t, "S5-new", "S5-local-done", "S4-half-done", "S5-failed")
		clear(want)
		for _, m := range f.messages(t) {
			want[fmt.Sprint(m)] = true
		}
		const free = 1 << 40
		for i, n := range nums {
			f.rename(t, n, free+queue.Num(i))
		}
		for i := range nums {
			f.rename(t, free+queue.Num(i), nums[(i+1)%len(nums)])
		}
		old := time.Now().Add(-queue.Ossified)
		for _, n := range nums {
			if err := os.Chtimes(f.layout.Mess(n).Path(), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.killed(t, lay, func(story string) {
		f.checkYoung(t, story) // before anybody reads a message
		for _, m := range f.messages(t) {
			// What qmail-send would work on is whole.
			if m["todo"] == "" && m["info"] != "" && !want[fmt.Sprint(m)] {
				t.Errorf("%s: qmail-send finds %s", story, m)
			}
		}
		f.run(t, "fix", "-y")
		if out := f.run(t, "fix"); out != "the queue is in order\n" {
			t.Errorf("%s: then fix says %s", story, out)
		}
		got := f.messages(t)
		for _, m := range got {
			if !want[fmt.Sprint(m)] {
				t.Errorf("%s: then there is %s", story, m)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: then there are %d messages of %d", story, len(got), len(want))
		}
	}, "fix", "-y")
}

// checkYoung looks for messages that qmail-send would take for debris.
func (f *fixer) checkYoung(t *testing.T, story string) {
	t.Helper()
	for _, dir := range f.layout.Dirs("mess") {
		queue.Walk(dir.Path(), func(n queue.Num) bool {
			for _, name := range []queue.Name{f.layout.Todo(n), f.layout.Info(n)} {
				if _, err := os.Stat(name.Path()); err == nil {
					return true
				}
			}
			if f.layout.Mess(n).IsOssified(time.Now()) {
				t.Errorf("%s: %s would be removed as debris", story, f.layout.Mess(n))
			}
			return true
		})
	}
}

func (f *fixer) rename(t *testing.T, from, to queue.Num) {
	t.Helper()
	for _, kind := range queue.Kinds() {
		err := os.Rename(kind.File(f.layout, from).Path(), kind.File(f.layout, to).Path())
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// TestBounceKilled: a recipient is done only when the bounce speaks of it.
func TestBounceKilled(t *testing.T) {
	f := newFixer(t)
	var n queue.Num
	lay := func() { n = f.lay(t, "S5-new")[0] }
	f.killed(t, lay, func(story string) {
		text, _ := os.ReadFile(f.layout.Bounce(n).Path())
		for _, list := range []queue.Name{f.layout.Local(n), f.layout.Remote(n)} {
			data, err := os.ReadFile(list.Path())
			if err != nil {
				t.Fatal(err)
			}
			for record := range strings.SplitSeq(strings.TrimSuffix(string(data), "\x00"), "\x00") {
				told := strings.Contains(string(text), "<"+record[1:]+">:\ngone\n\n")
				if record[0] == queue.Done && !told || record[0] != queue.ToDo && record[0] != queue.Held && record[0] != queue.Done {
					t.Errorf("%s: there is %q, and the bounce says %q", story, record, text)
				}
			}
		}
		f.run(t, "bounce", "-m", "gone", "-a")
		if out := f.run(t, "list"); !strings.Contains(out, "\tbouncing\t") {
			t.Errorf("%s: then there is %s", story, out)
		}
	}, "bounce", "-m", "gone", "-a")
}

// TestDeleteKilled: without a qmail-send, a message is there, with recipients to do
// or without, or it is gone, but never without its envelope and young.
func TestDeleteKilled(t *testing.T) {
	f := newFixer(t)
	lay := func() { f.lay(t, "S5-new", "S4-new", "S5-failed") }
	f.killed(t, lay, func(story string) {
		v, err := Scan(f.home + "/queue")
		if err != nil {
			t.Fatal(err)
		}
		for n, m := range Messages(v) {
			if s := m.State(); s == "" || v[m["mess"]].Inode != uint64(n) {
				t.Errorf("%s: message %d is in no state: %s", story, n, m)
			}
		}
		f.run(t, "delete", "-a")
		for _, m := range f.messages(t) {
			if m["todo"] != "" || m["info"] != "" {
				t.Errorf("%s: then there is %s", story, m)
			}
		}
	}, "delete", "-a")
}
