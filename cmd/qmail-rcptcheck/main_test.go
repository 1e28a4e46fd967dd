package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/ascii"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/cdb"
)

// home makes a home directory with files in it.
func home(t testing.TB, files map[string]string) {
	t.Helper()
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	t.Chdir(auto.Home) // and back
	for name, text := range files {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		path := filepath.Join(auto.Home, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if strings.HasSuffix(name, ".cdb") && text != "damaged" {
			makeCDB(t, path, text)
			continue
		}
		// A child that another test forks now would hold it open, busy.
		syscall.ForkLock.RLock()
		err := os.WriteFile(path, []byte(text), mode)
		syscall.ForkLock.RUnlock()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// makeCDB makes a database of lines "key=value".
func makeCDB(t testing.TB, path, lines string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	db, err := cdb.NewWriter(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(lines) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if err := db.Add(key, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// ask runs the check for a recipient. said is the reply or, without one, what
// went to descriptor 2.
func ask(t *testing.T, env call.Env, recipient string) (code int, said string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	code = run(call.New([]string{"qmail-rcptcheck"}, append(env, "RECIPIENT="+recipient, "USE_FD4=1"), map[int]*os.File{2: w, 4: w}))
	w.Close()
	b, _ := io.ReadAll(r)
	return code, string(b)
}

const (
	notValid = "553 sorry, this recipient is not in my validrcptto list (#5.7.1)\n"
	notGood  = "550 sorry, no mailbox here by that name (#5.1.1)\n"
	notKnown = "550 sorry, no mailbox by that name (#5.7.1)\n"
)

// row asks about some recipients; accepted ones have no reply.
type row struct {
	name  string
	files map[string]string
	env   call.Env
	want  map[string]string
}

func check100(t *testing.T, rows []row) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			home(t, row.files)
			for recipient, reply := range row.want {
				code := 0
				if reply != "" {
					code = 100
				}
				if got, said := ask(t, row.env, recipient); got != code || said != reply {
					t.Errorf("%s: %d, %q; want %d, %q", recipient, got, said, code, reply)
				}
			}
		})
	}
}

func TestLists(t *testing.T) {
	const valid = "# front end\nUser1@Test.example \n-@test.example\n-demo@two.example\ninfo@two.example\n@three.example\n-x@three.example\nlocal\n"
	const cdb = "user2@test.example\n-user1@test.example\n@four.example\n"
	check100(t, []row{
		{"nothing", nil, nil, map[string]string{"a@b": "", "": ""}},
		{"validrcptto", map[string]string{"control/validrcptto": valid}, nil, map[string]string{
			"user1@test.example": "", "USER1@TEST.EXAMPLE": "", "user2@test.example": notValid,
			"demo@two.example": notValid, "info@two.example": "", "other@two.example": "",
			"y@three.example": "", "x@three.example": notValid, "a@elsewhere": "", "local": "", "other": "",
		}},
		{"with a database", map[string]string{"control/validrcptto": valid, "control/morevalidrcptto.cdb": cdb}, nil, map[string]string{
			"user1@test.example": "", // accepted before refused, wherever it stands
			"user2@test.example": "", "User2@Test.Example": "", "user3@test.example": notValid, "a@four.example": "",
		}},
		{"a database alone", map[string]string{"control/morevalidrcptto.cdb": "-@a\n"}, nil, map[string]string{"x@a": notValid, "x@b": ""}},
		{"other files", map[string]string{"control/validrcptto": "-@a\n", "control/morevalidrcptto.cdb": "-@a\n", "v": "-@b\n", "m.cdb": "-@c\n"},
			call.Env{"VALIDRCPTTO=v", "MOREVALIDRCPTTO_CDB=m.cdb"}, map[string]string{"x@a": "", "x@b": notValid, "x@c": notValid}},
		{"switched off", map[string]string{"control/validrcptto": "-@a\n"}, call.Env{"VALIDRCPTTO="}, map[string]string{"x@a": ""}},

		{"goodrcptto", map[string]string{"control/goodrcptto": "Joe@a\n@B\n", "control/moregoodrcptto.cdb": "sue@a\n@c\n"}, nil, map[string]string{
			"joe@A": "", "sue@a": "", "tom@a": notGood, "x@b": "", "x@c": "", "local": notGood,
		}},
		{"goodrcptto for friends", map[string]string{"control/goodrcptto": ""}, call.Env{"ACCEPTCLIENT="}, map[string]string{"x@a": ""}},
		{"both", map[string]string{"control/goodrcptto": "@a\n", "control/validrcptto": "-x@a\nx@b\n"}, nil, map[string]string{
			"y@a": "", "x@a": notValid, "x@b": notGood,
		}},

		{"validrcptto.cdb", map[string]string{"v.cdb": "joe@a\nbad@a=-no\nlist-default@a\nlist-x-default@a=-\nlist-x-y@a=later\n@b\n-x@c\n"},
			call.Env{"VALIDRCPTTO_CDB=v.cdb"}, map[string]string{
				"Joe@A": "", "joe-x@a": notValid, "bad@a": notValid, "list-z@a": "", "list-z-z@a": "", "list@a": notValid,
				"list-x-z@a": notValid, "list-x-y@a": "", "list-@a": "", "any-thing@b": "", "x@c": notValid, "local": notValid, "-@a": notValid,
			}},
		{"validrcptto.cdb not named", map[string]string{"v.cdb": ""}, call.Env{"VALIDRCPTTO_CDB="}, map[string]string{"x@a": ""}},
	})
}

func TestRecipients(t *testing.T) {
	const pam = "#!/bin/sh\nread -r address <&3\nprintf '%s %s\\n' \"$*\" \"$(echo \"$address\" | tr '\\000' .)\" >>asked\ncase $address in joe@*) exit 0;; esac\nexit 1\n"
	users := map[string]string{"users/recipients.cdb": ":joe@a\n:list-@a\n:joe@sub.a\n:local@localhost\n:x@b\n", "etc/ff.cdb": ":postmaster@a\n"}
	with := func(lines string) map[string]string {
		files := map[string]string{"control/recipients": lines, "bin/pam": pam}
		for name, text := range users {
			files[name] = text
		}
		return files
	}
	check100(t, []row{
		{"a domain and those below", with("A:users/recipients.cdb\n!*\n"), nil, map[string]string{
			"joe@a": "", "Joe@A": "", "joe@sub.a": "", "sue@a": notKnown, "sue@sub.a": notKnown, "sue@ba": "", "x@b": "", "y@b": "",
			"list-x@a": "", "list-x-y@a": "", "list@a": notKnown, "joe-x@a": notKnown,
		}},
		{"a domain alone", with("@a:users/recipients.cdb\n!*\n"), nil, map[string]string{"sue@a": notKnown, "sue@sub.a": ""}},
		{"nothing else", with("@a:users/recipients.cdb\n"), nil, map[string]string{"joe@a": "", "sue@c": notKnown}},
		{"exceptions", with("!Free.example\n*:users/recipients.cdb\n"), nil, map[string]string{
			"any@free.example": "", "any@sub.free.example": notKnown, "x@b": "", "y@b": notKnown, "local": "", "local-x": notKnown,
		}},
		{"several", with("a:users/recipients.cdb\na:etc/ff.cdb\n*:etc/ff.cdb\n"), nil, map[string]string{
			"joe@a": "", "postmaster@a": "", "sue@a": notKnown,
		}},
		{"of old", with("users/recipients.cdb\netc/ff.cdb\n"), nil, map[string]string{"joe@a": "", "postmaster@a": "", "sue@a": notKnown}},
		{"a program", with("a|bin/pam one two\n!*\n"), nil, map[string]string{"joe@a": "", "sue@a": notKnown, "joe-x@a": notKnown, "sue@b": ""}},
		{"450", with("a:users/recipients.cdb\n"), call.Env{"RECIPIENTS450="}, map[string]string{
			"joe@a": "", "sue@a": "450 sorry, mailbox currently unavailable (#4.2.1)\n",
		}},
		{"empty", with(""), nil, map[string]string{"joe@a": notKnown}},
	})

	home(t, with("a|bin/pam one two\n"))
	ask(t, nil, "sue-x@a")
	if asked, _ := os.ReadFile("asked"); string(asked) != "one two sue-x@a...\none two sue-@a...\n" && string(asked) != "one two sue-x@a\none two sue-@a\n" {
		t.Errorf("the program got %q", asked)
	}
}

func TestPrograms(t *testing.T) {
	const note = "#!/bin/sh\necho ${0##*/} $SENDER $RECIPIENT >>asked\n"
	home(t, map[string]string{
		"control/rcptchecks":  "# in turn\nbin/one\n./bin/two\n",
		"bin/one":             note,
		"bin/two":             note + "exit ${RECIPIENT%@*}\n",
		"control/validrcptto": "-no@a\n",
	})
	for recipient, want := range map[string]int{"0@a": 0, "1@a": 0, "99@a": 0, "100@a": 100, "111@a": 111, "120@a": 120} {
		if code, said := ask(t, call.Env{"SENDER=s"}, recipient); code != want || said != "" {
			t.Errorf("%s: %d, %q", recipient, code, said)
		}
		if asked, _ := os.ReadFile("asked"); string(asked) != "one s "+recipient+"\ntwo s "+recipient+"\n" {
			t.Errorf("%s: asked %q", recipient, asked)
		}
		os.Remove("asked")
	}
	if code, said := ask(t, nil, "no@a"); code != 100 || said != notValid {
		t.Errorf("listed: %d, %q", code, said)
	}
	if _, err := os.Stat("asked"); err == nil {
		t.Error("programs are asked about who is refused already")
	}
}

// In doubt mail is put off, and the log tells.
func TestDoubt(t *testing.T) {
	for _, row := range []struct {
		name  string
		files map[string]string
		env   call.Env
		code  int
		said  string
	}{
		{"damaged", map[string]string{"control/morevalidrcptto.cdb": "damaged"}, nil, 111, "unable to read control/morevalidrcptto.cdb"},
		{"damaged, too", map[string]string{"control/moregoodrcptto.cdb": "damaged"}, nil, 111, "unable to read control/moregoodrcptto.cdb"},
		{"no database", nil, call.Env{"VALIDRCPTTO_CDB=no.cdb"}, 111, "unable to read no.cdb: file does not exist"},
		{"damaged here", map[string]string{"v.cdb": "damaged"}, call.Env{"VALIDRCPTTO_CDB=v.cdb"}, 111, "unable to read v.cdb"},
		{"no source", map[string]string{"control/recipients": "*:no.cdb\n"}, nil, 111, "unable to read no.cdb: file does not exist"},
		{"damaged source", map[string]string{"control/recipients": "*:x.cdb\n", "x.cdb": "damaged"}, nil, 111, "unable to read x.cdb"},
		{"no program in source", map[string]string{"control/recipients": "*|no-such-program a\n"}, nil, 111, "unable to run no-such-program: file does not exist"},
		{"source unsure", map[string]string{"control/recipients": "*|./p\n", "p": "#!/bin/sh\nexit 111\n"}, nil, 111, "./p cannot tell"},
		{"source crashes", map[string]string{"control/recipients": "*|./p\n", "p": "#!/bin/sh\nkill -9 $$\n"}, nil, 111, "./p cannot tell"},
		{"source without command", map[string]string{"control/recipients": "*| \n*|\n"}, nil, 111, "unable to read : file does not exist"},
		{"no program", map[string]string{"control/rcptchecks": "bin/no\n"}, nil, 120, "unable to run bin/no: file does not exist"},
		{"program crashes", map[string]string{"control/rcptchecks": "./p\n", "p": "#!/bin/sh\nkill -9 $$\n"}, nil, 120, "./p crashed"},
		{"qmail-rcptd away", map[string]string{"control/me": "a\n", "control/rcptchecks": "realrcptto\n"}, nil, 0, "warning: unable to check recipient: file does not exist"},
		{"no locals", map[string]string{"control/rcptchecks": "realrcptto\n"}, nil, 0, "warning: unable to check recipient: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			home(t, row.files)
			code, said := ask(t, row.env, "joe@a")
			if code != row.code || !strings.HasPrefix(said, "qmail-rcptcheck: "+row.said) {
				t.Errorf("got %d, %q", code, said)
			}
		})
	}
	for _, name := range []string{"validrcptto", "goodrcptto", "recipients", "rcptchecks"} {
		home(t, nil)
		os.MkdirAll("control/"+name, 0o755) // there, and not to be read
		if code, said := ask(t, nil, "joe@a"); code != 111 || said != "qmail-rcptcheck: unable to read control/"+name+": is a directory\n" {
			t.Errorf("%s: %d, %q", name, code, said)
		}
	}
	if code := run(call.New([]string{"qmail-rcptcheck"}, nil, nil)); code != 111 {
		t.Errorf("without RECIPIENT: %d", code)
	}
}

// FuzzSource: a line of control/recipients means one thing, and what it looks
// for or runs stands in it.
func FuzzSource(f *testing.F) {
	for _, line := range []string{"!*", "!a.example", "@a:users/recipients.cdb", "a|bin/pam x y", "*:cdb", "*|x:y", "cdb", "a:b|c", "|", ":", "@:"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s := parse(line)
		if s.accept != strings.HasPrefix(line, "!") || s.accept && s.cdb+s.pam != "" || s.cdb != "" && s.pam != "" {
			t.Errorf("%q: %+v", line, s)
		}
		if !strings.HasSuffix(line, s.cdb+s.pam) || !strings.Contains(ascii.Lower(line), s.domain) {
			t.Errorf("%q: %+v", line, s)
		}
		if s.domain != "" && s.domain != "*" && (!s.concerns(s.domain, true) || s.exact == s.concerns("x."+s.domain, true)) {
			t.Errorf("%q does not know its domain", line)
		}
	})
}

// FuzzRecipient: whatever the client calls a recipient, in capitals or not, the
// lists say yes or no to it.
func FuzzRecipient(f *testing.F) {
	for _, s := range []string{"joe@a", "list-x@a", "@a", "-@a", "a", "", "-joe@a", "a@b@a", "x-default@a", "\xff\x00@a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, recipient string) {
		home(t, map[string]string{
			"control/validrcptto": "-bad@a\n", "control/goodrcptto": "@a\n@b\n", "control/recipients": "a:r.cdb\n!*\n",
			"r.cdb": ":joe@a\n:list-@a\n", "v.cdb": "list-default@a\n@a\n@b=-\n",
		})
		env := call.Env{"VALIDRCPTTO_CDB=v.cdb"}
		code, reply := ask(t, env, recipient)
		if code != 0 && code != 100 || (code == 0) != (reply == "") {
			t.Errorf("%q: %d, %q", recipient, code, reply)
		}
		if again, _ := ask(t, env, ascii.Lower(recipient)); again != code {
			t.Errorf("%q: %d, and %d in lower case", recipient, code, again)
		}
	})
}
