package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/netstring"
)

// home makes a home directory whose qmail-queue keeps message and envelope.
func home(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	old := auto.Home
	auto.Home = dir
	t.Cleanup(func() { auto.Home = old })
	os.Mkdir(dir+"/bin", 0o755)
	script := `#!/bin/sh
PATH=/bin:/usr/bin
cat >mess; cat <&1 >envelope
case $(tr '\000' '|' <envelope) in
F*'||') cat mess envelope >queued ;;
*) exit 54 ;;
esac
`
	if err := os.WriteFile(dir+"/bin/qmail-queue", []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// talk sends input and returns what serve does.
func talk(t testing.TB, input string, env call.Env) (answer string, err error) {
	t.Helper()
	name := t.TempDir() + "/in"
	if err := os.WriteFile(name, []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	return serve(call.New([]string{"qmail-qmqpd"}, env, map[int]*os.File{0: in}))
}

func ns(parts ...string) string { return string(netstring.Append(nil, strings.Join(parts, ""))) }

const refusal = "Dsorry, I can't accept addresses like that (#5.1.3)"

func TestServe(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for _, test := range []struct {
		name, input    string
		answer, queued string // queued is without the Received line
	}{
		{"message", ns(ns("a\r\nb"), ns("s@h"), ns("r"), ns("")), "K", "a\r\nbFs@h\x00Tr\x00T\x00\x00"},
		{"no recipients", ns(ns(""), ns("")), "K", "F\x00\x00"},
		{"what follows is not read", ns(ns("x"), ns("s"), ns("r")) + "x", "K", "xFs\x00Tr\x00\x00"},
		{"long addresses", ns(ns("x"), ns(long[:999]), ns("r")), "K", "xF" + long[:999] + "\x00Tr\x00\x00"},
		{"too long sender", ns(ns("x"), ns(long), ns("r")), refusal, ""},
		{"too long recipient", ns(ns("x"), ns("s"), ns(long), ns("r")), refusal, ""},
		{"NUL", ns(ns("x"), ns("s"), ns("r"), ns("a\x00b")), refusal, ""},
	} {
		dir := home(t)
		answer, err := talk(t, test.input, nil)
		answer = regexp.MustCompile(`^Kok \d+ qp \d+$`).ReplaceAllString(answer, "K")
		data, _ := os.ReadFile(dir + "/queued")
		queued := regexp.MustCompile(`(?s)^Received: from unknown \(unknown\)\n  by unknown with QMQP; .*? -0000\n`).ReplaceAllString(string(data), "")
		if answer != test.answer || queued != test.queued || err != nil {
			t.Errorf("%s: got %q %q, %v, want %q %q", test.name, answer, queued, err, test.answer, test.queued)
		}
	}
}

func TestServeFails(t *testing.T) {
	home(t)
	for _, test := range []struct{ name, input, want string }{
		{"nothing", "", "EOF"},
		{"ends early", "20:1:x,1:s,3:r", "EOF"},
		{"SMTP", "HELO x\r\n", "not a netstring"},
		{"too short", "8:1:x,1:s,1:r,,", "not a netstring"},
		{"too long", "13:1:x,1:s,1:r,,", "not a netstring"},
		{"no comma", "12:1:x,1:s,1:r,;", "not a netstring"},
		{"too many digits", strings.Repeat("0", 100) + "1:", "not a netstring"},
		{"absurd length", "20000000000:", "netstring too long"},
	} {
		if answer, err := talk(t, test.input, nil); answer != "" || err == nil || err.Error() != test.want {
			t.Errorf("%s: got %q, %v, want %s", test.name, answer, err, test.want)
		}
	}
	auto.Home += "/missing"
	if _, err := talk(t, "5:1:x,1:", nil); err != errTrouble {
		t.Errorf("no home: got %v", err)
	}
}

// There is an answer or an error, whatever the client says.
func FuzzServe(f *testing.F) {
	f.Add(ns(ns("x"), ns("s"), ns("r")))
	f.Fuzz(func(t *testing.T, input string) {
		home(t)
		answer, err := talk(t, input, call.Env{"QMAILQUEUE=/nonexistent"})
		if (err == nil) != (answer == refusal || answer == "Zunable to exec qq (#4.3.0)") {
			t.Fatalf("got %q, %v", answer, err)
		}
	})
}
