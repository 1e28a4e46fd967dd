//go:build linux && (amd64 || arm64)

package entry

import (
	"debug/elf"
	"os/exec"
	"testing"
)

// writable is how much memory a program's file asks for that can be written.
func writable(t *testing.T, name string) (n uint64) {
	t.Helper()
	f, err := elf.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_W != 0 {
			n += p.Memsz
		}
	}
	return n
}

// A program from which scripts/lean.go took most of its .bss asks for less, and
// gets it all in the end.
func TestLean(t *testing.T) {
	for _, symbol := range []string{"_goqmail_entry", "_goqmail_brief"} {
		probe := build(t, symbol)
		before := writable(t, probe)
		for range 2 { // a second time changes nothing
			if out, err := exec.Command("go", "run", "../../scripts/lean.go", probe).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		if after := writable(t, probe); after > before-100000 {
			t.Errorf("%s: asks for %d bytes, %d before", symbol, after, before)
		}
		check(t, symbol+" without limits", shell(t, `exec "$0"`, probe), map[string]string{"raised": "true"})
		check(t, symbol+" under limits", shell(t, `ulimit -S -v 1953; ulimit -S -d 1953; exec "$0"`, probe),
			map[string]string{"raised": "true", "memory": "1999872"})
	}
}
