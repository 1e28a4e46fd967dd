//go:build linux

package confine

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Each row is tried, in several threads, by a process that has confined itself.
func TestTry(t *testing.T) {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		t.Skipf("this kernel has no Landlock: %v", errno)
	}
	dir := t.TempDir()
	probe := dir + "/try"
	cmd := exec.Command("go", "build", "-o", probe, "./testdata/try")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"read/file", "write/file", "linked/file", "other/file"} {
		if err := os.MkdirAll(filepath.Dir(dir+"/"+name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/"+name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../linked/file", dir+"/read/link"); err != nil {
		t.Fatal(err)
	}
	local, err := net.Listen("unix", dir+"/socket")
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	_, port, _ := net.SplitHostPort(far.Addr().String())
	led := "refused"
	if version < 4 {
		led = "done"
	}
	for _, row := range []struct{ may, what, want string }{
		{"", "read=" + dir + "/read/file", "done"},
		{"", "read=" + dir + "/read/link", "done"},
		{"", "read=" + dir + "/write/file", "done"},
		{"", "read=" + dir + "/other/file", "refused"},
		{"", "read=/etc/passwd", "refused"},
		{"", "write=" + dir + "/write/new", "done"},
		{"", "write=" + dir + "/read/file", "refused"},
		{"", "write=" + dir + "/other/new", "refused"},
		{"", "run=/bin/true", "refused"},
		{"", "run=" + probe, "refused"},
		{"p", "run=/bin/true", "refused"}, // it is none of those to read
		{"", "socket", "refused"},
		{"l", "socket", "refused"},
		{"s", "socket", "done"},
		{"", "local=" + dir + "/socket", "refused"},
		{"l", "local=" + dir + "/socket", "done"},
		{"", "connect=" + port, "refused"},
		{"l", "connect=" + port, led},
		{"s", "connect=" + port, "done"},
		{"", "send=" + port, "refused"},
		{"l", "send=" + port, "refused"},
		{"s", "send=" + port, "done"},
		{"ps", "trace", "refused"},
	} {
		out, err := exec.Command(probe, dir+"/read", dir+"/write", row.may, row.what).CombinedOutput()
		want := strings.Repeat(row.what+": "+row.want+"\n", 4)
		if err != nil || string(out) != want {
			t.Errorf("may %q: %v, %q, want %q", row.may, err, out, want)
		}
	}
}

func TestLinked(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/sub", "b"} {
		if err := os.MkdirAll(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(dir+"/b/file", nil, 0o644)
	for name, to := range map[string]string{"a/sub/link": "../../b/file", "a/broken": "nowhere"} {
		if err := os.Symlink(to, dir+"/"+name); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := Linked(dir+"/a"), []string{dir + "/a", dir + "/b"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Linked(dir + "/none"); len(got) != 1 {
		t.Errorf("%q", got)
	}
}
