//go:build linux && (amd64 || arm64)

package child

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// build builds a program of testdata to start at lib/entry.
func build(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-ldflags", "-E _goqmail_entry", "-o", file, "./testdata/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// Under softlimit, programs must start with the old limits although the runtime
// of the process that starts them needs memory at the same time.
func TestStartUnderLimits(t *testing.T) {
	file := build(t, "crowd")
	script := `ulimit -S -v 20000; ulimit -S -d 20000; exec "$0" sh -c '[ "$(ulimit -S -v)" = 20000 ] && [ "$(ulimit -S -d)" = 20000 ] && [ "$(id -u)" != 0 ]'`
	if os.Getuid() == 0 {
		script = script[:len(script)-1] + ` && [ "$(id -u):$(id -g):$(id -G)" = "12:34:34 56" ]'`
	}
	if out, err := exec.Command("sh", "-c", script, file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	// The errors are exec's own.
	for program, want := range map[string]string{"/nonexistent/program": "100", "/etc": "100"} {
		cmd := exec.Command("sh", "-c", `ulimit -S -v 20000; "$0" "$1"; echo $?`, file, program)
		if out, err := cmd.Output(); err != nil || string(out) != want+"\n" {
			t.Errorf("%s: %q, %v; want %s failures", program, out, err, want)
		}
	}
}

// What was closed is closed for a program that takes this one's place.
func TestExecClosed(t *testing.T) {
	file := build(t, "become")
	for closed, want := range map[string]string{"": "0\n1\n2\n", "0<&-": "1\n2\n", "1>&-": "0\n2\n", "0<&- 1>&- 2>&-": ""} {
		script := `exec 3>&1; ulimit -S -v 100000; exec "$0" sh -c 'for fd in 0 1 2; do if [ -e /proc/$$/fd/$fd ]; then echo $fd >&3; fi; done' ` + closed
		if out, err := exec.Command("sh", "-c", script, file).Output(); err != nil || string(out) != want {
			t.Errorf("%q: open: %q, %v; want %q", closed, out, err, want)
		}
	}
}
