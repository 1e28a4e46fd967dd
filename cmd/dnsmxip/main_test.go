package main

import (
	"testing"

	"goqmail/lib/call/calltest"
)

// What needs no name server.
func TestAddress(t *testing.T) {
	want := calltest.Result{Out: "192.0.2.1 0\n"}
	if got := calltest.Run(t, run, nil, "", "[192.0.2.1]"); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want = calltest.Result{Code: 100}
	if got := calltest.Run(t, run, nil, ""); got != want {
		t.Errorf("without an argument: got %+v, want %+v", got, want)
	}
}
