package users

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goqmail/lib/ascii"
)

// build makes a users/cdb of lines.
func build(t testing.TB, lines []string) []byte {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "cdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table, err := NewTable(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if err := table.Add(line); err != nil {
			t.Fatalf("Add(%q): %v", line, err)
		}
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// goldenLines are the assignments of testdata/assign, of which qmail's own
// qmail-newu made testdata/cdb.
func goldenLines(t testing.TB) []string {
	assign, err := os.ReadFile("testdata/assign")
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(assign), "\n.\n")
	return strings.SplitAfter(text+"\n", "\n")[:strings.Count(text, "\n")+1]
}

func golden(t testing.TB) *bytes.Reader {
	b, err := os.ReadFile("testdata/cdb")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b)
}

func TestGolden(t *testing.T) {
	got := build(t, goldenLines(t))
	want, _ := os.ReadFile("testdata/cdb")
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes, not the %d of the golden file", len(got), len(want))
	}
}

func TestFind(t *testing.T) {
	db := golden(t)
	joe := User{"joe", 507, 100, "/home/joe", "", ""}
	alias := func(ext string) User { return User{"alias", 7790, 2108, "/var/qmail/alias", "-", ext} }
	joeExt := func(ext string) User { return User{"joe", 507, 100, "/home/joe", "-", ext} }
	for _, row := range []struct {
		local string
		want  User
	}{
		{"joe", joe},
		{"JOE", joe},
		{"joe-", joeExt("")},
		{"Joe-Direct", joeExt("Direct")},
		{"joe-list-Owner", User{"lists", 508, 100, "/home/lists", "-", "joe-Owner"}},
		{"joe-list", joeExt("list")},
		{"joey", alias("joey")},
		{"bill", alias("bill")},
		{"", alias("")},
		{"first", User{"one", 5001, 5001, "/home/one", "", ""}}, // not the second of that name
		{"upper", User{"up", 5001, 5001, "/home/up", "-", "Ext"}},
		{"w.x", User{"w", 5001, 5001, "/home/w", "/", "pre-x"}},
		{"w", alias("w")},
		{"\xe9T\xe9", User{"ete", 4294967295, 1, "/h", "", ""}}, // only A to Z have a lower case
		{"\xc9t\xe9", alias("\xc9t\xe9")},
	} {
		got, found, err := Find(db, row.local)
		if got != row.want || !found || err != nil {
			t.Errorf("Find(%q) = %+v, %v, %v, want %+v", row.local, got, found, err, row.want)
		}
	}
}

func TestFindNobody(t *testing.T) {
	db := bytes.NewReader(build(t, []string{
		"=joe:joe:507:100:/home/joe:::\n",
		"+cap.X:c:1:1:/c:-::\n", // a capital at the end, which no look-up will try
		"+low.y:l:1:1:/l:-::\n",
	}))
	for _, local := range []string{"", "j", "joe-x", "joex", "jo", "cap.xz", "cap.X", "low."} {
		if u, found, err := Find(db, local); found || err != nil {
			t.Errorf("Find(%q) = %+v, %v, %v, want nobody", local, u, found, err)
		}
	}
	if u, found, err := Find(db, "low.yz"); !found || err != nil || u.Ext != "z" {
		t.Errorf("Find(low.yz) = %+v, %v, %v", u, found, err)
	}
}

func TestFindBad(t *testing.T) {
	for name, file := range map[string][]byte{
		"empty file":   nil,
		"not from us":  make([]byte, 2048), // a sound cdb without the wildcards' ends
		"cut":          build(t, goldenLines(t))[:2100],
		"no such file": []byte("x"),
	} {
		if u, found, err := Find(bytes.NewReader(file), "joe"); found || !errors.Is(err, ErrDatabase) {
			t.Errorf("%s: %+v, %v, %v, want ErrDatabase", name, u, found, err)
		}
	}
}

