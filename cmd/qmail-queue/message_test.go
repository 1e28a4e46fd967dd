package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/qmail"
	"goqmail/lib/queue"
)

// fresh makes an empty queue below a home of the test's own.
func fresh(t testing.TB, splitTodo bool) queue.Layout {
	t.Helper()
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	layout := queue.Layout{Split: auto.Split(), SplitTodo: splitTodo}
	dirs := []queue.Name{"pid", "lock"}
	for _, kind := range []string{"mess", "intd", "todo"} {
		dirs = append(dirs, layout.Dirs(kind)...)
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir.Path(), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return layout
}

// files lists the files in the queue by directory, as in "mess todo".
func files(t *testing.T) string {
	t.Helper()
	var kinds []string
	err := filepath.WalkDir(auto.Home+"/queue", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			kind, _, _ := strings.Cut(strings.TrimPrefix(path, auto.Home+"/queue/"), "/")
			kinds = append(kinds, kind)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(kinds)
	return strings.Join(kinds, " ")
}

func newMessage(layout queue.Layout) message {
	return message{dies: time.Now().Add(time.Hour), uid: 5001, pid: 4711, received: "Received: test\n", layout: layout}
}

func content(t *testing.T, name queue.Name) (string, uint64, uint32) {
	t.Helper()
	data, err := os.ReadFile(name.Path())
	if err != nil {
		t.Fatal(err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(name.Path(), &st); err != nil {
		t.Fatal(err)
	}
	return string(data), st.Ino, uint32(st.Mode) & 0o7777
}

func TestEnqueue(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o33))
	for _, split := range []bool{false, true} {
		for _, mess := range []string{"", "Subject: test\n\nhello\n", "\x00\xff\r\n.", strings.Repeat("x", 200000)} {
			layout := fresh(t, split)
			m := newMessage(layout)
			if code := m.enqueue(1000, strings.NewReader(mess), strings.NewReader("Fa@b\x00Tc@d\x00T\x00\x00ignored")); code != 0 {
				t.Fatalf("exit %d", code)
			}
			if got := files(t); got != "intd mess todo" {
				t.Errorf("files: %s", got)
			}
			data, inode, mode := content(t, layout.Mess(m.num))
			if data != "Received: test\n"+mess || queue.Num(inode) != m.num || mode != 0o644 {
				t.Errorf("mess: %.60q, inode %d, number %d, mode %o", data, inode, m.num, mode)
			}
			intd, inode, mode := content(t, layout.Intd(m.num))
			todo, todoInode, _ := content(t, layout.Todo(m.num))
			if want := "u5001\x00p4711\x00Fa@b\x00Tc@d\x00T\x00"; intd != want || todo != want || inode != todoInode || mode != 0o644 {
				t.Errorf("todo: %q, mode %o", todo, mode)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		envelope string
		code     int
		left     string
	}{
		{"", qmail.ExitRead, ""},
		{"F", qmail.ExitRead, ""},
		{"Fa@b\x00", qmail.ExitRead, ""},
		{"Fa@b\x00Tc@d", qmail.ExitRead, ""},
		{"Fa@b\x00Tc@d\x00", qmail.ExitRead, ""},
		{"X", qmail.ExitEnvelope, "intd mess"},
		{"\x00", qmail.ExitEnvelope, "intd mess"},
		{"Fa@b\x00X", qmail.ExitEnvelope, "intd mess"},
		{"Fa@b\x00Fa@b\x00\x00", qmail.ExitEnvelope, "intd mess"},
		{"F" + strings.Repeat("a", maxAddress) + "\x00", qmail.ExitRead, ""},
		{"F" + strings.Repeat("a", maxAddress+1) + "\x00Tc@d\x00\x00", qmail.ExitLong, "intd mess"},
		{"Fa@b\x00T" + strings.Repeat("a", maxAddress+1), qmail.ExitLong, "intd mess"},
	} {
		m := newMessage(fresh(t, false))
		code := m.enqueue(1000, strings.NewReader("hello\n"), strings.NewReader(c.envelope))
		if left := files(t); code != c.code || left != c.left {
			t.Errorf("%.40q: exit %d, left %q; want %d, %q", c.envelope, code, left, c.code, c.left)
		}
	}
}

// What goes wrong before the envelope is read, in the order of the steps.
func TestTrouble(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func() error
		mess  io.Reader
		code  int
		left  string
	}{
		{"no pid", func() error { return os.Remove(queue.Name("pid").Path()) }, nil, qmail.ExitPid, ""},
		{"pid taken", takePids, nil, qmail.ExitPid, "pid pid pid pid pid pid pid pid pid"},
		{"no mess", func() error { return os.RemoveAll(queue.Name("mess").Path()) }, nil, qmail.ExitMess, "pid"},
		{"read error", func() error { return nil }, broken{}, qmail.ExitRead, ""},
		{"no message", func() error { return nil }, (*os.File)(nil), qmail.ExitRead, ""},
		{"no intd", func() error { return os.Remove(queue.Name("intd").Path()) }, nil, qmail.ExitIntd, "mess"},
		{"no todo", func() error { return os.Remove(queue.Name("todo").Path()) }, nil, qmail.ExitTodo, "intd mess"},
	} {
		layout := fresh(t, false)
		if err := c.spoil(); err != nil {
			t.Fatal(err)
		}
		if c.mess == nil {
			c.mess = strings.NewReader("hello\n")
		}
		m := newMessage(layout)
		code := m.enqueue(1000, c.mess, strings.NewReader("Fa@b\x00Tc@d\x00\x00"))
		if left := files(t); code != c.code || left != c.left {
			t.Errorf("%s: exit %d, left %q; want %d, %q", c.name, code, left, c.code, c.left)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, syscall.EIO }

func takePids() error {
	for seq := 1; seq < 10; seq++ {
		if err := os.WriteFile(queue.Name(fmt.Sprintf("pid/4711.1000.%d", seq)).Path(), nil, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// A pid file that a dead process left does not stop a new one.
func TestPidTakenOnce(t *testing.T) {
	layout := fresh(t, false)
	if err := os.WriteFile(queue.Name("pid/4711.1000.1").Path(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m := newMessage(layout)
	if code := m.enqueue(1000, strings.NewReader(""), strings.NewReader("F\x00\x00")); code != 0 {
		t.Errorf("exit %d", code)
	}
	if got := files(t); got != "intd mess pid todo" {
		t.Errorf("files: %s", got)
	}
}

// An old todo of the same number stops the message: its envelope must not
// become this message's.
func TestOldTodo(t *testing.T) {
	layout := fresh(t, false)
	m := newMessage(layout)
	mess := readFunc(func() error { // by now the message has its number
		if err := os.WriteFile(layout.Todo(m.num).Path(), []byte("old"), 0o644); err != nil {
			return err
		}
		return io.EOF
	})
	code := m.enqueue(1000, mess, strings.NewReader("Fa@b\x00Tc@d\x00\x00"))
	if left := files(t); code != qmail.ExitTodo || left != "intd mess todo" {
		t.Errorf("exit %d, left %q", code, left)
	}
	if data, _, _ := content(t, layout.Todo(m.num)); data != "old" {
		t.Errorf("todo is %q", data)
	}
}

// readFunc is a message whose reading does something, and is at its end.
type readFunc func() error

func (f readFunc) Read([]byte) (int, error) { return 0, f() }

// Whatever is taken for an envelope is written as the records it has, and
// nothing is taken without its end.
func FuzzCopyEnvelope(f *testing.F) {
	f.Add([]byte("Fa@b\x00Tc@d\x00\x00"))
	f.Add([]byte("F\x00\x00x"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		w := bufio.NewWriter(&out)
		code := copyEnvelope(w, bufio.NewReader(bytes.NewReader(in)))
		w.Flush()
		if !bytes.HasPrefix(in, out.Bytes()) {
			t.Errorf("%q became %q", in, out.Bytes())
		}
		if code != 0 {
			return
		}
		if rest := in[out.Len():]; len(rest) == 0 || rest[0] != 0 {
			t.Errorf("%q ends before %q", in, rest)
		}
		records := queue.NewReader(&out)
		for n := 0; ; n++ {
			rec, err := records.Next()
			if err == io.EOF && n > 0 {
				return
			}
			if err != nil || rec.Type != queue.ToDo && (n > 0 || rec.Type != queue.Sender) || len(rec.Text) > maxAddress {
				t.Fatalf("record %d of %q: %v, %v", n, in, rec, err)
			}
		}
	})
}
