//go:build linux && (amd64 || arm64)

package child

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Under softlimit, programs must start with the old limits although the runtime
// of the process that starts them needs memory at the same time.
func TestStartUnderLimits(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crowd")
	build := exec.Command("go", "build", "-ldflags", "-E _goqmail_entry", "-o", file, "./testdata/crowd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
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