func TestAddRefuses(t *testing.T) {
	for _, line := range []string{
		"", "\n", "=\n", "=a\n", ":a:b:1:2:/:-::\n", "=a:b:1:2:/:-:\n", "=a:b:1:2:/:-\n",
		"=a:b:1:2:/\x00:-::\n", "=a:b:1:2:/:-::\x00\n", "joe\n",
	} {
		table := &Table{} // a line that is refused writes nothing
		if err := table.Add(line); !errors.Is(err, ErrFormat) {
			t.Errorf("Add(%q): %v, want ErrFormat", line, err)
		}
	}
}

func TestAddAccepts(t *testing.T) {
	want := User{"b", 1, 2, "/", "-", "c"}
	for _, line := range []string{"=a:b:1:2:/:-:c:\n", "=a:b:1:2:/:-:c:", "=a:b:1:2:/:-:c:d:e\n", "xa:b:1:2:/:-:c:\n", "+a:b:1:2:/:-:c:\n"} {
		if u, found, err := Find(bytes.NewReader(build(t, []string{line})), "A"); u != want || !found || err != nil {
			t.Errorf("%q: %+v, %v, %v, want %+v", line, u, found, err, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, row := range []struct {
		record string
		want   User
	}{
		{"u\x005003\x005004\x00/h\x00-\x00e\x00", User{"u", 5003, 5004, "/h", "-", "e"}},
		{"u\x005003\x005004\x00/h\x00-\x00e\x00more\x00", User{"u", 5003, 5004, "/h", "-", "e"}},
		{"\x00\x00\x00\x00\x00\x00", User{}},
		{"u\x0012x\x00x12\x00\x00\x00\x00", User{Name: "u", Uid: 12}},
		{"u\x004294967296\x004294967297\x00\x00\x00\x00", User{Name: "u", Gid: 1}},
	} {
		if u, err := Parse([]byte(row.record)); u != row.want || err != nil {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", row.record, u, err, row.want)
		}
	}
	for _, record := range []string{"", "u", "u\x001\x002\x00/h\x00-\x00e", "u\x001\x002\x00/h\x00-\x00"} {
		if u, err := Parse([]byte(record)); !errors.Is(err, ErrRecord) {
			t.Errorf("Parse(%q) = %+v, %v, want ErrRecord", record, u, err)
		}
	}
}

// FuzzAdd asserts that a line is refused or found again: by its address, and a
// wildcard also by what extends it.
func FuzzAdd(f *testing.F) {
	for _, line := range goldenLines(f) {
		f.Add(line, "ext")
	}
	f.Fuzz(func(t *testing.T, line, ext string) {
		address, _, err := split(line)
		if err != nil {
			return
		}
		db := bytes.NewReader(build(t, []string{line}))
		u, found, err := Find(db, address)
		small := address == "" || address == ascii.Lower(address)
		if err != nil || !found && (line[0] != '+' || small) {
			t.Fatalf("Find(%q) = %+v, %v, %v", address, u, found, err)
		}
		field := strings.Split(line, ":")
		if found && (u.Name != field[1] || u.Home != field[4] || u.Dash != field[5] || u.Ext != field[6]) {
			t.Errorf("Find(%q) = %+v of %q", address, u, line)
		}
		if line[0] == '+' && small && strings.IndexByte(ext, 0) < 0 {
			if x, found, err := Find(db, address+ext); x.Ext != u.Ext+ext || !found || err != nil {
				t.Errorf("Find(%q) = %+v, %v, %v", address+ext, x, found, err)
			}
		}
	})
}

// FuzzParse asserts that a record prints back to itself, but for numbers.
func FuzzParse(f *testing.F) {
	f.Add([]byte("u\x005003\x005004\x00/h\x00-\x00e\x00"))
	f.Fuzz(func(t *testing.T, record []byte) {
		u, err := Parse(record)
		if err != nil {
			if u != (User{}) {
				t.Errorf("%+v beside %v", u, err)
			}
			return
		}
		field := strings.Split(string(record), "\x00")
		if got := []string{u.Name, u.Home, u.Dash, u.Ext}; strings.Join(got, "\x00") != strings.Join([]string{field[0], field[3], field[4], field[5]}, "\x00") {
			t.Errorf("Parse(%q) = %+v", record, u)
		}
	})
}
