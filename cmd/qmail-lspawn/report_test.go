package main

import (
	"strings"
	"testing"

	"goqmail/lib/spawn"
)

func TestReport(t *testing.T) {
	const said = "some text\n"
	set := map[int]string{
		112: "ZInternal qmail-lspawn bug.\n",
		113: "ZNot allowed to perform deliveries as root.\n",
		115: "ZNFS failure in qmail-local.\n",
		116: "ZUnable to find alias user!\n",
		117: "ZTrouble reading users/cdb in qmail-lspawn.\n",
		118: "ZTemporary failure in qmail-lspawn.\n",
		119: "ZOut of memory in qmail-lspawn.\n",
		120: "ZUnable to run qmail-local.\n",
		121: "ZUnable to run qmail-getpw.\n",
		126: "DUnable to run qmail-local.\n",
		0:   "K" + said,
		71:  "Z" + said, 74: "Z" + said, 75: "Z" + said, 111: "Z" + said,
	}
	for code := range 256 {
		want, ok := set[code]
		if !ok {
			want = "D" + said
		}
		if got := report(spawn.Ended{Output: []byte(said), Code: code}); got != want {
			t.Errorf("code %d: %q, want %q", code, got, want)
		}
	}
	if got := report(spawn.Ended{Output: []byte(said), Code: -1, Crashed: true}); got != "Zqmail-local crashed.\n" {
		t.Errorf("crashed: %q", got)
	}
}

func TestKeep(t *testing.T) {
	collect := func(size int) string {
		var output []byte
		for size > 0 {
			n := min(size, 128)
			output = keep(output, []byte(strings.Repeat("x", n)))
			size -= n
		}
		return string(output)
	}
	cut := strings.Repeat("x", 2966) + "\nError report too long, sorry.\n"
	for size, want := range map[int]string{
		0: "", 3000: strings.Repeat("x", 3000), 3001: cut, 40000: cut,
		// What is read after a cut is added, as long as there is room.
		3072 + 1: cut + "x", 3072 + 3: cut + "xxx", 3072 + 4: cut,
	} {
		if got := collect(size); got != want {
			t.Errorf("%d bytes: %d, ...%q", size, len(got), got[max(0, len(got)-40):])
		}
	}
}
