package tcprules

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/cdb"
)

// compile makes a database of rules.
func compile(t testing.TB, rules io.Reader) (db *os.File, err error) {
	t.Helper()
	db, err = os.Create(filepath.Join(t.TempDir(), "cdb"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w, err := cdb.NewWriter(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := Compile(rules, w); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return db, nil
}

// testdata/rules4.cdb is what tcprules of ucspi-tcp 0.88 made of
// testdata/rules4, which is testdata/rules without IPv6.
func TestGolden(t *testing.T) {
	rules, err := os.Open("testdata/rules4")
	if err != nil {
		t.Fatal(err)
	}
	defer rules.Close()
	db, err := compile(t, rules)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(db.Name())
	want, _ := os.ReadFile("testdata/rules4.cdb")
	if !bytes.Equal(got, want) || len(want) == 0 {
		t.Errorf("%d bytes, not the %d of the golden file", len(got), len(want))
	}
}

func TestFind(t *testing.T) {
	rules, err := os.Open("testdata/rules")
	if err != nil {
		t.Fatal(err)
	}
	defer rules.Close()
	db, err := compile(t, rules)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ip, host, info string // "-": not known
		address        string
		deny           bool
		environment    string
	}{
		{"127.0.0.1", "-", "-", "127.0.0.1", false, "RELAYCLIENT="},
		{"127.0.0.2", "-", "-", "", false, "BY=default"},
		{"10.1.2.3", "-", "-", "10.1.", false, "RELAYCLIENT=@office DATABYTES=5000000"},
		{"10.3.2.3", "-", "-", "", false, "BY=default"},
		{"192.0.2.7", "good.example", "joe", "joe@192.0.2.7", false, "WHO=joe"},
		{"192.0.2.7", "good.example", "jim", "192.0.2.7", false, "WHO=host"},
		{"192.0.2.7", "good.example", "", "192.0.2.7", false, "WHO=host"},
		{"192.0.2.8", "spam.example", "joe", "joe@=spam.example", true, ""},
		{"192.0.2.8", "good.example", "joe", "=good.example", false, "BY=name"},
		{"192.0.2.8", "-", "joe", "192.0.2.", true, ""},
		{"192.0.3.8", "x.spam.example", "-", "192.0.", false, "BY=prefix"},
		{"198.51.100.1", "x.spam.example", "-", "=.spam.example", true, ""},
		{"198.51.100.1", "spam.example", "-", "=.example", false, "BY=domain"},
		{"198.51.100.1", "elsewhere", "-", "=", false, "BY=any name"},
		{"198.51.100.1", "", "-", "=", false, "BY=any name"},
		{"198.51.100.1", "-", "-", "", false, "BY=default"},
		{"2001:db8::1", "-", "-", "2001:db8::1", false, "BY=six"},
		{"2001:db8::2", "-", "-", "2001:db8:", true, ""},
		{"2001:db9::2", "-", "-", "", false, "BY=default"},
	} {
		known := func(s string) *string {
			if s == "-" {
				return nil
			}
			return &s
		}
		rule, ok, err := Find(db, Client{IP: c.ip, Host: known(c.host), Info: known(c.info)})
		if err != nil || !ok || rule.Address != c.address || rule.Deny != c.deny || strings.Join(rule.Environment, " ") != c.environment {
			t.Errorf("%s %s %s: %+v, %v, %v; want %q, deny %v, %q", c.ip, c.host, c.info, rule, ok, err, c.address, c.deny, c.environment)
		}
	}
	empty, err := compile(t, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	if rule, ok, err := Find(empty, Client{IP: "127.0.0.1"}); ok || err != nil {
		t.Errorf("without rules: %+v, %v", rule, err)
	}
	if _, _, err := Find(strings.NewReader("not a database"), Client{}); err != syscall.EPROTO {
		t.Errorf("no database: %v", err)
	}
}

// Rules for IPv6 mean what they do with tcprules and tcpserver of Debian's
// ucspi-tcp-ipv6, of which this is the record.
func TestIPv6(t *testing.T) {
	const one, two, full = "2001:db8:5:6::9", "2001:db8:0:7::a", "2001:db8:ab:cd:1:2:3:4"
	for address, want := range map[string]string{
		one:                     one,
		"2001:db8:5:6:0:0:0:9":  "",
		"2001:db8:5:6::/64":     "",
		"2001:db8:5:6":          "",
		"2001:db8:5:6:":         one,
		"2001:db8:5:6::":        one,
		"2001:db8:5:":           one,
		"2001:db8:":             one + " " + two + " " + full,
		"2001:":                 one + " " + two + " " + full,
		"2001:db8":              "",
		"2001:db8:0:7:":         two,
		"2001:db8:0:7::":        two,
		full:                    full,
		"2001:db8:ab:cd:1:2:3:": full,
		"2001:db8:ab:cd:":       full,
		"2001:db8:ab:cd::":      "",
	} {
		db, err := compile(t, strings.NewReader(address+":allow\n"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, client := range []string{one, two, full} {
			if _, ok, err := Find(db, Client{IP: client}); err != nil {
				t.Fatal(err)
			} else if ok {
				got = append(got, client)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}

func TestCompileRefused(t *testing.T) {
	for _, line := range []string{
		"1.2.3.4:", "1.2.3.4:Allow", "x:y:z", ":allowed", ":allow A", ":allow,", ":allow,A", ":allow,A=", ":allow,A=\"", ":allow,A=\"b",
		":allow,A=\"b\"C=\"d\"", ":deny,A=\"b\",", "1.2.3-4-5:allow", "1.x-2.:allow", "a-b:allow",
	} {
		_, err := compile(t, strings.NewReader("127.:allow\n"+line+" \t\n"))
		if want := SyntaxError(line); err != want {
			t.Errorf("%q: %v, want %v", line, err, want)
		}
	}
	_, err := compile(t, io.MultiReader(strings.NewReader(":allow\n"), brokenReader{}))
	var read *ReadError
	if !errors.As(err, &read) || read.Err != syscall.EIO {
		t.Errorf("read error: %v", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, syscall.EIO }

// A line that compiles says the same when it is found again, unless it stands
// for a range.
func FuzzCompile(f *testing.F) {
	f.Add("1.2.3.", "allow", "A", "b c")
	f.Add("joe@=host", "deny", "", "")
	f.Fuzz(func(t *testing.T, address, verdict, name, value string) {
		line := address + ":" + verdict
		if name != "" {
			line += "," + name + "=\x01" + value + "\x01"
		}
		if strings.ContainsAny(line, "\n\x00") || strings.HasPrefix(line, "#") || strings.Contains(address, "-") ||
			strings.Contains(address, ":") || strings.ContainsAny(name+value, "\x01=") {
			return
		}
		db, err := compile(t, strings.NewReader(line))
		if err != nil {
			return
		}
		rule, ok, err := Find(db, Client{IP: address})
		if err != nil || !ok || rule.Address != address || rule.Deny != (verdict == "deny") {
			t.Fatalf("%q: %+v, %v, %v", line, rule, ok, err)
		}
		if name != "" && (verdict == "allow" || verdict == "deny") && !slices.Equal(rule.Environment, []string{name + "=" + value}) {
			t.Errorf("%q sets %q", line, rule.Environment)
		}
	})
}

// Any database gives a rule, none or an error.
func FuzzFind(f *testing.F) {
	golden, err := os.ReadFile("testdata/rules4.cdb")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden, "192.0.2.7")
	f.Fuzz(func(t *testing.T, db []byte, ip string) {
		ip = ip[:min(len(ip), 300)] // longer than any address or name
		rule, ok, err := Find(bytes.NewReader(db), Client{IP: ip, Host: &ip, Info: &ip})
		if (err != nil || !ok) && (rule.Address != "" || rule.Deny || rule.Environment != nil) {
			t.Errorf("%+v beside %v, %v", rule, ok, err)
		}
	})
}
