package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/queue"
)

// home makes an empty queue whose files belong to whoever runs the test.
func home(t testing.TB) queue.Layout {
	t.Helper()
	me, err := user.Current()
	must(t, err)
	group, err := user.LookupGroupId(me.Gid)
	must(t, err)
	old := []string{auto.Home, auto.UserQ, auto.UserR, auto.UserS, auto.GroupQmail}
	t.Cleanup(func() {
		auto.Home, auto.UserQ, auto.UserR, auto.UserS, auto.GroupQmail = old[0], old[1], old[2], old[3], old[4]
	})
	auto.Home, auto.UserQ, auto.UserR, auto.UserS, auto.GroupQmail = t.TempDir(), me.Username, me.Username, me.Username, group.Name
	layout := queue.Unsplit()
	must(t, os.Mkdir(auto.Home+"/queue", 0o750))
	for _, e := range layout.Tree()[1:] {
		switch path := e.Name.Path(); e.Type {
		case 'd':
			must(t, os.Mkdir(path, 0o700))
		case 'f':
			must(t, os.WriteFile(path, make([]byte, e.Size), 0o600))
		case 'p':
			must(t, syscall.Mkfifo(path, 0o600))
		}
		must(t, os.Chmod(e.Name.Path(), fs.FileMode(e.Mode)))
	}
	return layout
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, name queue.Name, mode fs.FileMode, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(name.Path()), 0o700))
	must(t, os.WriteFile(name.Path(), []byte(content), mode))
	must(t, os.Chmod(name.Path(), mode))
}

// mess makes a message file that has the number of its inode.
func mess(t testing.TB, layout queue.Layout, content string) queue.Num {
	t.Helper()
	write(t, "pid/new", 0o644, content)
	var st syscall.Stat_t
	must(t, syscall.Stat(queue.Name("pid/new").Path(), &st))
	n := queue.Num(st.Ino)
	must(t, os.Rename(queue.Name("pid/new").Path(), layout.Mess(n).Path()))
	return n
}

// preprocessed makes a message in S5 for local and remote recipients.
func preprocessed(t testing.TB, layout queue.Layout, sender string, local, remote string) queue.Num {
	t.Helper()
	n := mess(t, layout, "Subject: from "+sender+"\n\nhello\n")
	write(t, layout.Info(n), 0o600, "F"+sender+"\x00")
	for name, list := range map[queue.Name]string{layout.Local(n): local, layout.Remote(n): remote} {
		if list != "" {
			write(t, name, 0o600, strings.ReplaceAll(list, " ", "\x00")+"\x00")
		}
	}
	return n
}

// queued makes a message in S4.
func queued(t testing.TB, layout queue.Layout, sender, recipient string) queue.Num {
	t.Helper()
	n := mess(t, layout, "Subject: from "+sender+"\n\nhello\n")
	write(t, layout.Intd(n), 0o644, "u1000\x00p77\x00F"+sender+"\x00T"+recipient+"\x00")
	must(t, os.Link(layout.Intd(n).Path(), layout.Todo(n).Path()))
	return n
}

// rename gives all files of a message another number, as a copy does.
func rename(t testing.TB, layout queue.Layout, from, to queue.Num) {
	t.Helper()
	for _, kind := range queue.Kinds() {
		err := os.Rename(kind.File(layout, from).Path(), kind.File(layout, to).Path())
		must(t, ignoreGone(err))
	}
}

// qmailQ runs the program, but for its look at who calls.
func qmailQ(t testing.TB, args ...string) (out, complaints string, code int) {
	t.Helper()
	o, err := parse(append([]string{"qmail-q"}, args...))
	must(t, err)
	layout, err := queue.Look()
	must(t, err)
	tool := newTool(o, layout)
	switch o.verb {
	case "fix":
		err = tool.fix()
	case "bounce":
		must(t, tool.readRoutes())
		err = tool.each()
	default:
		err = tool.each()
	}
	must(t, err)
	must(t, tool.out.Flush())
	return tool.stdout.String(), tool.stderr.String(), tool.code
}

