//go:build linux && (amd64 || arm64)

package entry

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// build builds the probe to start at the given entry point.
func build(t *testing.T, symbol string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "probe")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -E "+symbol, "-o", file, "./testdata/probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// shell runs a command line of sh with the probe as $0, and returns the facts
// that are printed.
func shell(t *testing.T, line string, args ...string) map[string]string {
	t.Helper()
	out, err := exec.Command("/bin/sh", append([]string{"-c", line}, args...)...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
	facts := map[string]string{}
	for fact := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(fact, "\n"), ":")
		facts[name] = strings.TrimSpace(value)
	}
	return facts
}

func check(t *testing.T, story string, got map[string]string, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: %s is %q, want %q", story, name, got[name], value)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, symbol := range []string{"_goqmail_entry", "_goqmail_brief"} {
		probe := build(t, symbol)
		check(t, symbol+" without limits", shell(t, `exec "$0"`, probe),
			map[string]string{"raised": "true", "memory": "9223372036854775807"})
		// The limit that qmail's own instructions give qmail-smtpd.
		check(t, symbol+" with softlimit -m 2000000", shell(t, `ulimit -S -v 1953; ulimit -S -d 1953; exec "$0"`, probe),
			map[string]string{"raised": "true", "memory": "1999872"})
		check(t, symbol+" with only data limited", shell(t, `ulimit -S -d 50000; exec "$0"`, probe),
			map[string]string{"raised": "true", "memory": "51200000"})
		// A program that is not ours is under the limits that we were under.
		check(t, symbol+"'s child", shell(t, `ulimit -S -v 100000; ulimit -S -d 50000; ulimit -S -n 99; exec "$0" sh -c 'echo v:$(ulimit -S -v); echo d:$(ulimit -S -d); echo n:$(ulimit -S -n)'`, probe),
			map[string]string{"raised": "true", "memory": "51200000", "v": "100000", "d": "50000", "n": "99"})
	}
}

func TestDescriptors(t *testing.T) {
	for _, symbol := range []string{"_goqmail_entry", "_goqmail_brief"} {
		probe := build(t, symbol)
		for _, c := range []struct{ redirect, closed, open string }{
			{"", "3 4 5 6 7 8 9", "0 1 2"},
			{"<&-", "0 3 4 5 6 7 8 9", "1 2"},
			{">&-", "1 3 4 5 6 7 8 9", "0 2"},
			{"3<&0 9>&1", "4 5 6 7 8", "0 1 2 3 9"},
		} {
			check(t, symbol+" "+c.redirect, shell(t, `exec "$0" `+c.redirect, probe), map[string]string{"closed": c.closed, "open": c.open})
		}
		// Another program finds closed what was.
		look := `for fd in 0 1 2; do [ -e /proc/$$/fd/$fd ] && echo $fd: there >&2; done; :`
		check(t, symbol+" becomes sh", shell(t, `exec "$0" exec sh -c "$1" <&- >&-`, probe, look), map[string]string{"0": "", "1": "", "2": "there"})
	}
}

// What the runtime would obey does not reach a setuid program.
func TestSetuid(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make a program setuid to somebody else")
	}
	probe := build(t, "_goqmail_brief")
	for dir := filepath.Dir(probe); dir != "/"; dir = filepath.Dir(dir) {
		if fi, err := os.Stat(dir); err == nil && fi.Mode()&1 == 0 {
			os.Chmod(dir, fi.Mode()|0o011)
		}
	}
	const user, other = 65534, 65533
	if err := errors.Join(os.Chown(probe, other, -1), syscall.Chmod(probe, 0o4755)); err != nil {
		t.Fatal(err)
	}
	run := func(uid uint32) string {
		cmd := exec.Command(probe, "/bin/sh", "-c", "echo A is $A; id -u")
		cmd.Env = []string{"A=1", "GODEBUG=inittrace=1", "G=2", "PATH=/bin:/usr/bin"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: user}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	if out := run(other); !strings.Contains(out, "init runtime") {
		t.Skipf("this runtime does not say when it obeys GODEBUG:\n%s", out)
	}
	out := run(user)
	if strings.Contains(out, "init runtime") || !strings.Contains(out, "A is 1\n") {
		t.Errorf("got\n%s", out)
	}
}

// A brief program keeps to one processor, but gives children all there are,
// and the slack of timers and the limit on open files they would have.
func TestBrief(t *testing.T) {
	look := `sed -n 's/^Cpus_allowed_list/cpus/p' /proc/self/status; echo slack: $(cat /proc/self/timerslack_ns); echo files: $(ulimit -S -n) $(ulimit -H -n)`
	want := shell(t, look)
	if want["cpus"] == "" || want["slack"] == "" {
		t.Skip("this kernel does not tell processors or timer slack")
	}
	got := shell(t, `exec "$0" sh -c "$1"`, build(t, "_goqmail_brief"), look)
	check(t, "child of a brief program", got, map[string]string{"processors": "1", "cpus": want["cpus"], "slack": want["slack"], "files": want["files"]})
}
