package spawn

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/warm"
)

func shell(script string) child.Cmd {
	return child.Cmd{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: call.Env{"PATH=/usr/bin:/bin"}}
}

func TestRun(t *testing.T) {
	for _, row := range []struct {
		name, script string
		want         Ended
	}{
		{"nothing", "exit 0", Ended{}},
		{"the message is descriptor 0", "cat", Ended{Output: []byte("message\n")}},
		{"code", "echo no; exit 100", Ended{Output: []byte("no\n"), Code: 100}},
		{"errors are output", "echo a; echo b >&2; echo c", Ended{Output: []byte("a\nb\nc\n")}},
		{"killed", "echo did 1+0+0; kill -9 $$", Ended{Output: []byte("did 1+0+0\n"), Code: -1, Crashed: true}},
		{"what runs on in the background can still write", "(read x <" + "fifo; echo late) & echo now; echo >fifo", Ended{Output: []byte("now\nlate\n")}},
		{"output closed early", "exec >&- 2>&-; exit 111", Ended{Code: 111}},
	} {
		cmd := shell(row.script)
		cmd.Dir = t.TempDir()
		if err := syscall.Mkfifo(filepath.Join(cmd.Dir, "fifo"), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Start(Classic).Run(cmd, message(t), AtMost(1000))
		if err != nil || string(got.Output) != string(row.want.Output) || got.Code != row.want.Code || got.Crashed != row.want.Crashed {
			t.Errorf("%s: %q, code %d, crashed %v, %v, want %+v", row.name, got.Output, got.Code, got.Crashed, err, row.want)
		}
	}
}

// A Go program that cannot begin exits 2.
func TestRunGaveUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, []byte("#!/bin/sh\nexit 2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, ours := range []bool{false, true} {
		if ours {
			if err := warm.Mark(file); err != nil {
				t.Fatal(err)
			}
		}
		got, err := Start(Classic).Run(child.Cmd{Path: file, Args: []string{file}}, message(t), AtMost(1))
		if err != nil || got.Code != 2 || got.Crashed != ours {
			t.Errorf("ours %v: code %d, crashed %v, %v", ours, got.Code, got.Crashed, err)
		}
	}
}

func TestRunNotStarted(t *testing.T) {
	for _, cmd := range []child.Cmd{
		{Path: "/nonexistent/qmail-local", Args: []string{"qmail-local"}},
		{Args: []string{"qmail-remote"}, Env: call.Env{"PATH=/nonexistent"}},
	} {
		mess := message(t)
		if ended, err := Start(Classic).Run(cmd, mess, AtMost(1)); err == nil || Refused(err) != "" {
			t.Errorf("%+v, %v", ended, err)
		}
		if mess.Close() == nil {
			t.Error("the message was left open")
		}
	}
}

func TestRefused(t *testing.T) {
	for err, want := range map[error]string{
		errPipe:        "Zqmail-spawn unable to create pipe. (#4.3.0)\n",
		syscall.EAGAIN: "Zqmail-spawn unable to fork. (#4.3.0)\n",
		syscall.ENOMEM: "Zqmail-spawn unable to fork. (#4.3.0)\n",
		syscall.ENOENT: "",
	} {
		if got := Refused(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

func TestAtMost(t *testing.T) {
	got, err := Start(Classic).Run(shell("head -c 100000 /dev/zero | tr '\\0' x"), message(t), AtMost(1234))
	if err != nil || string(got.Output) != strings.Repeat("x", 1234) {
		t.Errorf("%d bytes, %v", len(got.Output), err)
	}
}

// Programs start with SIGCHLD blocked, as they always have.
func TestSignals(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks at /proc")
	}
	got, err := Start(Classic).Run(child.Cmd{Args: []string{"cat", "/proc/self/status"}, Env: call.Env{"PATH=/usr/bin:/bin"}}, message(t), AtMost(5000))
	if err != nil {
		t.Fatal(err)
	}
	if want := "SigBlk:\t0000000000010000\n"; !strings.Contains(string(got.Output), want) {
		t.Errorf("no %q in %s", want, got.Output)
	}
}

func TestManyPrograms(t *testing.T) {
	const n = 60
	done := make(chan error)
	for range n {
		mess := message(t)
		go func() {
			got, err := Start(Classic).Run(shell("cat; exit 3"), mess, AtMost(100))
			if err == nil && (string(got.Output) != "message\n" || got.Code != 3) {
				err = os.ErrInvalid
			}
			done <- err
		}()
	}
	for range n {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