// testTool is a tool with what it says.
type testTool struct {
	*tool
	stdout, stderr strings.Builder
}

func newTool(o order, layout queue.Layout) *testTool {
	t := &testTool{}
	t.tool = &tool{order: o, layout: layout, out: bufio.NewWriter(&t.stdout), err: &t.stderr, qmails: identity{os.Getuid(), os.Getgid()}}
	return t
}

// content is all that the messages in the queue are, without their numbers: what
// must not be lost.
func content(t testing.TB, layout queue.Layout) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, dir := range layout.Dirs("mess") {
		must(t, queue.Walk(dir.Path(), func(n queue.Num) bool {
			if dir != layout.Mess(n).Dir() {
				return true
			}
			one := ""
			for _, kind := range queue.Kinds() {
				if kind.Name == "intd" {
					continue
				}
				if b, err := os.ReadFile(kind.File(layout, n).Path()); err == nil {
					one += kind.Name + ":" + string(b)
				}
			}
			all[one]++
			return true
		}))
	}
	return all
}

const inOrder = "the queue is in order\n"

func TestFix(t *testing.T) {
	type place = queue.Layout
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, l place) // of a queue with two messages
		want   string                      // what fix says; N stands for numbers
		strays string                      // files, N for numbers
	}{
		{"nothing", func(*testing.T, place) {}, inOrder, ""},
		{"a number that is not the inode", func(t *testing.T, l place) {
			rename(t, l, preprocessed(t, l, "a@b", "Tc@d De@f", "Tg@h"), 7)
		}, "mess/N/N: has inode N: make that the number of the message\n1 fault", ""},
		{"numbers that are the inodes of others", func(t *testing.T, l place) {
			one, two := preprocessed(t, l, "one@b", "Tc@d", ""), preprocessed(t, l, "two@b", "", "Tg@h")
			write(t, l.Bounce(two), 0o600, "<x>:\nno\n\n")
			rename(t, l, one, 7)
			rename(t, l, two, one)
			rename(t, l, 7, two)
		}, "mess/N/N: has inode N: make that the number of the message\n" +
			"mess/N/N: has inode N: make that the number of the message\n2 faults", ""},
		{"a message in todo", func(t *testing.T, l place) {
			rename(t, l, queued(t, l, "new@b", "c@d"), 7)
		}, "mess/N/N: has inode N: make that the number of the message\n1 fault", ""},
		{"another split", func(t *testing.T, l place) {
			n := preprocessed(t, l, "a@b", "Tc@d", "")
			other := queue.Layout{Split: 1 << 62}
			for _, kind := range []string{"mess", "info", "local"} {
				must(t, os.MkdirAll(queue.Name(kind+"/"+n.String()).Path(), 0o700))
			}
			for _, kind := range queue.Kinds() {
				must(t, ignoreGone(os.Rename(kind.File(l, n).Path(), kind.File(other, n).Path())))
			}
		}, "mess/N/N: is not in its place: move it there\n" +
			"local/N: is not a directory of this split: remove it\n" +
			"info/N: is not a directory of this split: remove it\n" +
			"mess/N: is not a directory of this split: remove it\n4 faults", ""},
		{"a missing directory", func(t *testing.T, l place) {
			dir := queue.Name("local/0").Path()
			if os.Remove(dir) != nil { // a message is in it
				must(t, os.Remove(queue.Name("local/1").Path()))
				must(t, os.Rename(dir, queue.Name("local/1").Path()))
				must(t, os.Rename(queue.Name("local/1").Path(), dir))
				must(t, os.Mkdir(dir+"/x", 0o700))
				must(t, os.Remove(dir+"/x"))
			}
		}, "local/N: missing: make it\n1 fault", ""},
		{"a missing trigger and tcpto", func(t *testing.T, l place) {
			must(t, os.Remove(queue.TriggerFIFO.Path()))
			must(t, os.Remove(queue.Tcpto.Path()))
		}, "lock/tcpto: missing: make it\nlock/trigger: missing: make it\n2 faults", ""},
		{"a trigger copied as a file", func(t *testing.T, l place) {
			must(t, os.Remove(queue.TriggerFIFO.Path()))
			write(t, queue.TriggerFIFO, 0o622, "")
		}, "lock/trigger: not what should be there: move it to stray/lock.trigger\nlock/trigger: missing: make it\n2 faults", "lock.trigger"},
		{"a wrong mode", func(t *testing.T, l place) {
			must(t, os.Chmod(queue.Name("lock/trigger").Path(), 0o600))
		}, "lock/trigger: belongs to U with mode N: make it U's with mode N\n1 fault", ""},
		{"a wrong mode of a message", func(t *testing.T, l place) {
			n := preprocessed(t, l, "a@b", "Tc@d", "")
			must(t, os.Chmod(l.Info(n).Path(), 0o640))
			must(t, os.Chmod(l.Mess(n).Path(), 0o600))
		}, "info/N/N: belongs to U with mode N: make it U's with mode N\n" +
			"mess/N/N: belongs to U with mode N: make it U's with mode N\n2 faults", ""},
		{"files that are none of a message", func(t *testing.T, l place) {
			write(t, "mess/3/core", 0o600, "x")
			write(t, "info/README", 0o600, "x")
			write(t, "todo/007", 0o600, "x")
			must(t, os.Mkdir(queue.Name("bounce/12").Path(), 0o700))
			must(t, os.Mkdir(queue.Name("local/4/12").Path(), 0o700))
		}, "local/N/N: no file of a message: move it to stray/local.N.N\n" +
			"info/README: no file of a message: move it to stray/info.README\n" +
			"todo/N: no file of a message: move it to stray/todo.N\n" +
			"mess/N/core: no file of a message: move it to stray/mess.N.core\n" +
			"bounce/N: is not a directory of this split: remove it\n5 faults", "info.README local.N.N mess.N.core todo.N"},
		{"files without a message", func(t *testing.T, l place) {
			write(t, l.Info(7), 0o600, "Fa@b\x00")
			write(t, l.Local(7), 0o600, "Tc@d\x00")
			write(t, l.Bounce(7), 0o600, "x")
			write(t, l.Todo(8), 0o644, "Fa@b\x00Tc@d\x00")
			write(t, l.Intd(9), 0o644, "Fa@b")
		}, "bounce/N: there is no such message: move it to stray/bounce.N\n" +
			"local/N/N: there is no such message: move it to stray/local.N.N\n" +
			"info/N/N: there is no such message: move it to stray/info.N.N\n" +
			"todo/N: there is no such message: move it to stray/todo.N\n" +
			"intd/N: there is no such message: move it to stray/intd.N\n5 faults",
			"bounce.N info.N.N intd.N local.N.N todo.N"},
		{"a message being queued", func(t *testing.T, l place) {
			write(t, l.Intd(mess(t, l, "half")), 0o644, "u1000\x00Fa@")
		}, inOrder, ""},
		{"a copy of a message being queued", func(t *testing.T, l place) {
			n := mess(t, l, "half")
			write(t, l.Intd(n), 0o644, "u1000\x00Fa@")
			rename(t, l, n, 7)
		}, "intd/N: was not queued yet: move it to stray/intd.N\n" +
			"mess/N/N: was not queued yet: move it to stray/mess.N.N\n2 faults", "intd.N mess.N.N"},
		{"a message without info", func(t *testing.T, l place) {
			n := preprocessed(t, l, "a@b", "Tc@d", "")
			must(t, os.Remove(l.Info(n).Path()))
			old := time.Now().Add(-2 * queue.Death)
			must(t, os.Chtimes(l.Mess(n).Path(), old, old))
		}, "local/N/N: info is missing: move it to stray/local.N.N\n" +
			"mess/N/N: info is missing: move it to stray/mess.N.N\n2 faults", "local.N.N mess.N.N"},
		{"remains where qmail-queue may be at work", func(t *testing.T, l place) {
			write(t, l.Bounce(mess(t, l, "half")), 0o600, "<x>:\nno\n\n")
		}, "bounce/N: info is missing: move it to stray/bounce.N\n1 fault", "bounce.N"},
		{"remains of another message", func(t *testing.T, l place) {
			write(t, l.Bounce(queued(t, l, "a@b", "c@d")), 0o600, "<x>:\nno\n\n")
		}, "bounce/N: left by another message: move it to stray/bounce.N\n1 fault", "bounce.N"},
		{"an empty info", func(t *testing.T, l place) {
			write(t, l.Info(preprocessed(t, l, "a@b", "Tc@d", "")), 0o600, "")
		}, "local/N/N: damaged: info/N/N is cut off: move it to stray/local.N.N\n" +
			"info/N/N: damaged: info/N/N is cut off: move it to stray/info.N.N\n" +
			"mess/N/N: damaged: info/N/N is cut off: move it to stray/mess.N.N\n3 faults", "info.N.N local.N.N mess.N.N"},
		{"a list of zeros", func(t *testing.T, l place) {
			write(t, l.Remote(preprocessed(t, l, "a@b", "", "Tc@d")), 0o600, "\x00\x00\x00")
		}, "remote/N/N: damaged: there is a record of no known type in remote/N/N: move it to stray/remote.N.N\n" +
			"info/N/N: damaged: there is a record of no known type in remote/N/N: move it to stray/info.N.N\n" +
			"mess/N/N: damaged: there is a record of no known type in remote/N/N: move it to stray/mess.N.N\n3 faults",
			"info.N.N mess.N.N remote.N.N"},
		{"a half-written list below todo", func(t *testing.T, l place) {
			n := queued(t, l, "a@b", "c@d")
			write(t, l.Info(n), 0o600, "F")
			write(t, l.Local(n), 0o600, "Tc@")
		}, inOrder, ""},
		{"a held recipient", func(t *testing.T, l place) {
			preprocessed(t, l, "a@b", "Hc@d", "")
		}, inOrder, ""},
		{"what dead qmail-queues left in pid", func(t *testing.T, l place) {
			old := time.Now().Add(-queue.Ossified)
			write(t, "pid/1.2.3", 0o644, "half")
			write(t, "pid/4.5.6", 0o644, "half")
			must(t, os.Chtimes(queue.Name("pid/1.2.3").Path(), old, old))
		}, "pid/N.N.N: left by a qmail-queue that died: remove it\n1 fault", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := home(t)
			preprocessed(t, l, "before@b", "Tc@d De@f", "Tg@h")
			queued(t, l, "new@b", "c@d")
			c.damage(t, l)

			dry, complaints, code := qmailQ(t, "fix")
			if got := masked(dry); !strings.HasPrefix(got, c.want) || complaints != "" || (code == 100) != (c.want != inOrder) {
				t.Errorf("dry: got %s%s%d, want %s", got, complaints, code, c.want)
			}
			before := snapshot(t)
			if again, _, _ := qmailQ(t, "fix"); again != dry || snapshot(t) != before {
				t.Errorf("the dry run changed something: %q, then %q", dry, again)
			}
			wet, complaints, code := qmailQ(t, "fix", "-y")
			if body(wet) != body(dry) || complaints != "" || code != 0 {
				t.Errorf("got %s%s%d, want what the dry run said: %s", wet, complaints, code, dry)
			}
			if again, complaints, code := qmailQ(t, "fix", "-y"); again != inOrder || complaints != "" || code != 0 {
				t.Errorf("a second time: got %s%s%d", again, complaints, code)
			}
			if got := masked(strings.Join(list(t, "stray"), " ")); got != c.strays {
				t.Errorf("strays: got %s, want %s", got, c.strays)
			}
		})
	}
}

