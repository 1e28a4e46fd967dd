package main

import (
	"testing"
	"time"

	"goqmail/lib/queue"
)

func TestLike(t *testing.T) {
	for _, c := range []struct {
		address, pattern string
		want             bool
	}{
		{"joe@a.example", "joe@a.example", true},
		{"Joe@A.example", "jOE@a.EXAMPLE", true},
		{"joe@a.example", "*@a.example", true},
		{"joe@b.example", "*@a.example", false},
		{"joe@a.example", "*", true},
		{"", "*", true},
		{"", "", true},
		{"joe@a.example", "", false},
		{"joe@a.example", "joe@?.example", true},
		{"joe@aa.example", "joe@?.example", false},
		{"aXbXc", "a*x*c", true},
		{"abcabd", "*abd", true},
		{"abcab", "*abd", false},
		{"joe@a.example", "joe", false},
		{"joe@a.example", "joe**", true},
		{"[x]", "[x]", true}, // nothing else is special
		{"x", "[x]", false},
	} {
		if got := like(c.address, c.pattern); got != c.want {
			t.Errorf("like(%q, %q) = %v", c.address, c.pattern, got)
		}
	}
}

func FuzzLike(f *testing.F) {
	f.Add("joe@a.example", "*@?.example")
	f.Fuzz(func(t *testing.T, address, pattern string) {
		got := like(address, pattern)
		if !like(address, "*") || got && !like("x"+address, "*"+pattern) || got && !like(address+"y", pattern+"?") {
			t.Errorf("%q, %q", address, pattern)
		}
	})
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		ok   bool
	}{
		{"no command", nil, false},
		{"unknown command", []string{"purge"}, false},
		{"list is of all", []string{"list"}, true},
		{"delete is not", []string{"delete"}, false},
		{"unless told", []string{"delete", "-a"}, true},
		{"a number", []string{"delete", "457"}, true},
		{"a number of qmail-qread", []string{"delete", "#457"}, true},
		{"no number", []string{"delete", "joe"}, false},
		{"a sender", []string{"hold", "-f", ""}, true},
		{"a channel", []string{"hold", "-c", "remote"}, true},
		{"no channel", []string{"hold", "-c", "far"}, false},
		{"ages", []string{"retry", "-o", "30m", "-n", "7d"}, true},
		{"no age", []string{"retry", "-o", "7w"}, false},
		{"an age below 0", []string{"retry", "-o", "-7"}, false},
		{"an age for ever", []string{"retry", "-o", "9223372036854775807d"}, false},
		{"sizes", []string{"bounce", "-s", "20k", "-S", "5M"}, true},
		{"no size", []string{"bounce", "-s", "k"}, false},
		{"an option of another", []string{"delete", "-m", "x", "1"}, false},
		{"an option without its argument", []string{"delete", "-f"}, false},
		{"fix", []string{"fix"}, true},
		{"fix, and do it", []string{"fix", "-y"}, true},
		{"fix is of all", []string{"fix", "457"}, false},
	} {
		if _, err := parse(append([]string{"qmail-q"}, c.args...)); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestFits(t *testing.T) {
	now := time.Now()
	m := &message{sender: "joe@a", size: 2000, arrived: now.Add(-time.Hour), recipients: []recipient{
		{0, queue.Done, "done@b", 0}, {0, queue.ToDo, "sue@b", 8}, {1, queue.Held, "tom@c", 0},
	}}
	for _, c := range []struct {
		name string
		args []string
		want bool
	}{
		{"all", []string{"-a"}, true},
		{"the sender", []string{"-f", "joe@*"}, true},
		{"another", []string{"-f", ""}, false},
		{"a recipient", []string{"-r", "sue@b"}, true},
		{"one who is held", []string{"-r", "tom@c"}, true},
		{"one who is done", []string{"-r", "done@b"}, false},
		{"a channel", []string{"-c", "remote"}, true},
		{"a recipient of another channel", []string{"-c", "remote", "-r", "sue@b"}, false},
		{"older", []string{"-o", "59m"}, true},
		{"not so old", []string{"-o", "61m"}, false},
		{"newer", []string{"-n", "61m"}, true},
		{"not so new", []string{"-n", "59m"}, false},
		{"bigger", []string{"-s", "1k"}, true},
		{"not so big", []string{"-s", "2k"}, false},
		{"smaller", []string{"-S", "2k"}, true},
		{"not so small", []string{"-S", "2000"}, false},
		{"sender, but not the recipient", []string{"-f", "joe@a", "-r", "joe@a"}, false},
	} {
		o, err := parse(append([]string{"qmail-q", "list"}, c.args...))
		if err != nil || o.which.fits(m, now) != c.want {
			t.Errorf("%s: %v, %v", c.name, !c.want, err)
		}
	}
}
