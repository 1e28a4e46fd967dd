package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
)

// home makes a home directory of control files.
func home(t *testing.T, controls map[string]string) {
	auto.Home = t.TempDir()
	if err := os.Mkdir(filepath.Join(auto.Home, "control"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range controls {
		if err := os.WriteFile(filepath.Join(auto.Home, "control", name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// runOn runs the program and returns what it says.
func runOn(t *testing.T, input string, args ...string) (out, complaint string, code int) {
	dir := t.TempDir()
	files := map[int]*os.File{}
	for fd, name := range []string{"in", "out", "err"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[fd] = f
	}
	io.WriteString(files[0], input)
	files[0].Seek(0, io.SeekStart)
	code = run(call.New(append([]string{"qmail-badlist"}, args...), nil, files))
	said := func(fd int) string {
		files[fd].Seek(0, io.SeekStart)
		data, _ := io.ReadAll(files[fd])
		return string(data)
	}
	return said(1), said(2), code
}

func TestServe(t *testing.T) {
	home(t, map[string]string{
		"badrcptto":   "# none\n^[^@]+@(spam|junk)\\.example$\n!^[a-z@.]*$\n",
		"badhelo":     "fine\na(b\n",
		"me":          "[]",
		"badmailfrom": "",
	})
	out, _, code := runOn(t, "badrcptto\x00Joe@JUNK.example\x00badrcptto\x00a@b\x00badrcptto\x00a1@b\x00"+
		"badhelo\x00a\x00badhelo\x00fine\x00badmailfrom\x00a@b\x00badmailto\x00a@b\x00me\x00a\x00../../etc/passwd\x00a\x00badrcptto\x00a1@")
	want := "+^[^@]+@(spam|junk)\\.example$\n-\n+!^[a-z@.]*$\n" +
		"!control/badhelo: a(b: missing closing )\n!control/badhelo: a(b: missing closing )\n-\n-\n!no such list: me\n!no such list: ../../etc/passwd\n"
	if out != want || code != 0 {
		t.Errorf("%d, got %q\nwant %q", code, out, want)
	}
}

func TestLook(t *testing.T) {
	home(t, map[string]string{"badhelo": "(a|b)", "badrcptto": "*"})
	for _, c := range []struct {
		args           []string
		out, complaint string
		code           int
	}{
		{[]string{"badhelo", "xb"}, "(a|b)\n", "", 0},
		{[]string{"badhelo", "x"}, "", "", 100},
		{[]string{"badrcptto", "x"}, "", "qmail-badlist: fatal: control/badrcptto: *: missing argument to repetition operator\n", 111},
		{[]string{"badhelo"}, "", "qmail-badlist: usage: qmail-badlist [ list text ]\n", 100},
	} {
		if out, complaint, code := runOn(t, "", c.args...); out != c.out || complaint != c.complaint || code != c.code {
			t.Errorf("%q: %q, %q, %d", c.args, out, complaint, code)
		}
	}
}
