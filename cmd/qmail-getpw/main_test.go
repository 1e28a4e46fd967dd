package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"goqmail/lib/exit"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("a", nameMax)
	for local, want := range map[string][]string{
		"john":          {"john"},
		"JoHn-Ext":      {"john-ext", "john"},
		"a-b-c":         {"a-b-c", "a-b", "a"},
		"":              {""},
		"-":             {"-", ""},
		"john+x":        {"john+x"},
		"\xc9t\xe9":     {"\xc9t\xe9"},
		long:            {long},
		long + "a":      nil,
		long + "-x":     {long},
		long + "a-x":    nil,
		"a-" + long:     {"a"},
		"x-" + long[2:]: {"x-" + long[2:], "x"},
	} {
		if got := names(local); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", local, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	wanted := []string{"joe", "ann", "x", "alias", "#no", "+nis", "-nis", ""}
	for _, row := range []struct {
		text string
		want map[string]account
		yp   bool
	}{
		{"joe:x:5:6:J. Oe:/home/joe:/bin/sh\n", map[string]account{"joe": {"joe", 5, 6, "/home/joe"}}, false},
		{"joe:x:5:6:J. Oe:/home/joe", map[string]account{"joe": {"joe", 5, 6, "/home/joe"}}, false},
		{"joe:x:5:6\n", map[string]account{"joe": {"joe", 5, 6, ""}}, false},
		{"joe:x:5:6:\n", map[string]account{"joe": {"joe", 5, 6, ""}}, false},
		{" \tjoe:x:5:6::/:\n", map[string]account{"joe": {"joe", 5, 6, "/"}}, false},
		{"joe:x:5:6::/a:\njoe:x:7:8::/b:\n", map[string]account{"joe": {"joe", 5, 6, "/a"}}, false},
		{"joe:x:5\njoe:x:7:8::/b:\n", map[string]account{"joe": {"joe", 7, 8, "/b"}}, false}, // the first line is none
		{"joe:x:4294967295:0::/:\n", map[string]account{"joe": {"joe", 4294967295, 0, "/"}}, false},
		{"joe:x:4294967296:0::/:\n", map[string]account{"joe": {"joe", 4294967295, 0, "/"}}, false},
		{"joe:x:-2: +7::/:\n", map[string]account{"joe": {"joe", 4294967295, 7, "/"}}, false},
		{"joe:x:-0:\t7::/:\n", map[string]account{"joe": {"joe", 0, 7, "/"}}, false},
		{"joe:x::0::/:\njoe:x:5:z::/:\njoe:x:5x:1::/:\njoe:x:+-5:1::/:\njoe:x:+:1::/:\njoe:x:5 :1::/:\n", nil, false},
		{"joe:x:5:6:J\x00:/:\njoe:x:5:6::/late:\n", map[string]account{"joe": {"joe", 5, 6, ""}}, false}, // the rest of the line is lost
		{"bill:x:5:6::/:\nJoe:x:5:6::/:\njoe\n\n", nil, false},
		{"#no:x:5:6::/:\n# joe:x:5:6::/:\n", nil, false},
		{"+nis:x:5:6::/:\n", nil, true},
		{"-nis:x:5:6::/:\n", nil, true},
		{"joe:x:5:6::/:\n+\n", map[string]account{"joe": {"joe", 5, 6, "/"}}, true},
	} {
		p, err := parse(strings.NewReader(row.text), wanted)
		if !maps.Equal(p.accounts, row.want) || p.yp != row.yp || err != nil {
			t.Errorf("%q: %+v, %v, want %+v, %v", row.text, p, err, row.want, row.yp)
		}
	}
}

func TestParseOrder(t *testing.T) {
	onlyFile := order{fileFirst: true}
	for conf, want := range map[string]order{
		"":                                        onlyFile,
		"passwd: files\n":                         onlyFile,
		" passwd :files":                          onlyFile,
		"group: sss\npasswd:\t files # ldap":      onlyFile,
		"#passwd: ldap\n":                         onlyFile,
		"passwd: compat\n":                        {fileFirst: true, compat: true},
		"passwd: files systemd\n":                 {fileFirst: true, others: true},
		"passwd: files [NOTFOUND=return] sss":     {fileFirst: true, others: true},
		"passwd: [x] files [ NOTFOUND = return ]": onlyFile,
		"passwd: sss files\n":                     {others: true},
		"passwd: ldap\n":                          {others: true},
		"passwd:\n":                               {others: true},
	} {
		if got := parseOrder(conf); got != want {
			t.Errorf("%q: %+v, want %+v", conf, got, want)
		}
	}
}

