// Package arm64 starts programs that were built for arm64, under an emulator:
// the entry points in assembly are what could break there and nowhere else.
package arm64

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const emulator = "qemu-aarch64-static"

// build builds programs of this tree for arm64, with the home in dir.
func build(t *testing.T, dir string, programs ...string) {
	t.Helper()
	for i, entry := range []string{"_goqmail_entry", "_goqmail_brief", "_goqmail_one"} {
		args := []string{"build", "-trimpath", "-o", dir + "/bin" + string('0'+rune(i)) + "/",
			"-ldflags", "-s -w -E " + entry + " -X goqmail/lib/auto.Home=" + dir}
		for _, p := range programs {
			args = append(args, "goqmail/cmd/"+p)
		}
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
}

// run runs a program with input and returns what it wrote.
func run(t *testing.T, input, program string, args ...string) string {
	t.Helper()
	path := program
	if runtime.GOARCH != "arm64" {
		args = append([]string{program}, args...)
		path = emulator
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = strings.NewReader(input)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", filepath.Base(program), err, &out)
	}
	return out.String()
}

func TestProgramsStartOnArm64(t *testing.T) {
	if _, err := exec.LookPath(emulator); err != nil && runtime.GOARCH != "arm64" {
		t.Skip("no " + emulator + " (Debian package qemu-user-static)")
	}
	home := t.TempDir()
	if err := os.Mkdir(home+"/control", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(home+"/control/me", []byte("arm.example\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	build(t, home, "qmail-inject", "maildirmake", "preline")
	for _, bin := range []string{home + "/bin0/", home + "/bin1/", home + "/bin2/"} {
		maildir := bin + "Maildir"
		run(t, "", bin+"maildirmake", maildir)
		if fi, err := os.Stat(maildir + "/new"); err != nil || !fi.IsDir() {
			t.Errorf("maildirmake: %v", err)
		}
		out := run(t, "To: joe\n\nhello\n", bin+"qmail-inject", "-n")
		if !strings.Contains(out, "To: joe@arm.example\n") || !strings.HasSuffix(out, "\n\nhello\n") {
			t.Errorf("qmail-inject printed %q", out)
		}
		// preline starts a program: fork and exec, and the limits around them.
		t.Setenv("UFLINE", "From joe\n")
		t.Setenv("RPLINE", "Return-Path: <joe>\n")
		t.Setenv("DTLINE", "Delivered-To: sue\n")
		if out := run(t, "hello\n", bin+"preline", "/bin/cat"); out != "From joe\nReturn-Path: <joe>\nDelivered-To: sue\nhello\n" {
			t.Errorf("preline /bin/cat printed %q", out)
		}
	}
}
