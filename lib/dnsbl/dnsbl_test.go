package dnsbl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
)

func TestFromEnv(t *testing.T) {
	for value, want := range map[string]Verdict{
		"":             {Accept, "RBLSMTPD", ""},
		"try later":    {Delay, "RBLSMTPD", "try later"},
		"-go away":     {Reject, "RBLSMTPD", "go away"},
		"two\r\nlines": {Delay, "RBLSMTPD", "two??lines"},
	} {
		if got, ok := FromEnv(call.Env{"RBLSMTPD=" + value}); got != want || !ok {
			t.Errorf("%q: %+v", value, got)
		}
	}
	if _, ok := FromEnv(nil); ok {
		t.Error("unset, and heard")
	}
}

func TestPath(t *testing.T) {
	old := auto.Home
	defer func() { auto.Home = old }()
	auto.Home = "/home"
	for want, env := range map[string]call.Env{
		"/home/control/dnsbllist": nil,
		"/etc/lists":              {"DNSBLLIST=/etc/lists"},
		"/home/control/others":    {"DNSBLLIST=control/others"},
	} {
		if got := Path(env); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// FuzzParse: what a verdict prints is read back, and what is no verdict is not.
func FuzzParse(f *testing.F) {
	f.Add("pass  ")
	f.Add("delay zone.example sorry, no")
	f.Add("reject")
	f.Fuzz(func(t *testing.T, line string) {
		if v, ok := Parse(line); ok && v.String() != line {
			t.Errorf("%q became %q", line, v)
		}
	})
}

func TestParseListRefuses(t *testing.T) {
	for _, line := range []string{"+", ":text", "-:text", "a list.example", "= x"} {
		if l, err := ParseList(line); err == nil {
			t.Errorf("%q: %+v", line, l)
		}
	}
}

// FuzzParseList: every line is an error or has a zone that may be asked about.
func FuzzParseList(f *testing.F) {
	f.Add("+good.example")
	f.Add("bad.example:-%IP% is bad: see https://bad.example/%IP%")
	f.Fuzz(func(t *testing.T, line string) {
		l, err := ParseList(line)
		if err == nil && (l.Zone == "" || strings.ContainsAny(l.Zone, " \t:") || !strings.Contains(line, l.Zone)) {
			t.Errorf("%q: %+v", line, l)
		}
	})
}

func TestAsk(t *testing.T) {
	old := auto.Home
	defer func() { auto.Home = old }()
	auto.Home = t.TempDir()
	if err := os.Mkdir(filepath.Join(auto.Home, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for script, want := range map[string]Verdict{
		`echo "delay zone.example $1"`: {Delay, "zone.example", "192.0.2.1"},
		`echo "pass  "`:                {Pass, "", ""},
		`exit 111`:                     {},
		`echo "maybe zone text"`:       {},
		`printf "pass  "`:              {},
		`test -e control/dnsbllist || echo "accept zone  "`: {Accept, "zone", " "}, // in the home directory
	} {
		if err := os.WriteFile(filepath.Join(auto.Home, "bin/qmail-dnsbl"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
		got, err := Ask("192.0.2.1", call.Env{"PATH=/usr/bin:/bin"}, os.Stderr)
		if got != want || (err == nil) != (want.Result != "") {
			t.Errorf("%s: %+v, %v", script, got, err)
		}
	}
	os.Remove(filepath.Join(auto.Home, "bin/qmail-dnsbl"))
	if _, err := Ask("192.0.2.1", nil, nil); err == nil || !strings.HasPrefix(err.Error(), "unable to start") {
		t.Errorf("without the program: %v", err)
	}
}
