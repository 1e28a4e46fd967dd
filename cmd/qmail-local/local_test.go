package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"goqmail/lib/call"
	"goqmail/lib/call/calltest"
	"goqmail/lib/exit"
)

// A home is a user's home directory, with files to start with.
type home struct {
	dir   string
	local string // of the address
	dash  string
	ext   string
	from  string
	files map[string]string // by name; a slash at the end means a maildir
	modes map[string]os.FileMode
	env   call.Env
}

// make makes the directory, unless it is there.
func (h *home) make(t *testing.T) {
	t.Helper()
	if h.dir != "" {
		return
	}
	h.dir = t.TempDir()
	os.Chmod(h.dir, 0o755)
	for name, content := range h.files {
		var err error
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			for _, sub := range []string{"tmp", "new", "cur"} {
				err = os.MkdirAll(filepath.Join(h.dir, dir, sub), 0o700)
			}
		} else {
			err = os.WriteFile(filepath.Join(h.dir, name), []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range h.modes {
		os.Chmod(filepath.Join(h.dir, name), mode)
	}
}

// result is what qmail-local answers.
type result struct {
	code     int
	out, err string
}

const message = "Received: by b.example\nSubject: x\n\nFrom me\n"

// deliver delivers a message to john@b.example and his other addresses.
func (h *home) deliver(t *testing.T, message string, options ...string) result {
	t.Helper()
	h.make(t)
	mess := file(t, message)
	out, err := file(t, ""), file(t, "")
	local := "john" + h.dash + h.ext
	if h.local != "" {
		local = h.local
	}
	args := append([]string{"qmail-local"}, options...)
	args = append(args, "john", h.dir, local, h.dash, h.ext, "b.example", h.from, "./Maildir/")
	code := start(t, args, h.env, map[int]*os.File{0: mess, 1: out, 2: err})
	return result{code, content(t, out), content(t, err)}
}

// start calls run and puts the working directory back.
func start(t *testing.T, args []string, env call.Env, files map[int]*os.File) int {
	t.Helper()
	t.Chdir(".")
	return run(call.New(args, append(call.Env{"PATH=/bin:/usr/bin"}, env...), files))
}

// file is an open file with some content.
func file(t *testing.T, content string) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	io.WriteString(f, content)
	f.Seek(0, io.SeekStart)
	return f
}

func content(t *testing.T, f *os.File) string {
	t.Helper()
	data, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// read is the content of a file in the home directory, or of all messages in
// directory new of a maildir.
func (h *home) read(t *testing.T, name string) string {
	t.Helper()
	name = filepath.Join(h.dir, name)
	if entries, err := os.ReadDir(filepath.Join(name, "new")); err == nil {
		var all strings.Builder
		for _, e := range entries {
			data, _ := os.ReadFile(filepath.Join(name, "new", e.Name()))
			all.Write(data)
		}
		return all.String()
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

func TestUsage(t *testing.T) {
	const usage = "qmail-local: usage: qmail-local [ -nN ] user homedir local dash ext domain sender aliasempty\n"
	for _, row := range []struct{ args, err string }{
		{"", usage},
		{"a /b c d e f g", usage},
		{"a /b c d e f g h i", usage},
		{"a b c d e f g h", usage},
		{"-nx a /b c d e f g h", "q: illegal option -- x\n" + usage},
	} {
		err := file(t, "")
		args := append([]string{"/usr/bin/q"}, strings.Fields(row.args)...)
		code := start(t, args, nil, map[int]*os.File{2: err})
		if got := content(t, err); code != exit.Perm || got != row.err {
			t.Errorf("%q: got %d, %q, want %d, %q", row.args, code, got, exit.Perm, row.err)
		}
	}
}

func TestDelivers(t *testing.T) {
	const header = "Return-Path: <joe@a.example>\nDelivered-To: john@b.example\n"
	h := &home{
		from: "joe@a.example",
		files: map[string]string{
			".qmail":   "./Maildir/\n./mbox\n|cat > piped; pwd > dir; umask > umask\n|tr a-z A-Z\n",
			"Maildir/": "",
		},
	}
	if got, want := h.deliver(t, message), (result{0, strings.ToUpper(message) + "did 2+0+2\n", ""}); got != want {
		t.Fatalf("got %+v\nwant %+v", got, want)
	}
	if got := h.read(t, "Maildir"); got != header+message {
		t.Errorf("Maildir: %q", got)
	}
	mbox := regexp.MustCompile(`^From joe@a\.example [SMTWF][a-z]{2} [A-Z][a-z]{2} [0-9]{2} [0-9:]{8} [0-9]{4}\n`)
	if got := h.read(t, "mbox"); !mbox.MatchString(got) || mbox.ReplaceAllString(got, "") != header+strings.Replace(message, "From", ">From", 1)+"\n" {
		t.Errorf("mbox: %q", got)
	}
	for name, want := range map[string]string{"piped": message, "dir": h.dir + "\n", "umask": "0077\n"} {
		if got := h.read(t, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestNothingSaid(t *testing.T) {
	for _, dotQmail := range []map[string]string{
		{"Maildir/": ""},
		{"Maildir/": "", ".qmail": ""},
	} {
		h := &home{files: dotQmail}
		if got, want := h.deliver(t, message), (result{0, "did 1+0+0\n", ""}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if got, want := h.read(t, "Maildir"), "Return-Path: <>\nDelivered-To: john@b.example\n"+message; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTells(t *testing.T) {
	h := &home{
		files: map[string]string{".qmail": "# nobody home\n./Maildir/ \n\n/var/mail/john\n|exit 1\n&joe@x\nsue\n"},
		modes: map[string]os.FileMode{".": 0o1755 | os.ModeSticky},
	}
	want := result{0, "maildir ./Maildir/\nmbox /var/mail/john\nprogram exit 1\nforward joe@x\nforward sue\ndid 2+2+1\n",
		"Warning: home directory is sticky.\n"}
	if got := h.deliver(t, "Delivered-To: john@b.example\n", "-n"); got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestExitCodes is the table of qmail-command(8).
func TestExitCodes(t *testing.T) {
	h := &home{files: map[string]string{".qmail": "|exit $CODE\n|echo second\n"}}
	for code, want := range map[string]result{
		"0":   {0, "second\ndid 0+0+2\n", ""},
		"1":   {exit.Temp, "", ""},
		"64":  {exit.Perm, "", ""},
		"65":  {exit.Perm, "", ""},
		"66":  {exit.Temp, "", ""},
		"70":  {exit.Perm, "", ""},
		"75":  {exit.Temp, "", ""},
		"76":  {exit.Perm, "", ""},
		"77":  {exit.Perm, "", ""},
		"78":  {exit.Perm, "", ""},
		"99":  {0, "did 0+0+1\n", ""},
		"100": {exit.Perm, "", ""},
		"111": {exit.Temp, "", ""},
		"112": {exit.Perm, "", ""},
		"127": {exit.Temp, "", ""},
	} {
		h.env = call.Env{"CODE=" + code}
		if got := h.deliver(t, message); got != want {
			t.Errorf("exit %s: got %+v, want %+v", code, got, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		home home
		code int
		err  string
	}{
		{"no such address", home{dash: "-", ext: "list"}, exit.Perm, "Sorry, no mailbox here by that name. (#5.1.1)"},
		{"home others may write", home{modes: map[string]os.FileMode{".": 0o777}}, exit.Temp, "Uh-oh: home directory is writable. (#4.7.0)"},
		{"sticky home", home{modes: map[string]os.FileMode{".": 0o755 | os.ModeSticky}}, exit.Temp,
			"Home directory is sticky: user is editing his .qmail file. (#4.2.1)"},
		{"file others may write", home{files: map[string]string{".qmail": "./mbox\n"}, modes: map[string]os.FileMode{".qmail": 0o646}}, exit.Temp,
			"Uh-oh: .qmail file is writable. (#4.7.0)"},
		{"blank first line", home{files: map[string]string{".qmail": "\n./mbox\n"}}, exit.Temp, "Uh-oh: first line of .qmail file is blank. (#4.2.1)"},
		{"file in a list", home{files: map[string]string{".qmail": "joe\n./mbox\n"}, modes: map[string]os.FileMode{".qmail": 0o744}}, exit.Temp,
			"Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)"},
		{"program in a list", home{files: map[string]string{".qmail": "+list\n|true\n"}}, exit.Temp,
			"Uh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)"},
		{"no maildir", home{files: map[string]string{".qmail": "./Maildir/\n"}}, exit.Temp, "Unable to chdir to maildir. (#4.2.1)"},
		{"half a maildir", home{files: map[string]string{".qmail": "./Maildir/\n", "Maildir": ""}}, exit.Temp, "Unable to chdir to maildir. (#4.2.1)"},
		{"maildir without tmp", home{files: map[string]string{".qmail": "././\n"}}, exit.Temp, "Temporary error on maildir delivery. (#4.3.0)"},
		{"no place for an mbox", home{files: map[string]string{".qmail": "./a/b\n"}}, exit.Temp, "Unable to open ./a/b: file does not exist. (#4.2.1)"},
		{"full disk", home{files: map[string]string{".qmail": "/dev/full\n"}}, exit.Temp, "Unable to write /dev/full: out of disk space. (#4.3.0)"},
		{"crash", home{files: map[string]string{".qmail": "|kill -9 $$\n"}}, exit.Temp, "Aack, child crashed. (#4.3.0)"},
		{"no home", home{dir: "/nonexistent/home"}, exit.Temp, "Unable to switch to /nonexistent/home: file does not exist. (#4.3.0)"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got, want := row.home.deliver(t, message), (result{row.code, "", row.err + "\n"}); got != want {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestUnreadableDotQmail(t *testing.T) {
	if calltest.AsNobody(t) {
		return
	}
	h := &home{files: map[string]string{".qmail": "", "Maildir/": ""}, modes: map[string]os.FileMode{".qmail": 0}}
	want := result{exit.Temp, "", "Unable to open .qmail: access denied. (#4.3.0)\n"}
	if got := h.deliver(t, message); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestBadMessage gives qmail-local things that are no message.
func TestBadMessage(t *testing.T) {
	h := &home{files: map[string]string{".qmail": "./mbox\n"}}
	h.make(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.Close()
	dir, err := os.Open(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, row := range []struct {
		name string
		mess *os.File
		err  string
	}{
		{"nothing", nil, "Unable to rewind message. (#4.3.0)\n"},
		{"a pipe", r, "Unable to rewind message. (#4.3.0)\n"},
		{"a directory", dir, "Unable to read message: is a directory. (#4.3.0)\n"},
	} {
		err := file(t, "")
		args := []string{"qmail-local", "john", h.dir, "john", "", "", "b.example", "", "./mbox"}
		code := start(t, args, nil, map[int]*os.File{0: row.mess, 2: err})
		if got := content(t, err); code != exit.Temp || got != row.err {
			t.Errorf("%s: got %d, %q, want %d, %q", row.name, code, got, exit.Temp, row.err)
		}
	}
}
