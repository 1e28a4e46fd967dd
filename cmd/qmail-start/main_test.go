package main

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPipes: the ends of pipes stay clear of the descriptors that they are to
// replace, even if those are free.
func TestPipes(t *testing.T) {
	s := system{log: os.Stdout}
	if err := s.makePipes(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []pipe{s.toLocal, s.fromLocal, s.toRemote, s.fromRemote, s.toClean, s.fromClean} {
		for _, end := range []*os.File{p.r, p.w} {
			if end.Fd() <= 6 {
				t.Errorf("descriptor %d", end.Fd())
			}
			if flags, err := unix.FcntlInt(end.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("descriptor %d passes on to all programs: %v, %v", end.Fd(), flags, err)
			}
			end.Close()
		}
	}
}

// TestNoOutput: with descriptor 1 closed and no logger nobody can speak.
func TestNoOutput(t *testing.T) {
	var s system
	if err := s.makePipes(); err != nil {
		t.Fatal(err)
	}
	if s.log != s.toLocal.r || s.toLocal.w != nil || s.fromLocal.w != nil || s.fromRemote.w != nil || s.fromClean.w != nil {
		t.Errorf("%+v", s)
	}
}

func TestAbove(t *testing.T) {
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	limit := int(f.Fd()) + 20
	g, err := above(limit, f)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if int(g.Fd()) <= limit {
		t.Errorf("descriptor %d, want more than %d", g.Fd(), limit)
	}
	if _, err := f.Stat(); err == nil {
		t.Error("the old descriptor is still open")
	}
	if h, err := above(3, g); h != g || err != nil {
		t.Errorf("got %v, %v: it was above already", h, err)
	}
}