func TestControl(t *testing.T) {
	home := t.TempDir()
	uid := uint32(os.Getuid())
	if uid == 0 {
		uid = 12345
		if err := os.Chown(home, int(uid), -1); err != nil {
			t.Fatal(err)
		}
	}
	user := func(name string) account { return account{name, uid, 7, home} }
	file := map[string]account{}
	for _, a := range []account{
		user("joe"), user("joe-b"), {"alias", 0, 9, "/nonexistent"}, {"root", 0, 0, home},
		{"nohome", uid, 7, home + "/none"}, {"notown", uid + 1, 7, home}, {"nohome-x", uid, 7, ""},
	} {
		file[a.name] = a
	}
	for _, row := range []struct{ local, owner, dash, ext string }{
		{"joe", "joe", "", ""},
		{"Joe-Ext", "joe", "-", "Ext"},
		{"joe-", "joe", "-", ""},
		{"joe-b", "joe-b", "", ""},
		{"joe-b-c-d", "joe-b", "-", "c-d"},
		{"joe-bc", "joe", "-", "bc"},
		{"joey", "alias", "-", "joey"},
		{"-joe", "alias", "-", "-joe"},
		{"", "alias", "-", ""},
		{"root", "alias", "-", "root"},
		{"root-x", "alias", "-", "root-x"},
		{"nohome", "alias", "-", "nohome"},
		{"nohome-x-y", "alias", "-", "nohome-x-y"},
		{"notown-x", "alias", "-", "notown-x"},
		{"Alias-X", "alias", "-", "Alias-X"},
	} {
		a := &accounts{wanted: append(names(row.local), "alias"), file: file}
		owner, dash, ext, code := control(row.local, a)
		got := fmt.Sprintf("%s %q %q %d", owner.name, dash, ext, code)
		if want := fmt.Sprintf("%s %q %q 0", row.owner, row.dash, row.ext); got != want {
			t.Errorf("%q: %s, want %s", row.local, got, want)
		}
	}
	delete(file, "alias")
	a := &accounts{wanted: []string{"joey", "alias"}, file: file}
	if _, _, _, code := control("joey", a); code != exit.LocalNoAlias {
		t.Errorf("without alias: code %d", code)
	}
}

// Accounts of getent count after those of the file, or before, as the system
// would have it.
func TestOrder(t *testing.T) {
	file := map[string]account{"joe": {name: "joe", uid: 1}, "file": {name: "file", uid: 1}}
	others := map[string]account{"joe": {name: "joe", uid: 2}, "other": {name: "other", uid: 2}}
	for _, row := range []struct {
		order order
		want  map[string]uint32
	}{
		{order{fileFirst: true}, map[string]uint32{"joe": 1, "file": 1}},
		{order{fileFirst: true, others: true}, map[string]uint32{"joe": 1, "file": 1, "other": 2}},
		{order{others: true}, map[string]uint32{"joe": 2, "other": 2}},
	} {
		a := &accounts{order: row.order, file: file, others: others}
		for _, name := range []string{"joe", "file", "other", "none"} {
			got, ok, err := a.get(name)
			if want, wanted := row.want[name]; got.uid != want || ok != wanted || err != nil {
				t.Errorf("%+v: get(%q) = %+v, %v, %v", row.order, name, got, ok, err)
			}
		}
	}
}

// FuzzParse asserts that every account found stands in the text, and that
// there is none that was not wanted.
func FuzzParse(f *testing.F) {
	f.Add("joe:x:5:6:J. Oe:/home/joe:/bin/sh\n+\n", "joe")
	f.Fuzz(func(t *testing.T, text, name string) {
		p, err := parse(strings.NewReader(text), []string{name})
		if err != nil {
			return
		}
		for key, a := range p.accounts {
			if key != name || a.name != name || !strings.Contains(text, name+":") || !strings.Contains(text, a.home) {
				t.Errorf("%q: %+v", text, a)
			}
		}
	})
}
