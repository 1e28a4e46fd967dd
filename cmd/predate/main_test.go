package main

import (
	"os"
	"regexp"
	"testing"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/call/calltest"
	"goqmail/lib/localtime"
)

func TestPredate(t *testing.T) {
	env := call.Env{"PATH=" + os.Getenv("PATH"), "TZ=X-5:30"}
	got := calltest.Run(t, run, env, "Subject: s\n\nbody", "sh", "-c", "cat; exit 3")
	want := regexp.MustCompile(`^Date: \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000\nSubject: s\n\nbody$`)
	if got.Code != 3 || got.Err != "" || !want.MatchString(got.Out) {
		t.Errorf("got %+v", got)
	}
	for _, c := range []struct {
		args []string
		want calltest.Result
	}{
		{nil, calltest.Result{Code: 100, Err: "predate: usage: predate child\n"}},
		{[]string{"true"}, calltest.Result{}}, // it need not read
		{[]string{"/nonexistent/program"}, calltest.Result{Code: 111, Err: "predate: fatal: unable to run /nonexistent/program: file does not exist\n"}},
		{[]string{"sh", "-c", "kill -9 $$"}, calltest.Result{Code: 111, Err: "predate: fatal: child crashed\n"}},
	} {
		if got := calltest.Run(t, run, env, "message\n", c.args...); got != c.want {
			t.Errorf("%q: got %+v, want %+v", c.args, got, c.want)
		}
	}
}

func TestDateField(t *testing.T) {
	when := time.Date(2025, 11, 2, 23, 4, 5, 0, time.UTC)
	for zone, want := range map[string]string{
		"UTC":          "Date: 2 Nov 2025 23:04:05 +0000\n",
		"EST5":         "Date: 2 Nov 2025 18:04:05 -0500\n",
		"IST-5:30":     "Date: 3 Nov 2025 04:34:05 +0530\n",
		"LMT0:00:29":   "Date: 2 Nov 2025 23:03:36 -0000\n",
		"LMT0:00:30":   "Date: 2 Nov 2025 23:03:35 -0001\n",
		"LMT-11:59:31": "Date: 3 Nov 2025 11:03:36 +1200\n",
	} {
		if got := dateField(when, localtime.Load(call.Env{"TZ=" + zone})); got != want {
			t.Errorf("%s: %q, want %q", zone, got, want)
		}
	}
}
