package maildir

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"goqmail/lib/call/calltest"
)

const (
	head    = "Return-Path: <joe@a.example>\nDelivered-To: john@b.example\n"
	message = "Subject: x\n\nFrom me\nno newline"
)

// empty makes an empty maildir.
func empty(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "Maildir")
	for _, sub := range []string{"", "/tmp", "/new", "/cur"} {
		if err := os.Mkdir(dir+sub, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// names lists the files of a subdirectory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// untouched checks that nothing of a message is to be seen.
func untouched(t *testing.T, dir string) {
	t.Helper()
	for _, sub := range []string{"/tmp", "/new", "/cur"} {
		if _, err := os.Stat(dir + sub); err != nil {
			continue
		}
		if left := names(t, dir+sub); left != nil {
			t.Errorf("left in %s: %q", sub, left)
		}
	}
}

func TestDeliver(t *testing.T) {
	dir := empty(t)
	if err := Deliver(dir+"/", head, strings.NewReader(message)); err != nil {
		t.Fatal(err)
	}
	if left := names(t, dir+"/tmp"); left != nil {
		t.Errorf("left in tmp: %q", left)
	}
	found := names(t, dir+"/new")
	if len(found) != 1 {
		t.Fatalf("in new: %q", found)
	}
	host, _ := os.Hostname()
	if !regexp.MustCompile(`^[0-9]{10,}\.[0-9]+\.` + regexp.QuoteMeta(host) + `$`).MatchString(found[0]) {
		t.Errorf("name %q", found[0])
	}
	if got, _ := os.ReadFile(dir + "/new/" + found[0]); string(got) != head+message {
		t.Errorf("got %q", got)
	}
}

// TestDeliverSizes covers messages around the size of the buffer.
func TestDeliverSizes(t *testing.T) {
	for _, size := range []int{0, 1, 16384 - len(head) - 1, 16384 - len(head), 16384 - len(head) + 1, 16384, 100000} {
		dir := empty(t)
		want := strings.Repeat("x", size)
		for _, mess := range []io.Reader{strings.NewReader(want), iotest.OneByteReader(strings.NewReader(want)), iotest.DataErrReader(strings.NewReader(want))} {
			if err := Deliver(dir, head, mess); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range names(t, dir+"/new") {
			if got, _ := os.ReadFile(dir + "/new/" + name); string(got) != head+want {
				t.Errorf("size %d: got %d bytes", size, len(got))
			}
		}
	}
}

// TestDeliverOften delivers more than once in a second, each time under a name
// of its own.
func TestDeliverOften(t *testing.T) {
	dir := empty(t)
	for range 5 {
		if err := Deliver(dir, head, strings.NewReader(message)); err != nil {
			t.Fatal(err)
		}
	}
	if found := names(t, dir+"/new"); len(found) != 5 {
		t.Errorf("5 deliveries gave %q", found)
	}
}

func TestDeliverFails(t *testing.T) {
	long := strings.Repeat("a line\n", 10000)
	for _, row := range []struct {
		name   string
		damage func(dir string) error
		mess   io.Reader
		step   Step
	}{
		{"no maildir", os.RemoveAll, strings.NewReader(message), Enter},
		{"a file", func(dir string) error { os.RemoveAll(dir); return os.WriteFile(dir, nil, 0o600) }, strings.NewReader(message), Enter},
		{"no tmp", func(dir string) error { return os.Remove(dir + "/tmp") }, strings.NewReader(message), Write},
		{"no new", func(dir string) error { return os.Remove(dir + "/new") }, strings.NewReader(message), Write},
		{"new is a file", func(dir string) error { os.Remove(dir + "/new"); return os.WriteFile(dir+"/new", nil, 0o600) }, strings.NewReader(message), Write},
		{"unreadable message", nil, io.MultiReader(strings.NewReader(long), iotest.ErrReader(syscall.EIO)), Read},
		{"unreadable from the start", nil, iotest.ErrReader(syscall.EISDIR), Read},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := empty(t)
			if row.damage != nil {
				if err := row.damage(dir); err != nil {
					t.Fatal(err)
				}
			}
			err := Deliver(dir, head, row.mess)
			var failure *Error
			if !errors.As(err, &failure) || failure.Step != row.step {
				t.Errorf("got %v, want a failure at step %v", err, row.step)
			}
			for _, sub := range []string{"tmp", "new"} {
				if left, _ := os.ReadDir(dir + "/" + sub); len(left) > 0 {
					t.Errorf("left in %s: %v", sub, left)
				}
			}
		})
	}
}

func TestDeliverTimesOut(t *testing.T) {
	dir := empty(t)
	err := deliver(dir, head, strings.NewReader(message), time.Now().Add(-time.Second))
	var failure *Error
	if !errors.As(err, &failure) || failure.Step != Timeout {
		t.Errorf("got %v, want a timeout", err)
	}
	untouched(t, dir)
}

func TestDeliverRefused(t *testing.T) {
	if calltest.AsNobody(t) {
		return
	}
	for _, row := range []struct {
		name, sub string
		mode      os.FileMode
		step      Step
	}{
		{"maildir closed", "", 0o600, Enter},
		{"tmp closed", "/tmp", 0o500, Write},
		{"new closed", "/new", 0o500, Write},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := empty(t)
			os.Chmod(dir+row.sub, row.mode)
			defer os.Chmod(dir+row.sub, 0o700)
			err := Deliver(dir, head, strings.NewReader(message))
			var failure *Error
			if !errors.As(err, &failure) || failure.Step != row.step {
				t.Errorf("got %v, want a failure at step %v", err, row.step)
			}
			os.Chmod(dir+row.sub, 0o700)
			untouched(t, dir)
		})
	}
}

// TestDropBox delivers to a directory new that may be written but not read.
func TestDropBox(t *testing.T) {
	dir := empty(t)
	os.Chmod(dir+"/new", 0o300)
	err := Deliver(dir, head, strings.NewReader(message))
	os.Chmod(dir+"/new", 0o700)
	if err != nil || len(names(t, dir+"/new")) != 1 {
		t.Errorf("got %v", err)
	}
}
