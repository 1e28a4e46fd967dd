package main

import (
	"os"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/call/calltest"
)

func TestMain(m *testing.M) {
	auto.Home = "/" // where qmail-queue is started
	os.Exit(m.Run())
}

func TestCondredirect(t *testing.T) {
	queue, got := calltest.Queue(t, "0")
	env := call.Env{"SENDER=you@a.example", "DTLINE=Delivered-To: me\n", "QMAILQUEUE=" + queue, "PATH=" + os.Getenv("PATH")}
	for _, c := range []struct {
		program []string
		want    calltest.Result
	}{
		{[]string{"sh", "-c", "exit 1"}, calltest.Result{}},
		{[]string{"sh", "-c", "exit 111"}, calltest.Result{Code: 111, Err: "condredirect: fatal: temporary child error\n"}},
		{nil, calltest.Result{Code: 100, Err: "condredirect: usage: condredirect newaddress program [ arg ... ]\n"}},
	} {
		if got := calltest.Run(t, run, env, "message\n", append([]string{"x@b.example"}, c.program...)...); got != c.want {
			t.Errorf("%q: got %+v, want %+v", c.program, got, c.want)
		}
	}

	// A program that reads the message does not eat it.
	r := calltest.Run(t, run, env, "message\n", "x@b.example", "sh", "-c", "grep -q message")
	if r.Code != 99 || !strings.HasPrefix(r.Err, "condredirect: qp ") {
		t.Errorf("got %+v", r)
	}
	mess, envelope := got()
	if mess != "Delivered-To: me\nmessage\n" || envelope != "Fyou@a.example\x00Tx@b.example\x00\x00" {
		t.Errorf("queued %q, %q", mess, envelope)
	}

	for _, variable := range []string{"SENDER", "DTLINE"} {
		want := calltest.Result{Code: 100, Err: "condredirect: fatal: " + variable + " not set\n"}
		if got := calltest.Run(t, run, env.Without(variable), "message\n", "x", "true"); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
