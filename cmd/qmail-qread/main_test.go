package main

import (
	"io"
	"os"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/queue"
)

func fresh(t *testing.T) queue.Layout {
	t.Helper()
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	layout := queue.Layout{Split: auto.Split()}
	for _, kind := range []string{"mess", "info", "local", "remote", "bounce"} {
		for _, dir := range layout.Dirs(kind) {
			if err := os.MkdirAll(dir.Path(), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return layout
}

func put(t *testing.T, file queue.Name, text string) {
	t.Helper()
	if err := os.WriteFile(file.Path(), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1000000000, 0)
	if err := os.Chtimes(file.Path(), at, at); err != nil {
		t.Fatal(err)
	}
}

func output(t *testing.T) (string, int) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	code := run(call.New([]string{"qmail-qread"}, nil, map[int]*os.File{1: w}))
	w.Close()
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), code
}

func TestList(t *testing.T) {
	l := fresh(t)
	if out, code := output(t); out != "" || code != 0 {
		t.Errorf("empty queue: %q, exit %d", out, code)
	}
	put(t, l.Mess(45), "0123456789")
	put(t, l.Info(45), "Fjoe@a\x07.example\x00")
	put(t, l.Local(45), "Tjohn@here\x00Dsue@here\xff\x00Xodd\x00Hann@here\x00\x00Tpart")
	put(t, l.Remote(45), "Dtom@b.example\x00")
	put(t, l.Bounce(45), "")
	put(t, l.Mess(23), "")
	put(t, l.Info(23), "F\x00")
	put(t, l.Info(24), "F\x00")            // no mess
	put(t, "info/1/junk", "F\x00")         // no number
	put(t, l.Mess(46), "not preprocessed") // no info
	const want = "9 Sep 2001 01:46:40 GMT  #23  0  <> \n" +
		"warning: trouble with #24: file does not exist\n" +
		"9 Sep 2001 01:46:40 GMT  #45  10  <joe@a_.example>  bouncing\n" +
		"\tlocal\tjohn@here\n  done\tlocal\tsue@here_\n  held\tlocal\tann@here\n  done\tremote\ttom@b.example\n"
	if out, code := output(t); out != want || code != 0 {
		t.Errorf("exit %d, got\n%s\nwant\n%s", code, out, want)
	}
}

func TestTrouble(t *testing.T) {
	l := fresh(t)
	put(t, l.Mess(24), "")
	put(t, l.Info(24), "Fjoe@a\x00")
	if err := os.Mkdir(l.Local(24).Path(), 0o755); err != nil {
		t.Fatal(err)
	}
	const head = "9 Sep 2001 01:46:40 GMT  #24  0  <joe@a> \n"
	if out, code := output(t); out != head+"fatal: out of memory\n" || code != 111 {
		t.Errorf("local is a directory: %q, exit %d", out, code)
	}
	os.Remove(l.Local(24).Path())
	os.Remove(queue.Name("info/7").Path())
	if out, code := output(t); out != head+"fatal: unable to opendir info/7: file does not exist\n" || code != 111 {
		t.Errorf("no info/7: %q, exit %d", out, code)
	}
	os.RemoveAll(auto.Home)
	if out, code := output(t); out != "fatal: unable to chdir: file does not exist\n" || code != 111 {
		t.Errorf("no home: %q, exit %d", out, code)
	}
}
