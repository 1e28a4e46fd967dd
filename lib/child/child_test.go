package child

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/call"
)

// output runs what start starts with a pipe as its descriptor 1, and returns
// what it wrote and how it ended.
func output(t *testing.T, start func(out *os.File) (int, error)) (string, syscall.WaitStatus) {
	t.Helper()
	r, w, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := start(w)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	status, err := Wait(pid)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), status
}

func sh(script string) Cmd { return Cmd{Path: "/bin/sh", Args: []string{"sh", "-c", script}} }

func TestStart(t *testing.T) {
	dir := t.TempDir()
	cmd := sh(`echo "$A-$B"; pwd; exit 7`)
	cmd.Env = call.Env{"A=1", "B=2", "PATH=/bin:/usr/bin"}
	cmd.Dir = dir
	out, status := output(t, func(w *os.File) (int, error) {
		cmd.Files = []*os.File{1: w}
		return cmd.Start()
	})
	if out != "1-2\n"+dir+"\n" || status.ExitStatus() != 7 {
		t.Errorf("got %q, %v", out, status)
	}
	if _, err := (&Cmd{Path: dir + "/none", Args: []string{"none"}}).Start(); err != syscall.ENOENT {
		t.Errorf("no such program: %v", err)
	}
	if _, err := Wait(os.Getpid()); err != syscall.ECHILD {
		t.Errorf("no such child: %v", err)
	}
	_, status = output(t, func(w *os.File) (int, error) {
		cmd := sh("kill -15 $$")
		cmd.Files = []*os.File{1: w}
		return cmd.Start()
	})
	if !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("killed: %v", status)
	}
}

// What does not stand in Files is closed, our own files included.
func TestFiles(t *testing.T) {
	const look = `for fd in 3 4 5 6 7 8 9; do if { true <&$fd; } 2>/dev/null || { true >&$fd; } 2>/dev/null; then echo $fd; fi; done`
	own, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	out, _ := output(t, func(w *os.File) (int, error) {
		cmd := sh(look)
		cmd.Files = []*os.File{1: w, 6: own}
		return cmd.Start()
	})
	if strings.Join(strings.Fields(out), " ") != "6" {
		t.Errorf("open: %q", out)
	}
}

func TestFound(t *testing.T) {
	dir := t.TempDir()
	for name, file := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"a/prog":    {"#!/bin/sh\necho a $#\n", 0o755},
		"b/prog":    {"#!/bin/sh\necho b $#\n", 0o755},
		"b/plain":   {"echo plain $1 $2\n", 0o755}, // no #! line
		"a/refused": {"#!/bin/sh\n", 0o644},
		"b/refused": {"#!/bin/sh\necho not refused\n", 0o755},
		"a/never":   {"#!/bin/sh\n", 0o644},
		"here":      {"#!/bin/sh\necho here\n", 0o755},
	} {
		os.Mkdir(dir+"/a", 0o755)
		os.Mkdir(dir+"/b", 0o755)
		if err := os.WriteFile(dir+"/"+name, []byte(file.text), file.mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	env := call.Env{"PATH=" + dir + "/none:" + dir + "/here:" + dir + "/a::" + dir + "/b"}
	for _, c := range []struct{ args, want string }{
		{"prog x y", "a 2\n"},
		{"plain x y", "plain x y\n"},
		{"refused", "not refused\n"},
		{"here", "here\n"}, // the empty component
		{"b/prog", "b 0\n"},
		{dir + "/b/plain 1", "plain 1\n"},
	} {
		out, _ := output(t, func(w *os.File) (int, error) {
			return Cmd{Args: strings.Fields(c.args), Env: env, Files: []*os.File{1: w, 2: os.Stderr}}.StartFound()
		})
		if out != c.want {
			t.Errorf("%s: got %q, want %q", c.args, out, c.want)
		}
	}
	for _, c := range []struct {
		name string
		want error
	}{
		{"", syscall.ENOENT}, {"missing", syscall.ENOENT}, {"./missing", syscall.ENOENT}, {"never", syscall.EACCES},
	} {
		if _, err := (Cmd{Args: []string{c.name}, Env: env}).StartFound(); err != c.want {
			t.Errorf("%q: got %v, want %v", c.name, err, c.want)
		}
	}
}
