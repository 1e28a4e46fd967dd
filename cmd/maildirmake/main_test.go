package main

import (
	"os"
	"syscall"
	"testing"

	"goqmail/lib/call"
	"goqmail/lib/call/calltest"
)

func TestMaildirmake(t *testing.T) {
	name := t.TempDir() + "/Maildir"
	run := func(c *call.Call) int {
		defer syscall.Umask(syscall.Umask(0o277))
		return run(c)
	}
	if got := calltest.Run(t, run, nil, "", name); got != (calltest.Result{}) {
		t.Fatalf("got %+v", got)
	}
	for _, dir := range []string{"", "/tmp", "/new", "/cur"} {
		if info, err := os.Stat(name + dir); err != nil || info.Mode() != os.ModeDir|0o700 {
			t.Errorf("%s: %v, %v", name+dir, info, err)
		}
	}
	for _, c := range []struct {
		args []string
		want calltest.Result
	}{
		{nil, calltest.Result{Code: 100, Err: "maildirmake: usage: maildirmake name\n"}},
		{[]string{name}, calltest.Result{Code: 111, Err: "maildirmake: fatal: unable to mkdir " + name + ": file already exists\n"}},
		{[]string{name + "/a/b"}, calltest.Result{Code: 111, Err: "maildirmake: fatal: unable to mkdir " + name + "/a/b: file does not exist\n"}},
		{[]string{""}, calltest.Result{Code: 111, Err: "maildirmake: fatal: unable to mkdir : file does not exist\n"}},
	} {
		if got := calltest.Run(t, run, nil, "", c.args...); got != c.want {
			t.Errorf("%q: got %+v, want %+v", c.args, got, c.want)
		}
	}
}
