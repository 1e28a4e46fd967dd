package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/queue"
)

// fresh makes a queue below a home of the test's own, with messages 12 and
// 3456 in it.
func fresh(t testing.TB, splitTodo bool) queue.Layout {
	t.Helper()
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	layout := queue.Layout{Split: auto.Split(), SplitTodo: splitTodo}
	for _, kind := range []string{"mess", "intd", "todo", "pid"} {
		for _, dir := range layout.Dirs(kind) {
			if err := os.MkdirAll(dir.Path(), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, n := range []queue.Num{12, 3456} {
		for _, file := range []queue.Name{layout.Mess(n), layout.Intd(n), layout.Todo(n)} {
			put(t, file)
		}
	}
	return layout
}

func put(t testing.TB, file queue.Name) {
	t.Helper()
	if err := os.WriteFile(file.Path(), nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

// left lists what is there of message n.
func left(layout queue.Layout, n queue.Num) string {
	var kinds []string
	for _, file := range []queue.Name{layout.Mess(n), layout.Intd(n), layout.Todo(n)} {
		if _, err := os.Stat(file.Path()); err == nil {
			kind, _, _ := strings.Cut(string(file), "/")
			kinds = append(kinds, kind)
		}
	}
	return strings.Join(kinds, " ")
}

func TestServe(t *testing.T) {
	const all = "mess intd todo"
	for _, c := range []struct {
		splitTodo    bool
		request      string
		answer, left string
	}{
		{false, "foop/12", "+", "todo"},
		{false, "todo/12", "+", "mess"},
		{false, "todo/0012", "+", "mess"},
		{false, "todo/99", "+", all},
		{false, "todox12", "+", "mess"},
		{false, "todo/12a", "x+", "mess"},
		{false, "todo/1a2", "x+", all}, // message 1
		{false, "todo/ 12", "xx", all},
		{false, "todo/12/12", "x+", "mess"},
		{false, "foopx12", "x", all},
		{false, "info/12", "x", all},
		{false, "infos/12", "xx", all},
		{false, "todo/", "x", all},
		{false, "", "x", all},
		{false, "todo/" + strings.Repeat("0", 92) + "12", "+", "mess"},
		{false, "todo/" + strings.Repeat("0", 93) + "12", "x", all},
		{true, "foop/12", "+", "todo"},
		{true, "todo/12", "+", "mess"},
		{true, "todo/12/12", "+", "mess"},
		{true, "foop/7/12", "+", "todo"},
		{true, "todo/12/", "x", all},
		{true, "todo/12/12x", "x+", "mess"},
	} {
		layout := fresh(t, c.splitTodo)
		answer := serve(layout, []byte(c.request+"\x00"))
		if got := left(layout, 12); answer != c.answer || got != c.left {
			t.Errorf("%q, split %v: %q and %q left; want %q, %q", c.request, c.splitTodo, answer, got, c.answer, c.left)
		}
		if got := left(layout, 3456); got != all {
			t.Errorf("%q touched another message: %q left", c.request, got)
		}
	}
}

// A file that cannot be removed stops the request: todo must not go first.
func TestServeTrouble(t *testing.T) {
	layout := fresh(t, false)
	os.Remove(layout.Intd(12).Path())
	if err := os.Mkdir(layout.Intd(12).Path(), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{"todo/12\x00", "foop/12\x00"} {
		if answer := serve(layout, []byte(request)); answer != "!" || left(layout, 12) != "mess intd todo" {
			t.Errorf("%q: %q, %q left", request, answer, left(layout, 12))
		}
	}
}

func TestRun(t *testing.T) {
	fresh(t, false)
	old := queue.Name("pid/4711.1.1")
	put(t, old)
	put(t, "pid/4712.1.1")
	ago := time.Now().Add(-queue.Ossified - time.Minute)
	if err := os.Chtimes(old.Path(), ago, ago); err != nil {
		t.Fatal(err)
	}
	in, requests, _ := os.Pipe()
	answers, out, _ := os.Pipe()
	io.WriteString(requests, "todo/12\x00foop/12\x00mess/1\x00unfinished")
	requests.Close()
	code := run(call.New([]string{"qmail-clean"}, nil, map[int]*os.File{0: in, 1: out}))
	out.Close()
	got, _ := io.ReadAll(answers)
	if code != 0 || string(got) != "++x" {
		t.Errorf("exit %d, %q", code, got)
	}
	var pids []queue.Name
	queue.WalkAll("pid", func(file queue.Name) bool { pids = append(pids, file); return true })
	if !slices.Equal(pids, []queue.Name{"pid/4712.1.1"}) {
		t.Errorf("in pid: %q", pids)
	}
}

func TestRunTrouble(t *testing.T) {
	fresh(t, false)
	in, requests, _ := os.Pipe()
	io.WriteString(requests, "todo/99\x00")
	requests.Close()
	if code := run(call.New(nil, nil, map[int]*os.File{0: in})); code != 100 {
		t.Errorf("descriptor 1 closed: exit %d", code)
	}
	os.RemoveAll(auto.Home + "/queue")
	if code := run(call.New(nil, nil, nil)); code != 111 {
		t.Errorf("no queue: exit %d", code)
	}
}

// Every request gets an answer, and one that is not in order removes nothing
// but the file of the digits it starts with.
func FuzzServe(f *testing.F) {
	f.Add("todo/12", true)
	f.Add("foop/1x", false)
	layouts := map[bool]queue.Layout{true: fresh(f, true), false: fresh(f, false)}
	f.Fuzz(func(t *testing.T, request string, splitTodo bool) {
		answer := serve(layouts[splitTodo], []byte(request+"\x00"))
		if last := answer[len(answer)-1:]; !strings.Contains("+!x", last) || strings.Trim(answer[:len(answer)-1], "x") != "" {
			t.Errorf("%q: %q", request, answer)
		}
	})
}
