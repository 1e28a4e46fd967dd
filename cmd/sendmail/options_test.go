package main

import (
	"slices"
	"strings"
	"testing"

	"goqmail/lib/call"
)

func TestParse(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"sendmail", "bin/qmail-inject -a --"},
		{"sendmail a b", "bin/qmail-inject -a -- a b"},
		{"sendmail -t -- -a", "bin/qmail-inject -H -- -a"},
		{"sendmail -i -t -oi -odb -em -v -x -m -B8BITMIME -pX:y a -t", "bin/qmail-inject -H -- a -t"},
		{"sendmail -Exyz -J -Jq -bm a", "bin/qmail-inject -a -- a"},
		{"sendmail -tfme@x a", "bin/qmail-inject -H -f me@x -- a"},
		{"sendmail -f me -f you a", "bin/qmail-inject -a -f you -- a"},
		{"sendmail -t -bp -z", "bin/qmail-qread"},
		{"/usr/bin/mailq -v a", "bin/qmail-qread"},
		{"sendmail -bsx", "bin/qmail-smtpd"},
		{"mailq -bs", "bin/qmail-smtpd"},
	} {
		got, complaint := parse(strings.Fields(test.line), nil)
		if strings.Join(got.args, " ") != test.want || complaint != "" {
			t.Errorf("%s: got %q %q, want %q", test.line, got.args, complaint, test.want)
		}
	}
	for _, test := range []struct{ line, want string }{
		{"x/sendmail -tq", "sendmail: illegal option -- q\n" + usage},
		{"s -f", "s: option requires an argument -- f\n" + usage},
		{"sendmail -bi", usage},
		{"newaliases", "sendmail: fatal: please use fastforward/newaliases instead\n"},
		{"newaliases -q", "newaliases: illegal option -- q\n" + usage},
	} {
		if got, complaint := parse(strings.Fields(test.line), nil); complaint != test.want || got.args != nil {
			t.Errorf("%s: got %q %q, want %q", test.line, got.args, complaint, test.want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	old := call.Env{"A=1", "NAME=N", "MAILHOST=h", "QMAILHOST=q", "QMAILUSER=u"}
	session := call.Env{"A=1", "RELAYCLIENT=", "DATABYTES=0", "PROTO=TCP", "TCPLOCALIP=127.0.0.1", "TCPLOCALHOST=localhost",
		"TCPREMOTEIP=127.0.0.1", "TCPREMOTEHOST=localhost", "TCPREMOTEINFO=sendmail-bs"}
	for _, test := range []struct {
		env  call.Env
		args []string
		want call.Env
	}{
		{old, nil, old},
		{old, []string{"-t", "-FJoe User"}, append(old[:len(old):len(old)], "MAILNAME=Joe User")},
		{old, []string{"-FJoe", "-fa@b@c"}, call.Env{"A=1", "QMAILHOST=c", "QMAILUSER=a@b"}},
		{old, []string{"-f", "x"}, call.Env{"A=1", "QMAILUSER=x"}},
		{old, []string{"-f", ""}, call.Env{"A=1", "QMAILUSER="}},
		{old, []string{"-bp"}, old},
		{call.Env{"A=1"}, []string{"-bs"}, session},
		{call.Env{"PROTO="}, []string{"-bs"}, call.Env{"PROTO="}},
	} {
		got, complaint := parse(append([]string{"sendmail"}, test.args...), test.env)
		if !slices.Equal(got.env, test.want) || complaint != "" {
			t.Errorf("%q: got %q %q, want %q", test.args, got.env, complaint, test.want)
		}
	}
}
