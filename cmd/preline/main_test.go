package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"goqmail/lib/call"
	"goqmail/lib/call/calltest"
)

const usage = "preline: usage: preline cmd [ arg ... ]\n"

var lines = call.Env{"UFLINE=From x\n", "RPLINE=Return-Path: <x>\n", "DTLINE=Delivered-To: y\n"}

func TestPreline(t *testing.T) {
	env := append(lines, "PATH="+os.Getenv("PATH"))
	long := strings.Repeat("long ", 50000)
	for _, c := range []struct {
		input string
		args  string
		want  calltest.Result
	}{
		{"mess\n", "cat", calltest.Result{Out: "From x\nReturn-Path: <x>\nDelivered-To: y\nmess\n"}},
		{"mess\n", "-f cat", calltest.Result{Out: "Return-Path: <x>\nDelivered-To: y\nmess\n"}},
		{"mess\n", "-fr cat", calltest.Result{Out: "Delivered-To: y\nmess\n"}},
		{"mess\n", "-frd cat", calltest.Result{Out: "mess\n"}},
		{"mess\n", "-frdFRD cat", calltest.Result{Out: "From x\nReturn-Path: <x>\nDelivered-To: y\nmess\n"}},
		{"", "-f -rd -- cat", calltest.Result{}},
		{long, "-frd cat", calltest.Result{Out: long}},
		{"mess\n", "true", calltest.Result{}},
		{"mess\n", "false", calltest.Result{Code: 1}},
		{long[:60000], "true", calltest.Result{}}, // it need not read what fits a pipe
		{long, "true", calltest.Result{Code: 111, Err: "preline: fatal: unable to copy input: broken pipe\n"}},
		{"mess\n", "", calltest.Result{Code: 100, Err: usage}},
		{"mess\n", "-f", calltest.Result{Code: 100, Err: usage}},
		{"mess\n", "-x cat", calltest.Result{Code: 100, Err: "test: illegal option -- x\n" + usage}},
		{"mess\n", "/nonexistent/program", calltest.Result{Code: 100, Err: "preline: fatal: unable to run /nonexistent/program: file does not exist\n"}},
		{"mess\n", "/etc/passwd", calltest.Result{Code: 100, Err: "preline: fatal: unable to run /etc/passwd: access denied\n"}},
	} {
		if got := calltest.Run(t, run, env, c.input, strings.Fields(c.args)...); got != c.want {
			t.Errorf("%s with %d bytes: got %.300s, want %.300s", c.args, len(c.input), fmt.Sprint(got), fmt.Sprint(c.want))
		}
	}
	for _, variable := range []string{"UFLINE", "RPLINE", "DTLINE"} {
		if got, want := calltest.Run(t, run, env.Without(variable), "", "cat"), (calltest.Result{Code: 100, Err: usage}); got != want {
			t.Errorf("without %s: got %+v, want %+v", variable, got, want)
		}
	}
	if got, want := calltest.Run(t, run, env, "", "sh", "-c", "kill -9 $$"), (calltest.Result{Code: 111, Err: "preline: fatal: child crashed\n"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Nobody reads why a program cannot be run: that is no reason to bounce.
func TestUnread(t *testing.T) {
	in, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	c := call.New([]string{"preline", "/nonexistent/program"}, lines, map[int]*os.File{0: in, 1: w, 2: w})
	if code := run(c); code != 111 {
		t.Errorf("code %d, want 111", code)
	}
}
