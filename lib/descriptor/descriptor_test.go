package descriptor

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	f, err := Open(name, syscall.O_RDWR|syscall.O_CREAT|syscall.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Write([]byte("hello")); n != 5 || err != nil {
		t.Errorf("Write: %d, %v", n, err)
	}
	if err := f.Sync(); err != nil {
		t.Error("Sync:", err)
	}
	if st, err := f.Stat(); st.Size != 5 || st.Mode != syscall.S_IFREG|0o600 || err != nil {
		t.Errorf("Stat: %+v, %v", st, err)
	}
	syscall.Seek(int(f), 0, io.SeekStart)
	if got, err := io.ReadAll(f); string(got) != "hello" || err != nil {
		t.Errorf("ReadAll: %q, %v", got, err)
	}
	if err := f.Close(); err != nil {
		t.Error("Close:", err)
	}
	if _, err := Open(name, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL, 0o600); err != syscall.EEXIST {
		t.Errorf("Open: %v, want %v", err, syscall.EEXIST)
	}
}

// TestNonBlocking: a pipe that is full does not stop the writer.
func TestNonBlocking(t *testing.T) {
	var p [2]int
	if err := syscall.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(p[0])
	w := File(p[1])
	defer w.Close()
	syscall.SetNonblock(p[1], true)
	if n, err := w.Write(make([]byte, 1<<24)); n == 0 || n == 1<<24 || err != syscall.EAGAIN {
		t.Errorf("got %d, %v, want a part and %v", n, err, syscall.EAGAIN)
	}
}

func TestReadAll(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	for _, size := range []int{0, 1, 511, 512, 513, 4096, 3 << 20} {
		want := bytes.Repeat([]byte("x"), size)
		if err := os.WriteFile(name, want, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadAll(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
	}
	if _, err := ReadAll(name + "x"); err != syscall.ENOENT {
		t.Errorf("no file: %v", err)
	}
	// A file of the system's that claims to be empty.
	if want, err := os.ReadFile("/proc/self/cmdline"); err == nil {
		if got, err := ReadAll("/proc/self/cmdline"); err != nil || !bytes.Equal(got, want) {
			t.Errorf("/proc/self/cmdline: got %q, %v, want %q", got, err, want)
		}
	}
}
