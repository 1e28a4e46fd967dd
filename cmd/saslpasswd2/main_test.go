package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"goqmail/lib/otp"
	"goqmail/lib/sasldb"
)

// call runs saslpasswd2 with something on descriptor 0.
func call(t *testing.T, in string, args ...string) (code int, report string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	io.WriteString(w, in)
	w.Close()
	var out strings.Builder
	code = run(append([]string{"saslpasswd2"}, args...), r, &out)
	return code, out.String()
}

// listed are the users and properties of a file.
func listed(t *testing.T, file string) string {
	t.Helper()
	all, err := sasldb.List(file)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range all {
		value := r.Value
		if r.Property == sasldb.OTP {
			value = "otp"
		}
		b.WriteString(r.User + "@" + r.Realm + " " + value + "\n")
	}
	return b.String()
}

func TestSet(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/sasldb2"
	for _, step := range []struct {
		name, in string
		args     []string
		code     int
		want     string // what is listed then
	}{
		{"a user", "secret\n", []string{"-p", "-c", "-u", "h", "john"}, 0, "john@h secret\njohn@h otp\n"},
		{"of this host, with no -c", "two words\nmore", []string{"mary"}, 0, "john@h secret\njohn@h otp\nmary@" + host + " two words\nmary@" + host + " otp\n"},
		{"gone", "", []string{"-d", "mary"}, 0, "john@h secret\njohn@h otp\n"},
		{"gone already", "", []string{"-d", "mary"}, 0, "john@h secret\njohn@h otp\n"},
		{"another password", "other", []string{"-p", "-u", "h", "john"}, 0, "john@h other\njohn@h otp\n"},
		{"only one-time ones", "third", []string{"-n", "-u", "h", "john"}, 0, "john@h other\njohn@h otp\n"},
		{"a realm in the name", "x", []string{"ann@b.example"}, 0, "john@h other\njohn@h otp\nann@b.example x\nann@b.example otp\n"},
		{"no password", "\n", []string{"-p", "jim"}, exitBadParam, "john@h other\njohn@h otp\nann@b.example x\nann@b.example otp\n"},
		{"nothing", "", []string{"-p", "jim"}, exitBadParam, "john@h other\njohn@h otp\nann@b.example x\nann@b.example otp\n"},
		{"no user", "x", []string{""}, exitBadParam, "john@h other\njohn@h otp\nann@b.example x\nann@b.example otp\n"},
	} {
		code, report := call(t, step.in, append([]string{"-f", file}, step.args...)...)
		if code != step.code || (report == "") != (code == 0) {
			t.Errorf("%s: code %d, %s", step.name, code, report)
		}
		if got := listed(t, file); got != step.want {
			t.Errorf("%s: got\n%swant\n%s", step.name, got, step.want)
		}
	}
	value, _, err := sasldb.Get(file, sasldb.Key{User: "john", Realm: "h", Property: sasldb.OTP})
	if err != nil {
		t.Fatal(err)
	}
	s, err := otp.Parse(value)
	if err != nil || s.Sequence != 499 || s != otp.New("md5", 499, s.Seed, "third") {
		t.Errorf("%v, %v", s, err)
	}
}

func TestRefusals(t *testing.T) {
	pipe := t.TempDir() + "/null"
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"no user":           {},
		"two users":         {"john", "mary"},
		"made and gone":     {"-c", "-d", "john"},
		"no such option":    {"-z", "john"},
		"help":              {"-h"},
		"no such directory": {"-p", "-f", "/nonexistent/sasldb2", "john"},
		"a directory":       {"-p", "-f", t.TempDir(), "john"},
		"a pipe":            {"-p", "-f", pipe, "john"},
	} {
		if code, report := call(t, "x", args...); code != exitFail || !strings.HasPrefix(report, "saslpasswd2: ") {
			t.Errorf("%s: code %d, %q", name, code, report)
		}
	}
	if code, _ := call(t, "", "-v"); code != 0 {
		t.Errorf("-v: code %d", code)
	}
}
