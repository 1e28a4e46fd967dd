package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/control"
	"goqmail/lib/queue"
	"goqmail/lib/route"
)

var testRoutes = &route.Table{
	DefaultHost: "me.example",
	Locals:      control.NewSet([]string{"here.example", "me.example"}),
	Virtual:     control.NewMap([]string{"v.example:virt", "ann@v.example:ann-box"}),
}

// preprocess runs the preprocessor over message 9 of a lab that is not
// started, and makes files of what it found.
func (l *lab) preprocess() *preprocessed {
	l.must(os.Chdir(auto.Home + "/queue")) // newLab sees to the way back
	p := preprocessor{layout: l.layout, routes: testRoutes, num: 9}
	result := p.run()
	if result.ok {
		if err := result.storeAll(); err != nil {
			p.print("warning: ", err.Error())
			result.ok = false
		}
	}
	return result
}

// TestPreprocessAgain: what an attempt that was interrupted left is replaced.
func TestPreprocessAgain(t *testing.T) {
	l := newLab(t)
	l.arrive(9, "joe@a", "john@here.example", "sue@b", "ann@v.example")
	l.write(l.layout.Info(9), "Fold\x00")
	l.write(l.layout.Local(9), "Told@here.example\x00")
	l.write(l.layout.Remote(9), "Told@b\x00")
	result := l.preprocess()
	if !result.ok || result.listed != [2]bool{true, true} {
		t.Errorf("got %+v", result)
	}
	for name, want := range map[queue.Name]string{
		l.layout.Info(9):   "Fjoe@a\x00",
		l.layout.Local(9):  "Tjohn@here.example\x00Tann-box-ann@v.example\x00",
		l.layout.Remote(9): "Tsue@b\x00",
	} {
		if got := l.read(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		if fi, err := os.Stat(name.Path()); err != nil || fi.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, fi.Mode(), err)
		}
	}
}

// TestPreprocessRefused: whatever goes wrong, the log says so in the end, and
// todo is still there for another attempt.
func TestPreprocessRefused(t *testing.T) {
	begun := []string{"new msg 9", "info msg 9: bytes 19 from <joe@a> qp 77 uid 1000"}
	for _, c := range []struct {
		warning string
		spoil   string // removed, then made a directory if the name ends in /
		begun   int    // lines before the warning
	}{
		{"unable to open todo/9", "todo/9", 0},
		{"unable to stat mess/9/9", "mess/9/9", 0},
		{"unable to unlink local/9/9", "local/9/9/", 0},
		{"unable to unlink remote/9/9", "remote/9/9/", 0},
		{"unable to unlink info/9/9", "info/9/9/", 0},
		{"unable to create info/9/9", "info/9", 0},
		{"unable to create local/9/9", "local/9", 2},
		{"unable to create remote/9/9", "remote/9", 2},
		{"trouble reading todo/9", "todo/9/", 1},
	} {
		t.Run(c.warning, func(t *testing.T) {
			l := newLab(t)
			l.arrive(9, "joe@a", "john@here.example", "sue@b")
			spoiled := "queue/" + strings.TrimSuffix(c.spoil, "/")
			l.must(os.RemoveAll(spoiled))
			if strings.HasSuffix(c.spoil, "/") {
				l.must(os.Mkdir(spoiled, 0o700))
			}
			result := l.preprocess()
			if want := append(slices.Clone(begun[:c.begun]), "warning: "+c.warning); result.ok || !slices.Equal(result.log, want) {
				t.Errorf("got %v, %q, want %q", result.ok, result.log, want)
			}
			if c.spoil != "todo/9" && l.read("todo/9") == "-" && c.spoil != "todo/9/" {
				t.Error("todo is gone")
			}
		})
	}
}

// FuzzPreprocess: whatever is in todo, what is logged is one line each, and if
// the message was taken, then with every recipient and no other.
func FuzzPreprocess(f *testing.F) {
	for _, s := range []string{
		"u1000\x00p77\x00Fjoe@a\x00Tjohn@here.example\x00Tsue@b\x00",
		"Fa\x00Fb\x00Tx", "T\x00", "\x00", "Z\x00", "u\x00p18446744073709551616\x00F\n%\xff\x00",
	} {
		f.Add(s)
	}
	layout := newLab(f).layout
	f.Fuzz(func(t *testing.T, todo string) {
		l := &lab{TB: t, layout: layout}
		l.write(l.layout.Mess(9), "")
		l.write(l.layout.Todo(9), todo)
		result := l.preprocess()
		for _, line := range result.log {
			if strings.ContainsAny(line, "\n\x00") {
				t.Errorf("log: %q", line)
			}
		}
		if !result.ok {
			return
		}
		var want [2]string
		for _, record := range strings.SplitAfter(todo, "\x00") {
			if strings.HasPrefix(record, "T") && strings.HasSuffix(record, "\x00") {
				address, local := testRoutes.Route(record[1 : len(record)-1])
				i := 1
				if local {
					i = 0
				}
				want[i] += "T" + address + "\x00"
			}
		}
		for i, name := range []queue.Name{l.layout.Local(9), l.layout.Remote(9)} {
			got := l.read(name)
			if result.listed[i] != (got != "-") || strings.TrimPrefix(got, "-") != want[i] {
				t.Errorf("%s: got %q, want %q", name, got, want[i])
			}
		}
	})
}
