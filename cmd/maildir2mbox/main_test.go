package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/call/calltest"
)

// home makes a maildir, M, with the messages given by name, a minute apart from
// the start of 2001 on in the order of order.
func home(t *testing.T, messages map[string]string, order ...string) (dir string, env call.Env) {
	t.Helper()
	dir = t.TempDir()
	for _, sub := range []string{"new", "cur", "tmp"} {
		if err := os.MkdirAll(dir+"/M/"+sub, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range order {
		file := dir + "/M/" + name
		if err := os.WriteFile(file, []byte(messages[name]), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Date(2001, 1, 1, 0, i, 0, 0, time.UTC)
		if err := os.Chtimes(file, when, when); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir) // the program leaves it, and t comes back
	return dir, call.Env{"MAILDIR=" + dir + "/M", "MAIL=" + dir + "/mbox", "MAILTMP=" + dir + "/mbox.tmp"}
}

func TestMaildir2mbox(t *testing.T) {
	dir, env := home(t, map[string]string{
		"new/a": "Return-Path: <joe smith@a.example>\nSubject: 1\n\nFrom here\n>From there\n",
		"cur/b": "Return-Path: <>\n\nbounce\n",
		"new/c": "Subject: 3\n\nlost tail",
	}, "cur/b", "new/a", "new/c")
	if err := os.WriteFile(dir+"/mbox", []byte("old\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := calltest.Run(t, run, env, ""); got != (calltest.Result{}) {
		t.Fatalf("got %+v", got)
	}
	data, _ := os.ReadFile(dir + "/mbox")
	want := "old\n" +
		"From MAILER-DAEMON Mon Jan 01 00:00:00 2001\nReturn-Path: <>\n\nbounce\n\n" +
		"From joe-smith@a.example Mon Jan 01 00:01:00 2001\nReturn-Path: <joe smith@a.example>\nSubject: 1\n\n>From here\n>>From there\n\n" +
		"From XXX Mon Jan 01 00:02:00 2001\nSubject: 3\n\n\n"
	if string(data) != want {
		t.Errorf("mbox\n%s\nwant\n%s", data, want)
	}
	for _, sub := range []string{"new", "cur"} {
		if left, _ := os.ReadDir(dir + "/M/" + sub); len(left) != 0 {
			t.Errorf("left in %s: %v", sub, left)
		}
	}
	if _, err := os.Stat(dir + "/mbox.tmp"); !os.IsNotExist(err) {
		t.Error("mbox.tmp is left: ", err)
	}

	// With nothing to move, nothing happens.
	if got := calltest.Run(t, run, env, ""); got != (calltest.Result{}) {
		t.Errorf("got %+v", got)
	}
}

// MAIL and MAILTMP are relative to the maildir.
func TestRelative(t *testing.T) {
	dir, env := home(t, map[string]string{"new/a": "x\n"}, "new/a")
	if got := calltest.Run(t, run, append(env[:1], "MAIL=../in", "MAILTMP=../in.tmp"), ""); got != (calltest.Result{}) {
		t.Errorf("got %+v", got)
	}
	if _, err := os.Stat(dir + "/in"); err != nil {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	dir, env := home(t, map[string]string{"new/a": "x\n"}, "new/a")
	if err := os.WriteFile(dir+"/mbox", []byte("old\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ variable, want string }{
		{"MAIL", "MAIL not set"},
		{"MAILTMP", "MAILTMP not set"},
		{"MAILDIR", "MAILDIR not set"},
		{"MAILDIR=/nonexistent", "unable to chdir to /nonexistent: file does not exist"},
		{"MAIL=/nonexistent/mbox", "unable to lock /nonexistent/mbox: file does not exist"},
		{"MAILTMP=/nonexistent/mbox", "unable to create /nonexistent/mbox: file does not exist"},
		{"MAILTMP=/dev/full", "unable to write to /dev/full: out of disk space"},
	} {
		name, value, set := strings.Cut(c.variable, "=")
		changed := env.Without(name)
		if set {
			changed = changed.With(name, value)
		}
		want := calltest.Result{Code: 111, Err: "maildir2mbox: fatal: " + c.want + "\n"}
		if got := calltest.Run(t, run, changed, ""); got != want {
			t.Errorf("%s: got %+v, want %+v", c.variable, got, want)
		}
	}
	if data, _ := os.ReadFile(dir + "/mbox"); string(data) != "old\n" {
		t.Errorf("mbox is %q", data)
	}
	if data, _ := os.ReadFile(dir + "/M/new/a"); string(data) != "x\n" {
		t.Errorf("the message is %q", data)
	}
}
