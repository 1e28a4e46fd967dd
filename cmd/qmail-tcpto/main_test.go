package main

import (
	"testing"
	"time"

	"goqmail/lib/tcpto"
)

func TestAppendLine(t *testing.T) {
	r := tcpto.Record{10, 0, 255, 1, 127, 0, 0, 0, 0x10, 0x27, 0, 0, 0, 0, 0, 0} // 10000 seconds after 1970 began
	for now, want := range map[int64]string{
		10000: "10.0.255.1 timed out 0 seconds ago; # recent timeouts: 127\n",
		96400: "10.0.255.1 timed out 86400 seconds ago; # recent timeouts: 127\n",
		9999:  "10.0.255.1 timed out 18446744073709551615 seconds ago; # recent timeouts: 127\n", // a clock set back has always shown like this
	} {
		if got := string(appendLine(nil, r, time.Unix(now, 0))); got != want {
			t.Errorf("%d: %q, want %q", now, got, want)
		}
	}
	six := tcpto.Record{0: 0x20, 1: 1, 15: 0x35, 16: 2, 20: 100, 27: 0}
	if got, want := string(appendLine(nil, six, time.Unix(160, 0))), "2001::35 timed out 60 seconds ago; # recent timeouts: 2\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
