package main

import (
	"os"
	"testing"

	"goqmail/lib/call"
	"goqmail/lib/call/calltest"
)

func TestBouncesaying(t *testing.T) {
	env := call.Env{"PATH=" + os.Getenv("PATH")}
	for _, c := range []struct {
		args []string
		want calltest.Result
	}{
		{nil, calltest.Result{Code: 100, Err: "bouncesaying: usage: bouncesaying error [ program [ arg ... ] ]\n"}},
		{[]string{"No mail here."}, calltest.Result{Code: 100, Err: "No mail here.\n"}},
		{[]string{"No mail here.", "true"}, calltest.Result{Code: 100, Err: "No mail here.\n"}},
		{[]string{"No mail here.", "grep", "-q", "mess"}, calltest.Result{Code: 100, Err: "No mail here.\n"}},
		{[]string{"No mail here.", "false"}, calltest.Result{}},
		{[]string{"No mail here.", "sh", "-c", "exit 111"}, calltest.Result{Code: 111, Err: "bouncesaying: fatal: temporary child error\n"}},
		{[]string{"", "true"}, calltest.Result{Code: 100, Err: "\n"}},
	} {
		if got := calltest.Run(t, run, env, "message\n", c.args...); got != c.want {
			t.Errorf("%q: got %+v, want %+v", c.args, got, c.want)
		}
	}
}
