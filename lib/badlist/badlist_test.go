package badlist

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/ere"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		line, text   string
		found, plain bool
	}{
		{"joe@bad.example", "Joe@BAD.example", true, true},
		{"joe@bad.example", "moe.joe@bad.example.com", true, true},
		{"@bad.example", "x@bad.example", true, true},
		{"@bad.example", "x@badzexample", true, true}, // the dot is any byte
		{`@bad\.example$`, "x@badzexample", false, true},
		{`@bad\.example$`, "x@bad.example", true, true},
		{`@bad\.example$`, "x@bad.example.com", false, true},
		{`^x@`, "x@y", true, true},
		{`^x@`, "xx@y", false, true},
		{`^x$`, "x", true, true},
		{`^x$`, "xx", false, true},
		{`^xx$`, "x", false, true},
		{`!\.`, "localhost", true, true},
		{`!\.`, "a.b", false, true},
		{`!`, "a", false, true},
		{`\$`, "a$", true, true},
		{"joe+list@x", "joe+list@x", true, true}, // although a + repeats
		{"joe+list@x", "joelist@x", false, false},
		{"@a[0]", "joe@A[0]", true, true},
		{"(a|b)", "a", false, false},
		{"\xe4", "\xe4x", false, false},
		{"[", "a", false, false},
	} {
		if found, plain := Match(c.line, c.text); found != c.found || plain != c.plain {
			t.Errorf("%s on %s: %v, %v", c.line, c.text, found, plain)
		}
	}
}

// FuzzMatch: what needs no regular expressions is told as they would have it.
func FuzzMatch(f *testing.F) {
	f.Add(`^a\.b$`, "A.b")
	f.Add(`!@.x`, "a@yx")
	f.Add(`a\@.$`, "b\na@\xff")
	f.Fuzz(func(t *testing.T, line, text string) {
		found, plain := Match(line, text)
		if !plain || len(line) > 100 {
			return
		}
		expression, negated := strings.CutPrefix(line, "!")
		p, err := ere.Compile(expression)
		switch {
		case err != nil && !found:
			t.Errorf("%q: %v", line, err)
		case err == nil && found != (p.Match(text) != negated) && !(found && strings.HasSuffix(strings.ToLower(text), strings.ToLower(line))):
			t.Errorf("%q on %q: %v", line, text, found)
		}
	})
}

// helping makes a home with a program in the place of qmail-badlist.
func helping(t *testing.T, script string) *Lists {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	for _, dir := range []string{"bin", "control"} {
		if err := os.Mkdir(filepath.Join(auto.Home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if script != "" {
		put(t, "bin/qmail-badlist", "#!/bin/sh\n"+script)
	}
	l := &Lists{Env: call.Env{"PATH=/usr/bin:/bin"}}
	t.Cleanup(l.Close)
	return l
}

func put(t *testing.T, name, data string) {
	if err := os.WriteFile(filepath.Join(auto.Home, name), []byte(data), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	l := helping(t, "echo +first; echo -; echo '!bad line'; tr '\\000' '\\n' >asked")
	put(t, "control/badhelo", "# none\nplain\n(a|b)\n")
	if line, found, err := l.Find("badhelo", "x-plain"); line != "plain" || !found || err != nil {
		t.Errorf("plain: %q, %v, %v", line, found, err)
	}
	if l.helper != nil {
		t.Error("started for nothing")
	}
	for _, want := range []struct {
		line, err string
		found     bool
	}{{"first", "", true}, {"", "", false}, {"", "bad line", false}, {"", errHelper.Error(), false}} {
		if want.err == errHelper.Error() {
			l.helper.asked.Close() // so that it ends
		}
		line, found, err := l.Find("badhelo", "text\x00more")
		text := ""
		if err != nil {
			text = err.Error()
		}
		if line != want.line || found != want.found || text != want.err {
			t.Errorf("got %q, %v, %q; want %+v", line, found, text, want)
		}
	}
	l.Close()
	asked, _ := os.ReadFile(filepath.Join(auto.Home, "asked"))
	if got := string(asked); got != strings.Repeat("badhelo\ntext\n", 3) {
		t.Errorf("asked %q", got)
	}
	if _, found, err := l.Find("badrcptto", "x"); found || err != nil {
		t.Errorf("no file: %v, %v", found, err)
	}
}

func TestFindWithoutHelper(t *testing.T) {
	for script, want := range map[string]string{
		"":            "unable to start qmail-badlist",
		"exit 1":      errHelper.Error(),
		"echo":        errHelper.Error(),
		"printf +bad": errHelper.Error(), // cut short
	} {
		l := helping(t, script)
		put(t, "control/badhelo", "(a|b)")
		if _, found, err := l.Find("badhelo", "x"); found || err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v", script, found, err)
		}
		l.Close()
	}
}
