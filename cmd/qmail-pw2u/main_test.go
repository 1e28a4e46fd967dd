package main

import (
	"os"
	"path/filepath"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
)

// pw2uIn runs qmail-pw2u with files in the directory users of a home of its
// own.
func pw2uIn(t *testing.T, users map[string]string, passwd string, args ...string) (out, complaint string, code int) {
	t.Helper()
	t.Chdir(t.TempDir())
	old := auto.Home
	auto.Home = t.TempDir()
	defer func() { auto.Home = old }()
	os.Mkdir(auto.Home+"/users", 0o755)
	for name, text := range users {
		if err := os.WriteFile(auto.Home+"/users/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	file := func(name, text string) *os.File {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	files := map[int]*os.File{0: file("0", passwd), 1: file("1", ""), 2: file("2", "")}
	code = run(call.New(append([]string{"bin/qmail-pw2u"}, args...), nil, files))
	written := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		return string(b)
	}
	return written("1"), written("2"), code
}

const passwd = `root:x:0:0::/root:
alias:x:7790:2108::/var/qmail/alias:/bin/sh
joe:x:507:100:J:/home/joe:/bin/sh
Ann:x:508:100::/home/ann:
`

const alias = "+:alias:7790:2108:/var/qmail/alias:-::\n=alias:alias:7790:2108:/var/qmail/alias:::\n+alias-:alias:7790:2108:/var/qmail/alias:-::\n"

func TestAssignments(t *testing.T) {
	const joe = "=joe:joe:507:100:/home/joe:::\n+joe-:joe:507:100:/home/joe:-::\n"
	for _, row := range []struct {
		name   string
		args   []string
		users  map[string]string
		passwd string
		want   string
	}{
		{"plain", nil, nil, passwd, alias + joe + ".\n"},
		{"capitals", []string{"-u"}, nil, passwd, alias + joe + "=Ann:Ann:508:100:/home/ann:::\n+Ann-:Ann:508:100:/home/ann:-::\n.\n"},
		{"the last option counts", []string{"-uU"}, nil, passwd, alias + joe + ".\n"},
		{"other break", []string{"-c+"}, nil, passwd, "+:alias:7790:2108:/var/qmail/alias:-::\n=alias:alias:7790:2108:/var/qmail/alias:::\n+alias+:alias:7790:2108:/var/qmail/alias:-::\n=joe:joe:507:100:/home/joe:::\n+joe+:joe:507:100:/home/joe:-::\n.\n"},
		{"no break", []string{"-C"}, nil, passwd, "+:alias:7790:2108:/var/qmail/alias:-::\n=alias:alias:7790:2108:/var/qmail/alias:::\n=joe:joe:507:100:/home/joe:::\n.\n"},
		{"slash", []string{"-/C"}, nil, passwd, "+:alias:7790:2108:/var/qmail/alias:-/::\n=alias:alias:7790:2108:/var/qmail/alias:::\n=joe:joe:507:100:/home/joe:::\n.\n"},
		{"include", nil, map[string]string{"include": "ALIAS\n"}, passwd, alias + ".\n"},
		{"exclude", nil, map[string]string{"exclude": "# not joe\njoe \n"}, passwd, alias + ".\n"},
		{"mailnames", []string{"-C"}, map[string]string{"mailnames": "joe::J.Oe:joseph:\nalias:\nnobody:x\n"}, passwd,
			"+:alias:7790:2108:/var/qmail/alias:-::\n=J.Oe:joe:507:100:/home/joe:::\n=joseph:joe:507:100:/home/joe:::\n.\n"},
		{"subusers", nil, map[string]string{"subusers": "info:JOE:inf:\nshort:joe\nshort:joe:\n"}, passwd,
			alias + joe + "=info:joe:507:100:/home/joe:-:inf:\n+info-:joe:507:100:/home/joe:-:inf-:\n.\n"},
		{"append", nil, map[string]string{"append": "=x:y\nno newline"}, passwd, alias + joe + "=x:y\nno newline.\n"},
		{"lines that are none", nil, nil, passwd + "\njoe\nx:x:5:5::/home\ny:x:5:5::/h\x00:\nz:x:z:5::/home:\n", alias + joe + ".\n"},
		{"the last line without newline", nil, nil, passwd + "b:x:1y:2::/:", alias + joe + "=b:b:1y:2:/:::\n+b-:b:1y:2:/:-::\n.\n"},
	} {
		out, complaint, code := pw2uIn(t, row.users, row.passwd, append(row.args, "-H")...)
		if out != row.want || complaint != "" || code != 0 {
			t.Errorf("%s: code %d, %q\n%s\nwant\n%s", row.name, code, complaint, out, row.want)
		}
	}
}

func TestTrouble(t *testing.T) {
	for _, row := range []struct {
		name      string
		args      []string
		users     map[string]string
		passwd    string
		complaint string
		code      int
	}{
		{"unknown option", []string{"-z"}, nil, passwd, "qmail-pw2u: illegal option -- z\n", 100},
		{"option without argument", []string{"-c"}, nil, passwd, "qmail-pw2u: option requires an argument -- c\n", 100},
		{"no alias", []string{"-H"}, nil, "joe:x:507:100:J:/home/joe:/bin/sh\n", "qmail-pw2u: fatal: unable to find alias user\n", 111},
		{"no home", []string{"-h"}, nil, "joe:x:507:100:J:/nonexistent:\n", "qmail-pw2u: fatal: unable to stat /nonexistent\n", 111},
		{"odd home", nil, nil, "joe:x:507:100:J:/dev/null/x:\n", "qmail-pw2u: fatal: unable to stat /dev/null/x\n", 111},
		{"unknown user for subuser", []string{"-H"}, map[string]string{"subusers": "a:b:"}, passwd, "qmail-pw2u: fatal: unable to find b user for subuser\n", 111},
	} {
		_, complaint, code := pw2uIn(t, row.users, row.passwd, row.args...)
		if complaint != row.complaint || code != row.code {
			t.Errorf("%s: code %d, %q, want %d, %q", row.name, code, complaint, row.code, row.complaint)
		}
	}
}

func TestHomes(t *testing.T) {
	// The root directory is no user's, and the other is not there.
	lines := passwd + "a:x:5:5::/:\nb:x:5:5::/nonexistent:\n"
	a := &assigner{}
	if wanted, err := a.wants("a", 5, "/"); wanted || err != nil {
		t.Errorf("home of another: %v, %v", wanted, err)
	}
	if wanted, err := a.wants("b", 5, "/nonexistent"); wanted || err != nil {
		t.Errorf("missing home: %v, %v", wanted, err)
	}
	dir := t.TempDir()
	if uid := os.Getuid(); uid != 0 {
		if wanted, err := a.wants("c", uint64(uid), dir); !wanted || err != nil {
			t.Errorf("own home: %v, %v", wanted, err)
		}
	}
	if _, complaint, code := pw2uIn(t, nil, lines, "-h"); code != 111 {
		t.Errorf("-h: code %d, %q", code, complaint)
	}
}
