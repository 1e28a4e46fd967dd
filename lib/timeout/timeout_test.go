package timeout

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"
)

// pipes gives a pipe in each of the two modes a descriptor can be in.
func pipes(t *testing.T) map[string][2]*os.File {
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][2]*os.File{
		"blocking":     {os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")},
		"non-blocking": {r, w},
	}
}

func TestRead(t *testing.T) {
	for mode, p := range pipes(t) {
		for _, limit := range []time.Duration{0, time.Minute, time.Hour} {
			io.WriteString(p[1], "x")
			b := make([]byte, 8)
			if n, err := (Reader{p[0], limit}).Read(b); n != 1 || err != nil {
				t.Errorf("%s, %v: got %d, %v", mode, limit, n, err)
			}
		}
		for _, limit := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond} {
			start := time.Now()
			n, err := (Reader{p[0], limit}).Read(make([]byte, 8))
			if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) < limit {
				t.Errorf("%s, %v: got %d, %v after %v", mode, limit, n, err, time.Since(start))
			}
		}
		if _, err := (Reader{p[0], -1}).Read(make([]byte, 8)); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s: negative limit: %v", mode, err)
		}
		p[1].Close()
		if _, err := (Reader{p[0], time.Hour}).Read(make([]byte, 8)); err != io.EOF {
			t.Errorf("%s: at end: %v", mode, err)
		}
		p[0].Close()
		if _, err := (Reader{p[0], time.Hour}).Read(make([]byte, 8)); err == nil {
			t.Errorf("%s: no error when closed", mode)
		}
	}
	if _, err := (Reader{nil, time.Hour}).Read(make([]byte, 8)); err == nil {
		t.Error("no error without a file")
	}
}

func TestWrite(t *testing.T) {
	for mode, p := range pipes(t) {
		piece := bytes.Repeat([]byte{'x'}, 4096)
		if n, err := (Writer{p[1], time.Hour}).Write(piece); n != len(piece) || err != nil {
			t.Errorf("%s: %d bytes, %v", mode, n, err)
		}
		w := Writer{p[1], 5 * time.Millisecond}
		var err error
		for err == nil {
			_, err = w.Write(piece)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", mode, err)
		}
		p[0].Close()
		p[1].Close()
		if _, err := w.Write(piece); err == nil {
			t.Errorf("%s: no error when closed", mode)
		}
	}
	if _, err := (Writer{nil, time.Hour}).Write([]byte("x")); err == nil {
		t.Error("no error without a file")
	}
}

// A regular file is always ready.
func TestRegular(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := (Writer{f, time.Hour}).Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := (Reader{f, time.Hour}).Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
}
