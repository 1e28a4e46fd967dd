package control

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/auto"
)

// home makes the control directory of a home the test's.
func home(t testing.TB) {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	if err := os.Mkdir(auto.Home+"/control", 0o755); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(Path(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLine(t *testing.T) {
	home(t)
	for _, c := range []struct{ text, want string }{
		{"mail.example\n", "mail.example"},
		{"mail.example", "mail.example"},
		{"mail.example \t \nsecond\n", "mail.example"},
		{"mail.example\r\n", "mail.example\r"}, // a CR is no blank
		{" mail.example\n", " mail.example"},
		{"# no comment here\n", "# no comment here"},
		{"\nsecond\n", ""},
		{"", ""},
		{"a\x00b\n", "a\x00b"},
		{strings.Repeat("x", 100000) + "\n", strings.Repeat("x", 100000)},
	} {
		put(t, "me", c.text)
		if got, ok, err := Line("me"); got != c.want || !ok || err != nil {
			t.Errorf("%.40q: got %.40q, %v, %v", c.text, got, ok, err)
		}
	}
}

// Missing, empty and unreadable are three answers.
func TestMissing(t *testing.T) {
	home(t)
	put(t, "empty", "")
	if err := os.Mkdir(Path("unreadable"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, line string
		ok, bad    bool
	}{
		{"missing", "default", false, false},
		{"empty", "", true, false},
		{"unreadable", "", false, true},
	} {
		if _, ok, err := Line(c.name); ok != c.ok || (err != nil) != c.bad {
			t.Errorf("Line(%s): %v, %v", c.name, ok, err)
		}
		if line, err := LineOr(c.name, "default"); line != c.line || (err != nil) != c.bad {
			t.Errorf("LineOr(%s): %q, %v", c.name, line, err)
		}
		if lines, ok, err := Lines(c.name); len(lines) > 0 || ok != c.ok || (err != nil) != c.bad {
			t.Errorf("Lines(%s): %q, %v, %v", c.name, lines, ok, err)
		}
		// An empty file has no number, which is as if it were missing.
		if n, ok, err := Number(c.name); n != 0 || ok || (err != nil) != c.bad {
			t.Errorf("Number(%s): %d, %v, %v", c.name, n, ok, err)
		}
		if n, err := Int(c.name, 42); n != 42 && err == nil || (err != nil) != c.bad {
			t.Errorf("Int(%s): %d, %v", c.name, n, err)
		}
		if f, err := Open(c.name); err == nil {
			f.Close()
		} else if c.name != "missing" {
			t.Errorf("Open(%s): %v", c.name, err)
		}
	}
}

func TestNumber(t *testing.T) {
	home(t)
	for _, c := range []struct {
		text string
		want int
	}{
		{"0\n", 0}, {"60", 60}, {"60 \n", 60}, {"60x\n", 60}, {"007\n", 7}, {"60\n70\n", 60},
		{"2147483647\n", 2147483647}, {"2147483648\n", -2147483648}, {"4294967295\n", -1}, {"4294967296\n", 0},
	} {
		put(t, "n", c.text)
		if n, ok, err := Number("n"); n != c.want || !ok || err != nil {
			t.Errorf("%q: got %d, %v, %v", c.text, n, ok, err)
		}
		if n, err := Int("n", 42); n != c.want || err != nil {
			t.Errorf("Int of %q: got %d, %v", c.text, n, err)
		}
	}
	for _, text := range []string{"x60\n", " 60\n", "-1\n", "+1\n", "\n60\n", "#60\n"} {
		put(t, "n", text)
		if n, ok, err := Number("n"); n != 0 || ok || err != nil {
			t.Errorf("%q: got %d, %v, %v", text, n, ok, err)
		}
		if n, err := Int("n", 42); n != 42 || err != nil {
			t.Errorf("Int of %q: got %d, %v", text, n, err)
		}
	}
}

func TestLines(t *testing.T) {
	home(t)
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"a\nb\n", []string{"a", "b"}},
		{"a\nb", []string{"a", "b"}},
		{"a \t\n\n \n#c\nb\n", []string{"a", "b"}},
		{" #a\n", []string{" #a"}},
		{"a\r\nb\r\n", []string{"a\r", "b\r"}},
		{"a\x00b\n\x00c\n", []string{"a", "b"}},
		{"a \x00b\n", []string{"a ", "b"}},
		{strings.Repeat("x", 70000) + "\ny\n", []string{strings.Repeat("x", 70000), "y"}},
	} {
		put(t, "locals", c.text)
		if got, ok, err := Lines("locals"); !slices.Equal(got, c.want) || !ok || err != nil {
			t.Errorf("%.40q: got %.40q, %v, %v", c.text, got, ok, err)
		}
	}
}

func TestSet(t *testing.T) {
	s := NewSet([]string{"Here.Example", "b.example"})
	for name, want := range map[string]bool{"here.example": true, "HERE.EXAMPLE": true, "b.example": true, "example": false, "": false} {
		if s.Has(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
	if NewSet(nil).Has("") || Set(nil).Has("a") {
		t.Error("an empty set has something")
	}
}

func TestMap(t *testing.T) {
	m := NewMap([]string{"Virt.Example:john", "no colon", ".example:a:b", "twice:1", "TWICE:2", ":all", "empty:"})
	for _, c := range []struct {
		name, want string
		ok         bool
	}{
		{"virt.example", "john", true}, {".EXAMPLE", "a:b", true}, {"twice", "2", true}, {"", "all", true},
		{"empty", "", true}, {"no colon", "", false}, {"x", "", false},
	} {
		if got, ok := m.Get(c.name); got != c.want || ok != c.ok {
			t.Errorf("%q: got %q, %v", c.name, got, ok)
		}
	}
}

// However a file looks, reading its lines neither fails nor gives a line that
// breaks the rules, and what was read reads the same when written again.
func FuzzLines(f *testing.F) {
	home(f)
	f.Add([]byte("a\nb \n#c\n"))
	f.Add([]byte("\x00\n \t\na\x00#b"))
	f.Fuzz(func(t *testing.T, text []byte) {
		put(t, "f", string(text))
		lines, ok, err := Lines("f")
		if !ok || err != nil {
			t.Fatalf("%v, %v", ok, err)
		}
		for _, line := range lines {
			if strings.ContainsAny(line, "\n\x00") {
				t.Errorf("line %q", line)
			}
		}
		if bytes.IndexByte(text, 0) < 0 {
			put(t, "f", strings.Join(lines, "\n")+"\n")
			if again, _, _ := Lines("f"); !slices.Equal(again, lines) {
				t.Errorf("%q became %q", lines, again)
			}
		}
		if line, _, _ := Line("f"); strings.Contains(line, "\n") {
			t.Errorf("Line gave %q", line)
		}
		if _, _, err := Number("f"); err != nil {
			t.Error(err)
		}
	})
}

// A FIFO in place of a database is not awaited.
func TestOpenFIFO(t *testing.T) {
	home(t)
	if err := syscall.Mkfifo(Path("fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Open("fifo")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n, err := f.ReadAt(make([]byte, 8), 0); err == nil {
		t.Errorf("%d bytes were read", n)
	}
}
