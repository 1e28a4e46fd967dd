package main

import (
	"os"
	"regexp"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/call/calltest"
)

func TestMain(m *testing.M) {
	auto.Home = "/" // where qmail-queue is started
	os.Exit(m.Run())
}

func TestForward(t *testing.T) {
	queue, got := calltest.Queue(t, "0")
	env := call.Env{"NEWSENDER=me@a.example", "DTLINE=Delivered-To: me@a.example\n", "QMAILQUEUE=" + queue, "PATH=" + os.Getenv("PATH")}
	r := calltest.Run(t, run, env, "Subject: s\n\nbody", "x@b.example", "", "odd y@c")
	if r.Code != 0 || r.Out != "" || !regexp.MustCompile(`^forward: qp \d+\n$`).MatchString(r.Err) {
		t.Errorf("got %+v", r)
	}
	mess, envelope := got()
	if want := "Delivered-To: me@a.example\nSubject: s\n\nbody"; mess != want {
		t.Errorf("message %q, want %q", mess, want)
	}
	if want := "Fme@a.example\x00Tx@b.example\x00T\x00Todd y@c\x00\x00"; envelope != want {
		t.Errorf("envelope %q, want %q", envelope, want)
	}
}

func TestRefused(t *testing.T) {
	refusing, _ := calltest.Queue(t, "31")
	busy, _ := calltest.Queue(t, "53")
	sender, dtline := "NEWSENDER=", "DTLINE=Delivered-To: x\n"
	for _, c := range []struct {
		name string
		env  call.Env
		want calltest.Result
	}{
		{"no sender", call.Env{dtline}, calltest.Result{Code: 100, Err: "forward: fatal: NEWSENDER not set\n"}},
		{"no line", call.Env{sender}, calltest.Result{Code: 100, Err: "forward: fatal: DTLINE not set\n"}},
		{"refused", call.Env{sender, dtline, "QMAILQUEUE=" + refusing}, calltest.Result{Code: 100, Err: "forward: fatal: mail server permanently rejected message (#5.3.0)\n"}},
		{"put off", call.Env{sender, dtline, "QMAILQUEUE=" + busy}, calltest.Result{Code: 111, Err: "forward: fatal: qq write error or disk full (#4.3.0)\n"}},
		{"no queue", call.Env{sender, dtline, "QMAILQUEUE=/nonexistent"}, calltest.Result{Code: 111, Err: "forward: fatal: unable to exec qq (#4.3.0)\n"}},
	} {
		if got := calltest.Run(t, run, append(c.env, "PATH="+os.Getenv("PATH")), "message\n", "x@y"); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}
