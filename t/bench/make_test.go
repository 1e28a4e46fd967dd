//go:build linux

package main

import (
	"os/exec"
	"testing"
)

// What make bench says by itself, where neither make nor go does anything.
func TestMakeBench(t *testing.T) {
	for work, want := range map[string]string{
		"latency -n 1": "",
		"all -n 1":     "1,000 remote deliveries at a time, with programs built for so many:\n",
	} {
		out, err := exec.Command("make", "-s", "-C", "../..", "bench", "REF=/nowhere", "WORK="+work, "MAKE=:", "GO=:").CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("WORK=%q: %v\n%s", work, err, out)
		}
	}
}
