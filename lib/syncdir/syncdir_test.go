package syncdir

import (
	"os"
	"syscall"
	"testing"
)

func TestSync(t *testing.T) {
	dir := t.TempDir()
	if err := Sync(dir); err != nil {
		t.Error(err)
	}
	file := dir + "/file"
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Sync(file); err != syscall.ENOTDIR {
		t.Errorf("a file: %v", err)
	}
	if err := Sync(dir + "/missing"); err != syscall.ENOENT {
		t.Errorf("nothing: %v", err)
	}
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	if err := d.Sync(); err != syscall.EBADF {
		t.Errorf("closed: %v", err)
	}
}
