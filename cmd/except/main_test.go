package main

import (
	"os"
	"testing"

	"goqmail/lib/call"
	"goqmail/lib/call/calltest"
)

func TestExcept(t *testing.T) {
	env := call.Env{"PATH=" + os.Getenv("PATH")}
	for _, c := range []struct {
		args []string
		want calltest.Result
	}{
		{nil, calltest.Result{Code: 100, Err: "except: usage: except program [ arg ... ]\n"}},
		{[]string{"true"}, calltest.Result{Code: 100}},
		{[]string{"false"}, calltest.Result{}},
		{[]string{"sh", "-c", "exit 100"}, calltest.Result{}},
		{[]string{"sh", "-c", "exit 111"}, calltest.Result{Code: 111, Err: "except: fatal: temporary child error\n"}},
		{[]string{"sh", "-c", "kill -9 $$"}, calltest.Result{Code: 111, Err: "except: fatal: child crashed\n"}},
		{[]string{"no-such-program"}, calltest.Result{}},
	} {
		if got := calltest.Run(t, run, env, "message\n", c.args...); got != c.want {
			t.Errorf("%q: got %+v, want %+v", c.args, got, c.want)
		}
	}
}
