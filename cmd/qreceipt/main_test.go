package main

import (
	"os"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/call/calltest"
)

func TestMain(m *testing.M) {
	auto.Home = "/" // where qmail-queue is started
	os.Exit(m.Run())
}

func TestAnswer(t *testing.T) {
	queue, got := calltest.Queue(t, "0")
	env := call.Env{"SENDER=you there@b.example", "QMAILQUEUE=" + queue, "PATH=" + os.Getenv("PATH")}
	input := "Message-ID: <1@b>\nNotice-Requested-Upon-Delivery-To: other@x,\n (Me) <me@a.example>\nMessage-Id:\n <2@b>\n\nbody\n"
	if r := calltest.Run(t, run, env, input, "me@a.example"); r != (calltest.Result{}) {
		t.Errorf("got %+v", r)
	}
	mess, envelope := got()
	want := "From: DELIVERY NOTICE SYSTEM <\"you there\"@b.example>\n" +
		"To: <\"you there\"@b.example>\n" +
		"Subject: success notice\n\n" +
		"Hi! This is the qreceipt program. Your message was delivered to the\n" +
		"following address: me@a.example. Thanks for asking.\n" +
		"Your Message-Id:\n <2@b>\n"
	if mess != want {
		t.Errorf("message %q, want %q", mess, want)
	}
	if want := "F\x00Tyou there@b.example\x00\x00"; envelope != want {
		t.Errorf("envelope %q, want %q", envelope, want)
	}
}

func TestNoAnswer(t *testing.T) {
	queue := "QMAILQUEUE=/nonexistent" // must not be started
	ask := "Notice-Requested-Upon-Delivery-To: me@a.example\n"
	for _, c := range []struct{ sender, input string }{
		{"you@b", ""},
		{"you@b", "Subject: x\n\n" + ask},
		{"you@b", "Notice-Requested-Upon-Delivery-To: Me@a.example\n\n"},
		{"you@b", "Subject: x\nno field\n" + ask},
		{"", ask},
		{"#@[]", ask},
	} {
		if r := calltest.Run(t, run, call.Env{"SENDER=" + c.sender, queue}, c.input, "me@a.example"); r != (calltest.Result{}) {
			t.Errorf("%+v: got %+v", c, r)
		}
	}
}

func TestRefused(t *testing.T) {
	refusing, _ := calltest.Queue(t, "31")
	busy, _ := calltest.Queue(t, "53")
	ask := "Notice-Requested-Upon-Delivery-To: me@a.example\n"
	usage := calltest.Result{Code: 100, Err: "qreceipt: usage: qreceipt deliveryaddress\n"}
	for _, c := range []struct {
		env   call.Env
		input string
		args  []string
		want  calltest.Result
	}{
		{call.Env{"SENDER=x"}, ask, nil, usage},
		{nil, ask, []string{"me@a.example"}, usage},
		{call.Env{"SENDER=x"}, "Notice-Requested-Upon-Delivery-To: \"\n\n", []string{"x"}, calltest.Result{Code: 100,
			Err: "qreceipt: fatal: unable to parse this: Notice-Requested-Upon-Delivery-To: \"\n"}},
		{call.Env{"SENDER=x", "QMAILQUEUE=" + refusing}, ask, []string{"me@a.example"}, calltest.Result{Code: 100, Err: "qreceipt: fatal: permanent qmail-queue error\n"}},
		{call.Env{"SENDER=x", "QMAILQUEUE=" + busy}, ask, []string{"me@a.example"}, calltest.Result{Code: 111, Err: "qreceipt: fatal: temporary qmail-queue error\n"}},
	} {
		if got := calltest.Run(t, run, append(c.env, "PATH="+os.Getenv("PATH")), c.input, c.args...); got != c.want {
			t.Errorf("%v %q: got %+v, want %+v", c.env, c.args, got, c.want)
		}
	}
}
