package main

import (
	"strings"
	"testing"

	"goqmail/lib/call"
	"goqmail/lib/call/calltest"
)

func TestExcerpt(t *testing.T) {
	for _, c := range []struct{ mess, want string }{
		{"", "    "},
		{"Subject: s\n\nbody\n", "    s\n\nbody\n"},
		{"subject :  \t s\n t\nSubject: u\n\nb", "    s\n t\nu\n\nb\n"},
		{"From: x\n\nbody\n", "    \nbody\n"},
		{"no header\nmore\n", "    \nno header\nmore\n"},
		{"Subject: " + strings.Repeat("x", 100) + "\n\nbody\n", "    " + strings.Repeat("x", 74)},
		{"\n" + strings.Repeat("y", 100000), "    \n" + strings.Repeat("y", 73)},
		{"Resent-Subject: r\n\n", "    \n"},
	} {
		if got, err := excerpt(strings.NewReader(c.mess)); got != c.want || err != nil {
			t.Errorf("excerpt(%.50q) = %q, %v; want %q", c.mess, got, err, c.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	if got, want := printable("a\x1b[2J\x00\x7f\xff~ \n", '/'), "a/[2J///~ /"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Nobody of that name is logged in, and variables may be missing.
func TestNobody(t *testing.T) {
	env := call.Env{"USER=no such user", "SENDER=x", "LOCAL=y"}
	for _, env := range []call.Env{env, env[:2], env[1:], nil} {
		if got := calltest.Run(t, run, env, "Subject: x\n\n"); got != (calltest.Result{}) {
			t.Errorf("with %q: got %+v", env, got)
		}
	}
}
