package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/netstring"
)

// home makes a home directory whose qmail-queue keeps message and envelope.
func home(t testing.TB, control map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	old := auto.Home
	auto.Home = dir
	t.Cleanup(func() { auto.Home = old })
	os.Mkdir(dir+"/control", 0o755)
	os.Mkdir(dir+"/bin", 0o755)
	for name, data := range control {
		write(t, dir+"/control/"+name, data, 0o644)
	}
	write(t, dir+"/bin/qmail-queue", `#!/bin/sh
PATH=/bin:/usr/bin
cat >mess; cat <&1 >envelope
case $(tr '\000' '|' <envelope) in
F*'||') cat mess envelope >>queued ;;
*) exit 54 ;;
esac
`, 0o755)
	return dir
}

func write(t testing.TB, path, data string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), mode); err != nil {
		t.Fatal(err)
	}
}

// talk sends input and returns the exit code and all answers.
func talk(t testing.TB, input string, env call.Env) (code int, answers string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir+"/in", input, 0o600)
	in, err := os.Open(dir + "/in")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(dir + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	code = serve(call.New([]string{"qmail-qmtpd"}, env, map[int]*os.File{0: in, 1: out}))
	data, err := os.ReadFile(dir + "/out")
	if err != nil {
		t.Fatal(err)
	}
	return code, string(data)
}

func ns(parts ...string) string { return string(netstring.Append(nil, strings.Join(parts, ""))) }

// plain takes out what differs from run to run.
func plain(answers string) string {
	return regexp.MustCompile(`\d+:Kok \d+ qp \d+,`).ReplaceAllString(answers, "K,")
}

func TestServe(t *testing.T) {
	const foreign = "66:Dsorry, that domain isn't in my list of allowed rcpthosts (#5.7.1),"
	const odd = "46:Dsorry, I can't handle that recipient (#5.1.3),"
	const big = "61:Dsorry, that message size exceeds my databytes limit (#5.3.4),"
	long := strings.Repeat("x", 1000)
	for _, test := range []struct {
		name, input string
		env         call.Env
		code        int
		answers     string
		queued      string // without the Received line
	}{
		{"nothing", "", nil, 0, "", ""},
		{"LF", ns("\na\r\nb") + ns("s") + ns(ns("r@ok"), ns("t")), nil, 0, "K,K,", "a\r\nbFs\x00Tr@ok\x00Tt\x00\x00"},
		{"CR LF", ns("\ra\r\n\r\r\n\r") + ns("") + ns(ns("r@ok")), nil, 0, "K,", "a\n\r\n\rF\x00Tr@ok\x00\x00"},
		{"two", ns("\nabcde") + ns("s") + ns(ns("r@ok")) + ns("\rabc\r\n\r\n") + ns("s") + ns(ns("r@ok")), nil, 0, "K,K,",
			"abcdeFs\x00Tr@ok\x00\x00abc\n\nFs\x00Tr@ok\x00\x00"},
		{"too big", ns("\nabcdef") + ns("s") + ns(ns("r@ok")) + ns("\rabc\r\n\r\nx") + ns("s") + ns(ns("r@ok")), nil, 0, big + big, ""},
		{"recipients", ns("\nx") + ns("s") + ns(ns("r@no"), ns("r@ok"), ns("r\x00@ok"), ns(long)), nil, 0,
			foreign + "K," + odd + odd, "xFs\x00Tr@ok\x00\x00"},
		{"no recipient left", ns("\nx") + ns("s") + ns(ns("r@no")), nil, 0, foreign, ""},
		{"relay client", ns("\nx") + ns("s") + ns(ns("r@no"), ns(long[:996])), call.Env{"RELAYCLIENT=.fax"}, 0, "K," + odd,
			"xFs\x00Tr@no.fax\x00\x00"},
		{"sender", ns("\nx") + ns("a\x00b") + ns(ns("r@ok")) + ns("\nx") + ns(long) + ns(ns("r@ok")), nil, 0,
			strings.Repeat("29:Dunacceptable sender (#5.1.7),", 2), ""},
		{"no queue", ns("\nx") + ns("s") + ns(ns("r@ok")), call.Env{"QMAILQUEUE=/nonexistent"}, 0, "27:Zunable to exec qq (#4.3.0),", ""},
		{"ends early", ns("\nx") + ns("s") + "6:3:r", nil, 0, "", ""},
		{"SMTP", "EHLO x\r\n", nil, 100, "", ""},
		{"empty message", "0:,", nil, 100, "", ""},
		{"unknown line ends", "2:xx,", nil, 100, "", ""},
		{"lengths disagree", ns("\nx") + ns("s") + "5:3:r@o,,", nil, 100, "", ""},
		{"absurd length", "20000000000:", nil, 111, "", ""},
		{"absurd length inside", ns("\nx") + ns("s") + "9:/4:abcd,,", nil, 111, "", ""},
	} {
		dir := home(t, map[string]string{"rcpthosts": "ok\n", "databytes": "5\n"})
		code, answers := talk(t, test.input, test.env)
		data, _ := os.ReadFile(dir + "/queued")
		queued := regexp.MustCompile(`(?s)Received: from unknown \(unknown\)\n  by unknown with QMTP; .*? -0000\n`).ReplaceAllString(string(data), "")
		if code != test.code || plain(answers) != test.answers || queued != test.queued {
			t.Errorf("%s: got %d %q %q, want %d %q %q", test.name, code, answers, queued, test.code, test.answers, test.queued)
		}
	}
}

