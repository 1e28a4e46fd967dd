package main

import (
	"strings"
	"testing"

	"goqmail/lib/sasldb"
)

func TestList(t *testing.T) {
	file := t.TempDir() + "/sasldb2"
	if err := sasldb.Update(file, func([]sasldb.Record) []sasldb.Record {
		return []sasldb.Record{
			{Key: sasldb.Key{User: "john", Realm: "h", Property: sasldb.Password}, Value: "secret"},
			{Key: sasldb.Key{User: "john", Realm: "h", Property: sasldb.OTP}, Value: "x"},
		}
	}); err != nil {
		t.Fatal(err)
	}
	const all = "john@h: userPassword\njohn@h: cmusaslsecretOTP\n"
	for _, row := range []struct {
		args   []string
		code   int
		out    string
		report string
	}{
		{[]string{"-f", file}, 0, all, ""},
		{[]string{file}, 0, all, ""},
		{[]string{"-v"}, 0, "", "sasldblistusers2 of goqmail\n"},
		{[]string{file, file}, 1, "", usage},
		{[]string{"-x"}, 1, "", usage},
		{[]string{"/nonexistent"}, 1, "", "sasldblistusers2: unable to list users: open /nonexistent: no such file or directory\n"},
	} {
		var out, report strings.Builder
		code := run(append([]string{"sasldblistusers2"}, row.args...), &out, &report)
		if code != row.code || out.String() != row.out || report.String() != row.report {
			t.Errorf("%v: code %d, out %q, report %q", row.args, code, out.String(), report.String())
		}
	}
}
