// Package calltest calls programs in tests, without a process.
package calltest

import (
	"os"
	"testing"

	"goqmail/lib/call"
)

// Result is what a program leaves behind.
type Result struct {
	Code     int
	Out, Err string // what it wrote to descriptors 1 and 2
}

// Run calls a program with input, a regular file, as its descriptor 0. args are
// those behind the program's name, which is "test".
func Run(t *testing.T, program func(*call.Call) int, env call.Env, input string, args ...string) Result {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/0", []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	files := map[int]*os.File{}
	for fd, name := range []string{"/0", "/1", "/2"} {
		f, err := os.OpenFile(dir+name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[fd] = f
	}
	code := program(call.New(append([]string{"test"}, args...), env, files))
	return Result{code, content(t, dir+"/1"), content(t, dir+"/2")}
}

func content(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Queue makes a stand-in for qmail-queue that exits with code, and returns its
// path for QMAILQUEUE and a function that gives the message and the envelope it
// got.
func Queue(t *testing.T, code string) (path string, got func() (mess, envelope string)) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\ncat >" + dir + "/mess\ncat <&1 >" + dir + "/envelope\nexit " + code + "\n"
	if err := os.WriteFile(dir+"/queue", []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir + "/queue", func() (string, string) {
		return content(t, dir+"/mess"), content(t, dir+"/envelope")
	}
}
