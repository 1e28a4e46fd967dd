package queue

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/auto"
)

// at makes the queue directory of a home the test's, with these directories.
func at(t *testing.T, dirs ...string) {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	for _, dir := range append(dirs, ".") {
		if err := os.MkdirAll(auto.Home+"/queue/"+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, name Name) {
	t.Helper()
	if err := os.WriteFile(name.Path(), nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestNames(t *testing.T) {
	flat, split := Layout{Split: 23}, Layout{Split: 23, SplitTodo: true}
	for _, c := range []struct {
		got  Name
		want string
	}{
		{flat.Mess(457), "mess/20/457"},
		{flat.Info(457), "info/20/457"},
		{flat.Local(23), "local/0/23"},
		{flat.Remote(1), "remote/1/1"},
		{flat.Bounce(457), "bounce/457"},
		{flat.Todo(457), "todo/457"},
		{flat.Intd(457), "intd/457"},
		{flat.Foop(457), "foop/457"},
		{split.Todo(457), "todo/20/457"},
		{split.Intd(457), "intd/20/457"},
		{split.Mess(457), "mess/20/457"},
		{split.Bounce(457), "bounce/457"},
		{split.Foop(457), "foop/457"}, // the request never has a split
		{Name(flat.SplitName(457)), "20/457"},
		{flat.Mess(18446744073709551615), "mess/5/18446744073709551615"},
		{flat.Mess(457).Dir(), "mess/20"},
		{flat.Todo(457).Dir(), "todo"},
	} {
		if string(c.got) != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestDirs(t *testing.T) {
	flat, split := Layout{Split: 3}, Layout{Split: 3, SplitTodo: true}
	for _, c := range []struct {
		got  []Name
		want string
	}{
		{flat.Dirs("info"), "info/0 info/1 info/2"},
		{flat.Dirs("todo"), "todo"},
		{split.Dirs("todo"), "todo/0 todo/1 todo/2"},
		{split.Dirs("bounce"), "bounce"},
		{split.Dirs("pid"), "pid"},
	} {
		var got []string
		for _, dir := range c.got {
			got = append(got, string(dir))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestLook(t *testing.T) {
	at(t, "todo")
	if l, err := Look(); l.SplitTodo || l.Split != 23 || err != nil {
		t.Errorf("flat: %+v", l)
	}
	at(t, "todo/0", "todo/1")
	if l, err := Look(); !l.SplitTodo || err != nil {
		t.Errorf("split: %+v", l)
	}
	at(t, "todo")
	write(t, "todo/0") // a file named like a directory of the split
	if l, err := Look(); l.SplitTodo || err != nil {
		t.Errorf("file todo/0: %+v", l)
	}
	at(t)
	if l, err := Look(); l.SplitTodo || err != nil {
		t.Errorf("no todo: %+v", l)
	}
	auto.Home += strings.Repeat("/long", 1000)
	if _, err := Look(); err == nil {
		t.Error("a todo that cannot be examined has a layout")
	}
}

func TestParseNum(t *testing.T) {
	for name, want := range map[string]Num{
		"0": 0, "457": 457, "007": 7, "18446744073709551615": 1<<64 - 1,
		"18446744073709551616": 0, // wraps
	} {
		if n, ok := ParseNum(name); !ok || n != want {
			t.Errorf("%q: %d, %v", name, n, ok)
		}
	}
	for _, name := range []string{"", "a", "4a", "-4", "+4", " 4", "4 ", "4.", ".", "..", "٤", "4\x00"} {
		if n, ok := ParseNum(name); ok {
			t.Errorf("%q was taken for %d", name, n)
		}
	}
}

func FuzzParseNum(f *testing.F) {
	f.Add("457")
	f.Add("0x1")
	f.Fuzz(func(t *testing.T, name string) {
		n, ok := ParseNum(name)
		if !ok && n != 0 {
			t.Errorf("refused, yet %d", n)
		}
		// Every number is the name of exactly one message.
		if back, ok := ParseNum(n.String()); !ok || back != n {
			t.Errorf("%d does not survive its own name", n)
		}
		if ok && len(name) < 20 && strings.TrimLeft(name, "0") != strings.TrimLeft(n.String(), "0") {
			t.Errorf("%q became %d", name, n)
		}
	})
}

func TestWalk(t *testing.T) {
	at(t, "info/0", "info/0/46")
	for _, name := range []Name{"info/0/23", "info/0/69", "info/0/x", "info/0/23x", "info/0/.hidden"} {
		write(t, name)
	}
	var got []Num
	if err := Walk(Name("info/0").Path(), func(n Num) bool { got = append(got, n); return true }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, []Num{23, 46, 69}) {
		t.Errorf("got %v", got)
	}

	count := 0
	if err := WalkAll("info/0", func(name Name) bool { count++; return count < 2 }); err != nil || count != 2 {
		t.Errorf("went on after false: %d names, %v", count, err)
	}
	for _, dir := range []Name{"info/1", "info/0/23"} {
		if err := Walk(dir.Path(), func(Num) bool { return true }); err == nil {
			t.Errorf("%s was walked", dir)
		}
	}
}

func TestReach(t *testing.T) {
	at(t)
	if ReachHome() != nil || Reach() != nil {
		t.Error("a fresh queue cannot be reached")
	}
	os.Remove(auto.Home + "/queue")
	if ReachHome() != nil || Reach() == nil {
		t.Error("without queue")
	}
	if err := os.WriteFile(auto.Home+"/queue", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if Reach() == nil {
		t.Error("queue is a file")
	}
}

func TestIsOssified(t *testing.T) {
	at(t, "pid")
	now := time.Now()
	for _, c := range []struct {
		name          Name
		atime, mtime  time.Duration // ago
		want, missing bool
	}{
		{"pid/new", 0, 0, false, false},
		{"pid/below", Ossified - time.Minute, 0, false, false},
		{"pid/above", Ossified + time.Minute, 0, true, false},
		{"pid/read", 0, Ossified + time.Hour, false, false}, // mtime does not count
		{"pid/missing", 0, 0, false, true},
	} {
		if !c.missing {
			write(t, c.name)
			times := []unix.Timeval{unix.NsecToTimeval(now.Add(-c.atime).UnixNano()), unix.NsecToTimeval(now.Add(-c.mtime).UnixNano())}
			if err := unix.Utimes(c.name.Path(), times); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.name.IsOssified(now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if Death >= Ossified {
		t.Error("living qmail-queues would be cleaned up after")
	}
}

func TestTrigger(t *testing.T) {
	at(t, "lock")
	fifo := TriggerFIFO.Path()
	Pull() // no FIFO: nothing happens
	if err := unix.Mkfifo(fifo, 0o622); err != nil {
		t.Fatal(err)
	}
	Pull() // nobody listens: nothing happens, and at once
	trigger, err := OpenTrigger(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer trigger.Close()
	for range 3 {
		Pull()
		Pull()
		if err := trigger.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	// Pulls while nobody looks must not add up to a full pipe that blocks.
	for range 100000 {
		Pull()
	}
	done := make(chan error)
	go func() {
		trigger.Wait()
		trigger.Close()
		done <- trigger.Wait()
	}()
	if err := <-done; err == nil {
		t.Error("Wait returned nil after Close")
	}
	if _, err := OpenTrigger(filepath.Join(auto.Home, "none")); err == nil {
		t.Error("OpenTrigger without FIFO")
	}
}
