package mbox

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"goqmail/lib/descriptor"
)

const head = "From joe@a.example Tue Mar 05 03:03:02 2024\nReturn-Path: <joe@a.example>\nDelivered-To: john@b.example\n"

// TestAppend delivers the messages of testdata one after the other.
// testdata/john.mbox is what qmail-local makes of them.
func TestAppend(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mbox")
	for _, message := range []string{"testdata/plain", "testdata/quoted", "testdata/unfinished"} {
		f, err := os.Open(message)
		if err != nil {
			t.Fatal(err)
		}
		if err := Append(name, head, f); err != nil {
			t.Fatalf("%s: %v", message, err)
		}
		f.Close()
	}
	want, err := os.ReadFile("testdata/john.mbox")
	if err != nil {
		t.Fatal(err)
	}
	if got := content(t, name); got != string(want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestAppendFails checks that a delivery that fails leaves the mbox as it was.
func TestAppendFails(t *testing.T) {
	old := head + "\nold\n\n"
	name := filepath.Join(t.TempDir(), "mbox")
	if err := os.WriteFile(name, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	cut := io.MultiReader(strings.NewReader(strings.Repeat("a line\n", 5000)), iotest.ErrReader(syscall.EIO))
	err := Append(name, head, cut)
	var failure *Error
	if !errors.As(err, &failure) || failure.Step != Read || !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v, want a failure to read", err)
	}
	if got := content(t, name); got != old {
		t.Errorf("the mbox holds %q", got)
	}
}

func TestAppendRefuses(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		step Step
		err  error
		text string
	}{
		{dir, Open, syscall.EISDIR, "is a directory"},
		{dir + "/missing/mbox", Open, syscall.ENOENT, "file does not exist"},
		{fifo, Open, syscall.ENXIO, "device not configured"}, // nobody reads it
		{"/dev/full", Write, syscall.ENOSPC, "out of disk space"},
		{"/dev/null", Write, syscall.EINVAL, "invalid argument"}, // not a place to sync
	} {
		if _, err := os.Stat(row.name); err != nil && strings.HasPrefix(row.name, "/dev/") {
			t.Log("not tested:", err)
			continue
		}
		err := Append(row.name, head, strings.NewReader("x\n"))
		var failure *Error
		if !errors.As(err, &failure) || failure.Step != row.step || !errors.Is(err, row.err) || err.Error() != row.text {
			t.Errorf("%s: got %v, want step %v, %v", row.name, err, row.step, row.err)
		}
	}
}

func open(t *testing.T, name string) descriptor.File {
	t.Helper()
	f, err := descriptor.Open(name, syscall.O_RDWR|syscall.O_CREAT, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestLockTimesOut(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mbox")
	reader := open(t, name)
	if err := flock(reader, syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	var failure *Error
	locked, err := lock(open(t, name), time.Millisecond)
	if locked || !errors.As(err, &failure) || failure.Step != Lock {
		t.Fatalf("got %v, %v, want a lock that is not free", locked, err)
	}
	// The call that was left behind must not keep the lock once it has it.
	reader.Close()
	next := open(t, name)
	defer next.Close()
	if locked, err := lock(next, time.Minute); !locked || err != nil {
		t.Errorf("got %v, %v, want the lock", locked, err)
	}
}

func TestLockWaits(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mbox")
	reader := open(t, name)
	if err := flock(reader, syscall.LOCK_SH); err != nil { // readers may share theirs
		t.Fatal(err)
	}
	delivered := make(chan error)
	go func() { delivered <- Append(name, head, strings.NewReader("x\n")) }()
	if got := content(t, name); got != "" {
		t.Errorf("written before the lock was free: %q", got)
	}
	reader.Close()
	if err := <-delivered; err != nil {
		t.Error(err)
	}
}

// TestAppendNoRoom lets the file reach a size limit, which stands for a full
// disk.
func TestAppendNoRoom(t *testing.T) {
	old := head + "\nold\n\n"
	name := filepath.Join(t.TempDir(), "mbox")
	if err := os.WriteFile(name, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = 20000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &low); err != nil {
		t.Fatal(err)
	}
	err := Append(name, head, strings.NewReader(strings.Repeat("a line\n", 5000)))
	syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	var failure *Error
	if !errors.As(err, &failure) || failure.Step != Write || !errors.Is(err, syscall.EFBIG) {
		t.Errorf("got %v, want a failure to write", err)
	}
	if got := content(t, name); got != old {
		t.Errorf("the mbox holds %d bytes, want %d", len(got), len(old))
	}
}