func TestTrouble(t *testing.T) {
	dir := home(t, nil)
	os.Mkdir(dir+"/control/me", 0o755)
	if code, answers := talk(t, "", nil); code != 111 || answers != "" {
		t.Errorf("unreadable control file: got %d %q", code, answers)
	}
	auto.Home = dir + "/missing"
	if code, answers := talk(t, "", nil); code != 111 || answers != "" {
		t.Errorf("no home: got %d %q", code, answers)
	}
}

func TestTooManyRecipients(t *testing.T) {
	if err := new(session).recipient(&mail{verdicts: make([]byte, maxRecipients)}, 0); err != netstring.ErrTooLong {
		t.Errorf("got %v", err)
	}
}

// Whatever a client says, there is an exit code for it, and what it hears are
// netstrings.
func FuzzServe(f *testing.F) {
	f.Add(ns("\rx\r\n") + ns("s") + ns(ns("r@ok"), ns("t@no")))
	f.Add("1:\n,0:,3:0:,,12")
	f.Fuzz(func(t *testing.T, input string) {
		home(t, map[string]string{"rcpthosts": "ok\n", "databytes": "5\n"})
		code, answers := talk(t, input, call.Env{"QMAILQUEUE=/nonexistent"})
		if code != 0 && code != 100 && code != 111 {
			t.Fatalf("exit code %d", code)
		}
		for r := bytes.NewReader([]byte(answers)); r.Len() > 0; {
			n, err := netstring.Length(r)
			if err != nil {
				t.Fatalf("%v in %q", err, answers)
			}
			body := make([]byte, n)
			if _, err := io.ReadFull(r, body); err != nil || !strings.Contains("DZ", string(body[:1])) {
				t.Fatalf("%v in %q", err, answers)
			}
			if err := netstring.Comma(r); err != nil {
				t.Fatalf("%v in %q", err, answers)
			}
		}
	})
}

// However a text comes in pieces, the same is stored.
func FuzzFromDOS(f *testing.F) {
	f.Add("a\r\n\r\r\nb\r", uint(2))
	f.Fuzz(func(t *testing.T, text string, cut uint) {
		at := int(cut % uint(len(text)+1))
		var stored []byte
		cr := false
		for _, piece := range []string{text[:at], text[at:]} {
			var plain []byte
			plain, cr = fromDOS(nil, []byte(piece), cr)
			stored = append(stored, plain...)
		}
		if cr {
			stored = append(stored, '\r')
		}
		if want := strings.ReplaceAll(text, "\r\n", "\n"); string(stored) != want {
			t.Fatalf("%q in two at %d becomes %q, want %q", text, at, stored, want)
		}
	})
}