// masked puts N in the place of numbers, and U of users.
func masked(s string) string {
	s = regexp.MustCompile(`belongs to [0-9:]+`).ReplaceAllString(s, "belongs to U")
	s = regexp.MustCompile(`make it \S+'s`).ReplaceAllString(s, "make it U's")
	lines := strings.SplitAfter(s, "\n")
	for i, line := range lines {
		if !strings.Contains(line, " fault") {
			lines[i] = regexp.MustCompile(`\b[0-9]+\b`).ReplaceAllString(line, "N")
		}
	}
	return strings.Join(lines, "")
}

// body is what was said but for the last line.
func body(s string) string {
	if i := strings.LastIndexByte(strings.TrimSuffix(s, "\n"), '\n'); i >= 0 {
		return s[:i]
	}
	return ""
}

func list(t testing.TB, dir queue.Name) (names []string) {
	entries, _ := os.ReadDir(dir.Path())
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// snapshot is all names and modes in the queue.
func snapshot(t testing.TB) string {
	var all strings.Builder
	must(t, filepath.WalkDir(auto.Home+"/queue", func(path string, e fs.DirEntry, err error) error {
		must(t, err)
		info, err := e.Info()
		fmt.Fprintln(&all, path, info.Mode())
		return err
	}))
	return all.String()
}

// TestFixKeepsAll: of a queue that was copied every message is there after fix,
// also if it is interrupted after any of its renames.
func TestFixKeepsAll(t *testing.T) {
	l := home(t)
	var want map[string]int
	for i := range 20 {
		preprocessed(t, l, "s"+strconv.Itoa(i)+"@b", "Tc@d De@f", "Tg@h")
		queued(t, l, "q"+strconv.Itoa(i)+"@b", "c@d")
	}
	want = content(t, l)
	// A copy whose inodes are another's: the same numbers, shuffled.
	var nums []queue.Num
	for _, dir := range l.Dirs("mess") {
		must(t, queue.Walk(dir.Path(), func(n queue.Num) bool { nums = append(nums, n); return true }))
	}
	const free = 1 << 40
	for i, n := range nums {
		rename(t, l, n, queue.Num(free+i))
	}
	for i := range nums {
		rename(t, l, queue.Num(free+i), nums[(i+1)%len(nums)])
	}
	qmailQ(t, "fix", "-y")
	got := content(t, l)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if again, _, _ := qmailQ(t, "fix"); again != inOrder {
		t.Errorf("then: %s", again)
	}
}

// On a terminal a line tells how far we are, and is gone before others are printed.
func TestProgress(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		want     string
	}{{true, "\rfiles listed: 7\x1b[K\r\x1b[K"}, {false, ""}} {
		var said strings.Builder
		p := progress{w: &said, on: c.terminal}
		p.tell("files listed:", 7)
		p.tell("files listed:", 8) // too soon
		p.clear()
		p.clear()
		if said.String() != c.want {
			t.Errorf("got %q, want %q", said.String(), c.want)
		}
	}
}

// Where todo is split, as in big-todo, what is in todo itself would not be found.
func TestFixSplitTodo(t *testing.T) {
	flat := home(t)
	n := queued(t, flat, "new@b", "c@d")
	split := flat
	split.SplitTodo = true
	must(t, os.Mkdir(queue.Name("todo/0").Path(), 0o750))
	out, complaints, code := qmailQ(t, "fix", "-y")
	if want := "todo/1: missing: make it\n"; !strings.Contains(out, want) || complaints != "" || code != 0 {
		t.Errorf("got %s%s%d, want %s", out, complaints, code, want)
	}
	if got := read(split.Todo(n)); got != "u1000!p77!Fnew@b!Tc@d!" {
		t.Errorf("%s: got %s", split.Todo(n), got)
	}
	if again, _, _ := qmailQ(t, "fix"); again != inOrder {
		t.Errorf("then: %s", again)
	}
}
