package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"goqmail/lib/call"
)

// talk leads a dialogue in which the client sends input, and returns what it
// gets, with one more variable in the environment. The program that is run writes its descriptor 3 to where the result
// given comes from.
func talk(t *testing.T, input, variable string, args ...string) (output, given string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/in", []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(dir + "/in")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(dir+"/out", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	log, err := os.Create(dir + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	env := call.Env{"PATH=/usr/bin:/bin", "GIVEN=" + dir + "/given", variable}
	serve(call.New(append([]string{"qmail-popup"}, args...), env, map[int]*os.File{0: in, 1: out, 2: log}))
	data, err := os.ReadFile(dir + "/out")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(dir + "/given")
	stamp := regexp.MustCompile(`<\d+\.\d+@`)
	return string(stamp.ReplaceAll(data, []byte("<@"))), string(stamp.ReplaceAll(got, []byte("<@")))
}

const greeting = "+OK <@h.example>\r\n"

func TestServe(t *testing.T) {
	const keep = "cat <&3 >$GIVEN; "
	long := strings.Repeat("x", 100_000)
	for _, test := range []struct {
		name, input, script string
		output, given       string
	}{
		{"USER and PASS", "user joe x\r\nPass two  words \n", "echo on", "+OK \r\non\n", "joe x\x00two  words \x00<@h.example>\x00"},
		{"APOP", "APOP joe d1ge57 x\r\n", "echo on", "on\n", "joe\x00d1ge57 x\x00<@h.example>\x00"},
		{"last user counts", "USER joe\r\nUSER ann\r\nPASS x\r\n", "", "+OK \r\n+OK \r\n", "ann\x00x\x00<@h.example>\x00"},
		{"rejected", "APOP joe x\r\nNOOP\r\n", "exit 3", "-ERR authorization failed\r\n", "joe\x00x\x00<@h.example>\x00"},
		{"crashed", "APOP joe x\r\n", "kill -9 $$", "-ERR aack, child crashed\r\n", "joe\x00x\x00<@h.example>\x00"},
		{"long", "APOP joe " + long + "\r\n", "", "", "joe\x00" + long + "\x00<@h.example>\x00"},
		{"pipelined", "APOP joe x\r\n" + strings.Repeat(".", 116) + "STAT\r\n", "cat", "STAT\r\n", "joe\x00x\x00<@h.example>\x00"},
		{"quit", "NOOP\r\nQUIT\r\nNOOP\r\n", "", "+OK \r\n+OK \r\n", ""},
		{"errors", "PASS x\r\nUSER\r\nPASS x\r\nUSER a\r\nPASS\r\nAPOP a\r\nSTAT\r\n\r\n", "",
			"-ERR USER first\r\n-ERR syntax error\r\n-ERR USER first\r\n+OK \r\n-ERR syntax error\r\n-ERR syntax error\r\n" +
				"-ERR authorization first\r\n-ERR authorization first\r\n", ""},
	} {
		output, given := talk(t, test.input, "", "h.example", "sh", "-c", keep+test.script)
		if output != greeting+test.output || given != test.given {
			t.Errorf("%s: got %q %q, want %q %q", test.name, output, given, greeting+test.output, test.given)
		}
	}
}

func TestServeFails(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "-ERR usage: popup hostname subprogram\r\n"},
		{[]string{"h.example"}, "-ERR usage: popup hostname subprogram\r\n"},
		{[]string{"h.example", "/nonexistent"}, greeting + "-ERR authorization failed\r\n"},
		{[]string{"h.example", "true"}, greeting}, // it has not read the password
	} {
		if output, _ := talk(t, "APOP joe x\r\n", "", test.args...); output != test.want {
			t.Errorf("%q: got %q, want %q", test.args, output, test.want)
		}
	}
}
