package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
)

// home makes a home directory with control files for a test.
func home(t *testing.T) string {
	dir := t.TempDir()
	old := auto.Home
	auto.Home = dir
	t.Cleanup(func() { auto.Home = old })
	if err := os.Mkdir(dir+"/control", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string]string{
		"me": "me.example", "defaultdomain": "dom.example", "defaulthost": "host", "plusdomain": "plus.example",
	} {
		write(t, dir+"/control/"+name, line+"\n", 0o644)
	}
	return dir
}

func write(t *testing.T, path, data string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), mode); err != nil {
		t.Fatal(err)
	}
}

// start runs qmail-inject and returns its exit code, output and complaint.
func start(t *testing.T, mess string, env call.Env, args ...string) (code int, out, report string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir+"/0", mess, 0o600)
	files := map[int]*os.File{}
	for fd, flags := range []int{os.O_RDONLY, os.O_RDWR | os.O_CREATE, os.O_RDWR | os.O_CREATE} {
		f, err := os.OpenFile(filepath.Join(dir, string(rune('0'+fd))), flags, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[fd] = f
	}
	code = run(call.New(append([]string{"qmail-inject"}, args...), env, files))
	return code, read(t, files[1]), read(t, files[2])
}

func read(t *testing.T, f *os.File) string {
	t.Helper()
	f.Seek(0, io.SeekStart)
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// unstamped takes out what differs from run to run.
func unstamped(s string) string {
	s = regexp.MustCompile(`\d+ [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d -0000`).ReplaceAllString(s, "DATE")
	s = regexp.MustCompile(`\d{14}\.\d+\.qmail`).ReplaceAllString(s, "STAMP.qmail")
	return regexp.MustCompile(`-\d{10}\.\d+`).ReplaceAllString(s, "-TIME.PID")
}

func TestPrint(t *testing.T) {
	home(t)
	lists := t.TempDir() + "/lists"
	write(t, lists, "list@l.example\n", 0o644)
	const made = "Date: DATE\nMessage-ID: <STAMP.qmail@me.example>\nFrom: joe@host.dom.example\n"
	const sender = "Return-Path: <joe@host.dom.example>\n"
	for _, test := range []struct {
		name, mess string
		env        call.Env
		args       []string
		want       string
	}{
		{"nothing", "", nil, nil, sender + made + "Cc: recipient list not shown: ;\n"},
		{"all there", "Date: d\nMessage-ID: m\nFrom: a\nTo: b@c, d+, <@r:e@[1.2.3.4]>\nContent-Length: 3\n\nbody", nil, nil,
			sender + "Date: d\nMessage-ID: m\nFrom: a@host.dom.example\n" +
				"To: b@c.dom.example, d+@host.dom.example, <e@[1.2.3.4]>\n\nbody\n"},
		{"plus", "Bcc: a\nTo: b@c+\n", nil, nil, sender + made + "To: b@c.plus.example\n"},
		{"broken list of recipients", "To: (\n", nil, nil, sender + made + "To: (\n"},
		{"resent", "Resent-To: a\n", nil, nil, sender + "Resent-Date: DATE\nResent-Message-ID: <STAMP.qmail@me.example>\n" +
			"Resent-From: joe@host.dom.example\nResent-To: a@host.dom.example\n"},
		{"option f", "To: a@b.c\n", nil, []string{"-fx y@z"}, "Return-Path: <\"x y\"@z.dom.example>\n" + made + "To: a@b.c\n"},
		{"Return-Path", "Return-Path: <x>\nTo: a@b.c\n", nil, nil, "Return-Path: <x@host.dom.example>\n" + made + "To: a@b.c\n"},
		{"VERP", "To: a@b.c\n", call.Env{"QMAILINJECT=rm"}, nil,
			"Return-Path: <\"joe-TIME.PID-@host.dom.example-\"@[]>\n" + made + "To: a@b.c\n"},
		{"name", "To: a@b.c\n", call.Env{"QMAILNAME=Joe \"J\" User", "MAILHOST=h"}, nil, "Return-Path: <joe@h.dom.example>\n" +
			"Date: DATE\nMessage-ID: <STAMP.qmail@me.example>\nFrom: \"Joe \\\"J\\\" User\" <joe@h.dom.example>\nTo: a@b.c\n"},
		{"name as comment, fields deleted", "From: x\nMessage-ID: y\nReturn-Path: <z>\nTo: a@b.c\n",
			call.Env{"QMAILINJECT=cfis", "NAME=Joe", "QMAILSHOST=s.t"}, nil, "Return-Path: <joe@s.t>\n" +
				"Date: DATE\nMessage-ID: <STAMP.qmail@me.example>\nFrom: joe@host.dom.example (Joe)\nTo: a@b.c\n"},
		{"mailing list", "To: LIST@l.example, a@b.c\nCc: \"d e\"@f.g\n", call.Env{"QMAILMFTFILE=" + lists}, nil, sender + made +
			"Mail-Followup-To: \"d e\"@f.g,\n  LIST@l.example,\n  a@b.c\n" +
			"To: LIST@l.example, a@b.c\nCc: \"d e\"@f.g\n"},
	} {
		env := append(test.env, "USER=joe")
		code, out, report := start(t, test.mess, env, append([]string{"-n"}, test.args...)...)
		if out = unstamped(out); code != 0 || out != test.want || report != "" {
			t.Errorf("%s: got %d %q\n%s\nwant\n%s", test.name, code, report, out, test.want)
		}
	}
}

func TestRefused(t *testing.T) {
	dir := home(t)
	unreadable := dir + "/control/loop"
	if err := os.Symlink("loop", unreadable); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, mess string
		env        call.Env
		args       []string
		code       int
		report     string
	}{
		{"option", "", nil, []string{"-z"}, 100, "qmail-inject: illegal option -- z\n"},
		{"argument of option", "", nil, []string{"-nf"}, 100, "qmail-inject: option requires an argument -- f\n"},
		{"sender field", "To: a\nFrom: (\n c\n", nil, nil, 100,
			"qmail-inject: fatal: unable to parse this line:\nFrom: (\n c\n"},
		{"sender", "", nil, []string{"-fa@("}, 100, "qmail-inject: fatal: unable to parse this line:\na@("},
		{"recipient", "", nil, []string{"a@)"}, 100, "qmail-inject: fatal: unable to parse address: a@)\n"},
		{"environment", "", call.Env{"QMAILDEFAULTHOST=)"}, nil, 100, "qmail-inject: fatal: unable to parse this line:\n@)"},
		{"file", "", call.Env{"QMAILMFTFILE=" + unreadable}, nil, 111, "qmail-inject: fatal: read error\n"},
		{"queue", "", call.Env{"QMAILQUEUE=/nonexistent"}, nil, 111, "qmail-inject: fatal: unable to exec qq (#4.3.0)\n"},
	} {
		code, out, report := start(t, test.mess, test.env, test.args...)
		if code != test.code || out != "" || report != test.report {
			t.Errorf("%s: got %d %q %q, want %d %q", test.name, code, out, report, test.code, test.report)
		}
	}
}

