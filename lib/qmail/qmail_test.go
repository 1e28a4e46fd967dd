package qmail

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/exit"
	"goqmail/lib/warm"
)

// home makes a home directory for the test, with script as its qmail-queue.
func home(t *testing.T, script string) (dir string, env call.Env) {
	t.Helper()
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	if err := os.Mkdir(auto.Home+"/bin", 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, auto.Home+"/bin/qmail-queue", script)
	return auto.Home, call.Env{"PATH=" + os.Getenv("PATH")}
}

func put(t *testing.T, file, script string) {
	t.Helper()
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// send sends a small message.
func send(t *testing.T, env call.Env) (*Queue, error) {
	t.Helper()
	q, err := Open(env, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.WriteString("Subject: test\n\nhello\n")
	q.From("a@b")
	q.To("c@d")
	q.To("e@f")
	return q, q.Close()
}

const keep = "cat >mess; cat <&1 >envelope 2>&1; echo $$ >pid; "

func TestQueued(t *testing.T) {
	dir, env := home(t, keep)
	q, err := send(t, env)
	if err != nil {
		t.Fatal(err)
	}
	// The program runs in the home directory.
	if got := content(t, dir+"/mess"); got != "Subject: test\n\nhello\n" {
		t.Errorf("message %q", got)
	}
	if got := content(t, dir+"/envelope"); got != "Fa@b\x00Tc@d\x00Te@f\x00\x00" {
		t.Errorf("envelope %q", got)
	}
	if got := content(t, dir+"/pid"); got != strconv.Itoa(q.Pid())+"\n" {
		t.Errorf("pid %q, not %d", got, q.Pid())
	}
}

func TestReadFrom(t *testing.T) {
	dir, env := home(t, keep)
	big := strings.Repeat("0123456789abcde\n", 50000)
	q, err := Open(env, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := q.ReadFrom(strings.NewReader(big))
	if err != nil || n != int64(len(big)) {
		t.Errorf("%d, %v", n, err)
	}
	q.From("")
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if content(t, dir+"/mess") != big {
		t.Error("the message differs")
	}
	if got := content(t, dir+"/envelope"); got != "F\x00\x00" {
		t.Errorf("envelope %q", got)
	}
}

func TestFail(t *testing.T) {
	dir, env := home(t, keep+"exit 54")
	q, err := Open(env, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.WriteString("begun")
	q.Fail()
	q.WriteString(" and not finished")
	q.From("a@b")
	q.To("c@d")
	checkError(t, q.Close(), exit.Temp, "qq read error (#4.3.0)")
	if got := content(t, dir+"/mess"); got != "begun" {
		t.Errorf("message %q", got)
	}
	if got := content(t, dir+"/envelope"); got != "" {
		t.Errorf("envelope %q", got)
	}

	// A program that takes no notice must not make the message look queued.
	_, env = home(t, keep)
	q, err = Open(env, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Fail()
	q.From("a@b")
	checkError(t, q.Close(), exit.Temp, "qq read error (#4.3.0)")
}

func TestAbort(t *testing.T) {
	for _, c := range []struct{ written, seen int }{
		{5, 0}, {1024, 0}, {1025, 1024}, {8192, 7168}, {10000, 9216},
	} {
		dir, env := home(t, keep+"mv pid done")
		q, err := Open(env, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range c.written {
			q.WriteString("x")
		}
		q.Abort()
		var fifo *os.File // wait for the program's last words
		for fifo == nil {
			fifo, _ = os.Open(dir + "/done")
		}
		fifo.Close()
		if got := len(content(t, dir+"/mess")); got != c.seen {
			t.Errorf("of %d bytes %d were seen, want %d", c.written, got, c.seen)
		}
		if got := content(t, dir+"/envelope"); got != "" {
			t.Errorf("envelope %q", got)
		}
	}
}

func TestProgram(t *testing.T) {
	dir, env := home(t, "exit 31")
	put(t, dir+"/other", keep+"echo $0 >name")
	for _, name := range []string{dir + "/other", "other"} { // relative to the home directory
		if _, err := send(t, env.With("QMAILQUEUE", name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := content(t, dir+"/name"); filepath.Base(got) != "other\n" {
			t.Errorf("%s ran as %q", name, got)
		}
	}
	for _, name := range []string{"", dir + "/missing", dir} {
		_, err := send(t, env.With("QMAILQUEUE", name))
		checkError(t, err, exit.Temp, "unable to exec qq (#4.3.0)")
	}
	auto.Home = dir + "/none"
	_, err := send(t, env)
	checkError(t, err, exit.Temp, "qq trouble in home directory (#4.3.0)")
}

func TestStderr(t *testing.T) {
	dir, env := home(t, keep+"echo words >&2")
	f, err := os.Create(dir + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	q, err := Open(env, f)
	if err != nil {
		t.Fatal(err)
	}
	q.From("a@b")
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir+"/stderr"); got != "words\n" {
		t.Errorf("got %q", got)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		script string
		code   int
		text   string
	}{
		{"exit 11", exit.Perm, "envelope address too long for qq (#5.1.3)"},
		{"exit 115", exit.Perm, "envelope address too long for qq (#5.1.3)"},
		{"exit 31", exit.Perm, "mail server permanently rejected message (#5.3.0)"},
		{"exit 12", exit.Perm, "qq permanent problem (#5.3.0)"},
		{"exit 40", exit.Perm, "qq permanent problem (#5.3.0)"},
		{"exit 10", exit.Temp, "qq temporary problem (#4.3.0)"},
		{"exit 41", exit.Temp, "qq temporary problem (#4.3.0)"},
		{"exit 51", exit.Temp, "qq out of memory (#4.3.0)"},
		{"exit 52", exit.Temp, "qq timeout (#4.3.0)"},
		{"exit 53", exit.Temp, "qq write error or disk full (#4.3.0)"},
		{"exit 54", exit.Temp, "qq read error (#4.3.0)"},
		{"exit 55", exit.Temp, "qq unable to read configuration (#4.3.0)"},
		{"exit 56", exit.Temp, "qq trouble making network connection (#4.3.0)"},
		{"exit 61", exit.Temp, "qq trouble in home directory (#4.3.0)"},
		{"exit 62", exit.Temp, "qq trouble creating files in queue (#4.3.0)"},
		{"exit 66", exit.Temp, "qq trouble creating files in queue (#4.3.0)"},
		{"exit 71", exit.Temp, "mail server temporarily rejected message (#4.3.0)"},
		{"exit 72", exit.Temp, "connection to mail server timed out (#4.4.1)"},
		{"exit 73", exit.Temp, "connection to mail server rejected (#4.4.1)"},
		{"exit 74", exit.Temp, "communication with mail server failed (#4.4.2)"},
		{"exit 81", exit.Temp, "qq internal bug (#4.3.0)"},
		{"exit 91", exit.Temp, "qq internal bug (#4.3.0)"},
		{"exit 120", exit.Temp, "unable to exec qq (#4.3.0)"},
		{"exit 255", exit.Temp, "qq temporary problem (#4.3.0)"},
		{"kill -9 $$", exit.Temp, "qq crashed (#4.3.0)"},
		// Reasons on descriptor 6.
		{"printf Dno >&6; exit 82", exit.Perm, "no"},
		{"printf Zlater >&6; exit 82", exit.Temp, "later"},
		{"printf 'Dno\\000more' >&6; exit 82", exit.Perm, "no"},
		{"printf Xodd >&6; exit 82", exit.Temp, "odd"},
		{"printf Dx >&6; exit 82", exit.Temp, "qq temporary problem (#4.3.0)"}, // too short
		{"printf '\\000ab' >&6; exit 82", exit.Temp, "qq temporary problem (#4.3.0)"},
		{"exit 82", exit.Temp, "qq temporary problem (#4.3.0)"},
		// simscan and its like write to 4, programs of indimail exit 88.
		{"printf Dvirus >&4; exit 82", exit.Perm, "virus"},
		{"printf Zlater >&4; exit 88", exit.Temp, "later"},
		{"printf Dno >&6; exit 88", exit.Perm, "no"},
		{"exit 88", exit.Temp, "qq temporary problem (#4.3.0)"},
		{"printf Dno >&2; exit 88", exit.Temp, "qq temporary problem (#4.3.0)"}, // without ERROR_FD
		// What is no line becomes one.
		{"printf 'Dno\\r\\n' >&4; exit 82", exit.Perm, "no"},
		{"printf 'Dno,\\nnever\\n\\n' >&4; exit 82", exit.Perm, "no, never"},
		{"printf 'D\\033[1m\\377' >&4; exit 82", exit.Perm, "?[1m?"},
		{"printf 'D\\n\\n\\n' >&4; exit 82", exit.Temp, "qq temporary problem (#4.3.0)"},
		{"printf Dno >&6; exit 31", exit.Perm, "mail server permanently rejected message (#5.3.0)"},
	} {
		_, env := home(t, "cat >/dev/null; "+c.script)
		_, err := send(t, env)
		if !checkError(t, err, c.code, c.text) {
			t.Logf("in %q", c.script)
		}
	}
}

func TestErrorFD(t *testing.T) {
	dir, env := home(t, "exit 120")
	for _, c := range []struct {
		value, script string
		code          int
		text          string
	}{
		{"2", "echo Dno >&2; exit 88", exit.Perm, "no"},
		{"4", "echo Dno >&4; exit 88", exit.Perm, "no"},
		{"9", "echo Dno >&9; exit 88", exit.Perm, "no"},
		{"9", "echo Zno >&6; exit 82", exit.Temp, "no"},
		{"2", "echo words >&2; exit 31", exit.Perm, "mail server permanently rejected message (#5.3.0)"},
		// What is said before and beside reading hangs nobody.
		{"2", "yes Dno | head -c 200000 >&2; exit 88", exit.Perm, strings.TrimSuffix(strings.Repeat("no D", 64), " D")[:254]},
		{"1", "echo Dno >&4; exit 82", exit.Perm, "no"},
		{"x", "echo Dno >&4; exit 82", exit.Perm, "no"},
		{"-1", "echo Dno >&4; exit 82", exit.Perm, "no"},
		{"99999999", "echo Dno >&4; exit 82", exit.Perm, "no"},
	} {
		put(t, dir+"/other", c.script)
		q, err := Open(env.With("QMAILQUEUE", dir+"/other").With("ERROR_FD", c.value), nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Write(make([]byte, 200000))
		q.From("a@b")
		if !checkError(t, q.Close(), c.code, c.text) {
			t.Logf("in %q with %s", c.script, c.value)
		}
	}
}

// A program that is given up while it says why leaves nobody hanging.
func TestAbortWhileRefused(t *testing.T) {
	dir, env := home(t, "exit 120")
	put(t, dir+"/other", "cat >/dev/null; exec >&4; mkfifo begun; echo >begun; while echo D; do :; done")
	q, err := Open(env.With("QMAILQUEUE", dir+"/other"), nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Abort()
	var fifo *os.File
	for fifo == nil {
		fifo, _ = os.Open(dir + "/begun")
	}
	fifo.Close()
}

func TestLongReason(t *testing.T) {
	_, env := home(t, "cat >/dev/null; yes 0123456789 | tr -d '\\n' | head -c 100000 | sed 's/^/D/' >&6 2>/dev/null; exit 82")
	_, err := send(t, env)
	var e *exit.Error
	if !errors.As(err, &e) || e.Code != exit.Perm || len(e.Text) != 254 {
		t.Errorf("got %v", err)
	}
}

// A program that refuses without reading leaves nobody hanging.
func TestUnread(t *testing.T) {
	_, env := home(t, "exit 31")
	q, err := Open(env, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		q.Write(make([]byte, 10000))
	}
	q.From("a@b")
	for range 10000 {
		q.To("c@d.example")
	}
	checkError(t, q.Close(), exit.Perm, "mail server permanently rejected message (#5.3.0)")
}

// FuzzCustom: whatever a program says, what becomes of it is one printable line.
func FuzzCustom(f *testing.F) {
	f.Add([]byte("Dno\r\n250 ok\r\n"))
	f.Add([]byte("Z\x00\xff"))
	f.Add([]byte("\n\n\n"))
	f.Fuzz(func(t *testing.T, reason []byte) {
		var e *exit.Error
		if !errors.As(custom(reason), &e) || e.Code != exit.Perm && e.Code != exit.Temp {
			t.Fatalf("%q: %v", reason, e)
		}
		for _, c := range []byte(e.Text) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q: %q", reason, e.Text)
			}
		}
	})
}

func checkError(t *testing.T, err error, code int, text string) bool {
	t.Helper()
	var e *exit.Error
	if !errors.As(err, &e) || e.Code != code || e.Text != text {
		t.Errorf("got %v, want %d %s", err, code, text)
		return false
	}
	return true
}

// heard is what a called qmail-queue gets.
type heard struct {
	calls          int
	mess, envelope chan string
}

// hear stands for a qmail-queue that stays.
func (h *heard) hear(cmd child.Cmd) (warm.Process, bool) {
	h.calls++
	for i, said := range []*chan string{&h.mess, &h.envelope} {
		raw, _ := cmd.Files[i].SyscallConn()
		var fd int
		raw.Control(func(theirs uintptr) { fd, _ = syscall.Dup(int(theirs)) })
		f, text := os.NewFile(uintptr(fd), ""), make(chan string, 1)
		*said = text
		go func() {
			data, _ := io.ReadAll(f)
			f.Close()
			text <- string(data)
		}()
	}
	pid, _ := (&child.Cmd{Path: "/bin/true", Args: []string{"true"}}).Start()
	return warm.Process{Pid: pid}, true
}

func TestCalled(t *testing.T) {
	_, env := home(t, "exit 31") // is not started
	for _, c := range []struct {
		name             string
		mess, recipients int
		early            bool // the call is made before Close
	}{
		{"small", 10, 1, false},
		{"just fits", room, 1, false},
		{"large", 100_000, 1, true},
		{"many recipients", 10, 50_000, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h heard
			q, err := OpenWarm(h.hear, env, nil)
			if err != nil {
				t.Fatal(err)
			}
			mess := strings.Repeat("x", c.mess)
			q.WriteString(mess)
			q.From("a")
			for range c.recipients {
				q.To("b")
			}
			if h.calls > 0 != c.early {
				t.Errorf("called %d times before the end", h.calls)
			}
			if err := q.Close(); err != nil || h.calls != 1 {
				t.Errorf("%v, called %d times", err, h.calls)
			}
			if got := <-h.mess; got != mess {
				t.Errorf("message of %d bytes", len(got))
			}
			if got := <-h.envelope; got != "Fa\x00"+strings.Repeat("Tb\x00", c.recipients)+"\x00" {
				t.Errorf("envelope of %d bytes", len(got))
			}
		})
	}
}

// What is not to be queued need not be told to anybody.
func TestNotCalled(t *testing.T) {
	_, env := home(t, "exit 31")
	var h heard
	q, err := OpenWarm(h.hear, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.WriteString("begun")
	q.Fail()
	q.From("a")
	q.To("b")
	checkError(t, q.Close(), exit.Temp, "qq read error (#4.3.0)")
	if q, err = OpenWarm(h.hear, env, nil); err != nil {
		t.Fatal(err)
	}
	q.WriteString("begun")
	q.Abort()
	if h.calls != 0 {
		t.Errorf("called %d times", h.calls)
	}
}

// Where nothing can be called a process is started, and may say why it refuses.
func TestCalledInVain(t *testing.T) {
	dir, env := home(t, keep+"printf Dno >&6; exit 82")
	q, err := OpenWarm(func(child.Cmd) (warm.Process, bool) { return warm.Process{}, false }, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.WriteString("hello\n")
	q.From("a")
	q.To("b")
	checkError(t, q.Close(), exit.Perm, "no")
	if mess, envelope := content(t, dir+"/mess"), content(t, dir+"/envelope"); mess != "hello\n" || envelope != "Fa\x00Tb\x00\x00" {
		t.Errorf("%q, %q", mess, envelope)
	}
}
