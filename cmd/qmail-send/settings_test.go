package main

import (
	"os"
	"slices"
	"testing"

	"goqmail/lib/auto"
)

// settings reads the control files of a lab that is not started.
func (l *lab) settings() *settings {
	l.Helper()
	s, err := readSettings()
	l.must(err)
	return s
}

// TestLimits: there are no more deliveries than the spawns can do, and HUP
// changes how many there are where that is asked for.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		extensions string
		want       int // remote, after HUP
	}{
		{"", 20},
		{"reread-concurrency\n", 3},
	} {
		l := newLab(t)
		l.control("extensions", c.extensions)
		l.control("concurrencylocal", "7\n")
		local, remote := &channel{deliveries: make([]delivery, 5)}, &channel{deliveries: make([]delivery, 50)}
		m := newManager(nil, new(logger), nil, l.settings(), local, remote)
		if local.limit != 5 || remote.limit != 20 || m.maxJobs != 25 {
			t.Errorf("limits %d and %d, %d jobs", local.limit, remote.limit, m.maxJobs)
		}
		l.control("concurrencyremote", "3\n")
		m.reread()
		if local.limit != 5 || remote.limit != c.want || m.maxJobs != 5+c.want {
			t.Errorf("with %q: limits %d and %d, %d jobs", c.extensions, local.limit, remote.limit, m.maxJobs)
		}
	}
}

func TestBounceSettings(t *testing.T) {
	for _, c := range []struct {
		extensions, doublebounceto, bouncemaxbytes string
		to                                         string
		none                                       bool
		max                                        int64
	}{
		{"", "boss\n", "-", "boss@me.example", false, 0},
		{"", "\n", "1000\n", "@me.example", false, 1000},
		{"doublebounce-trim\n", "boss\n", "-", "boss@me.example", false, 50000},
		{"doublebounce-trim\n", " \n", "0\n", "@me.example", true, 0},
		{"doublebounce-trim\n", "@x\n", "5\n", "@x@me.example", true, 5},
		{"", "bo\x00ss\n", "-", "bo", false, 0},
	} {
		l := newLab(t)
		l.control("extensions", c.extensions)
		l.control("doublebounceto", c.doublebounceto)
		if c.bouncemaxbytes != "-" {
			l.control("bouncemaxbytes", c.bouncemaxbytes)
		}
		s := l.settings()
		if s.doubleBounceTo != c.to || s.noDoubleBounce != c.none || s.bounceMax != c.max {
			t.Errorf("%+v: got %q, %v, %d", c, s.doubleBounceTo, s.noDoubleBounce, s.bounceMax)
		}
	}
}

// TestUnknownExtension: it is told, and stops nothing.
func TestUnknownExtension(t *testing.T) {
	l := newLab(t)
	l.control("extensions", "doublebounce-trim\nno-such\nnor-this\n")
	s := l.settings()
	want := []string{"unknown name in control/extensions: no-such", "unknown name in control/extensions: nor-this"}
	if !slices.Equal(s.unknown, want) || !s.extensions.Has("doublebounce-trim") {
		t.Errorf("got %q, %v", s.unknown, s.extensions)
	}
	l.must(os.Remove(auto.Home + "/control/extensions"))
	l.must(os.Mkdir(auto.Home+"/control/extensions", 0o700))
	if _, err := readSettings(); err == nil {
		t.Error("control/extensions is a directory, and nobody minds")
	}
}

// TestTrimmedBounce: a bounce says so if it leaves out a part of the message,
// and only then.
func TestTrimmedBounce(t *testing.T) {
	const stripped = "\n\n--- End of message stripped.\n"
	for max, want := range map[int64]string{
		0:  "Received: x\n\nhello\n",
		1:  "R" + stripped,
		18: "Received: x\n\nhello" + stripped,
		19: "Received: x\n\nhello\n",
		99: "Received: x\n\nhello\n",
	} {
		l := newLab(t)
		l.write(l.layout.Mess(1), "Received: x\n\nhello\n")
		l.write(l.layout.Bounce(1), "<x@y>:\nno\n\n")
		l.must(os.Chdir(auto.Home + "/queue"))
		b := bounce{l.settingsWith(max), "joe@a", l.layout.Bounce(1), l.layout.Mess(1)}
		l.must(b.send(nil, nil, func(int) {}))
		mess, err := os.ReadFile(auto.Home + "/mess")
		l.must(err)
		const head = "Return-Path: <joe@a>\n"
		if got := string(mess); len(got) < len(head+want) || got[len(got)-len(head+want):] != head+want {
			t.Errorf("%d bytes: got %q, want an end of %q", max, got, head+want)
		}
	}
}

func (l *lab) settingsWith(bounceMax int64) *settings {
	s := l.settings()
	s.bounceMax = bounceMax
	return s
}