func TestQueue(t *testing.T) {
	dir := home(t)
	if err := os.Mkdir(dir+"/bin", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/bin/qmail-queue", "#!/bin/sh\ncat >mess && cat <&1 >envelope\n", 0o755)
	mess := "To: a@b.c,d\nBcc: e\nResent-Cc: f\n\nbody\n"
	for _, test := range []struct {
		args []string
		mess string
		want string
	}{
		{nil, "To: a@b.c,d\nBcc: e\n", "Td@host.dom.example Ta@b.c Te@host.dom.example"},
		{nil, mess, "Tf@host.dom.example"},
		{[]string{"g", "h i"}, mess, "Tg@host.dom.example Th i@host.dom.example"},
		{[]string{"-a"}, mess, ""},
		{[]string{"-h", "g"}, mess, "Tf@host.dom.example"},
		{[]string{"-H", "g"}, mess, "Tg@host.dom.example Tf@host.dom.example"},
		{[]string{"-hHA", "--", "-n"}, mess, "T-n@host.dom.example"},
	} {
		code, _, report := start(t, test.mess, call.Env{"PATH=/usr/bin:/bin"}, test.args...)
		data, err := os.ReadFile(dir + "/envelope")
		if err != nil {
			t.Fatal(err)
		}
		got := strings.TrimSuffix(strings.TrimPrefix(string(data), "Fanonymous@host.dom.example\x00"), "\x00")
		got = strings.TrimSuffix(strings.ReplaceAll(got, "\x00", " "), " ")
		if code != 0 || report != "" || got != test.want {
			t.Errorf("%q: got %d %q %q, want %q", test.args, code, report, got, test.want)
		}
	}
}
