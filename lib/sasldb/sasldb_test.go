package sasldb

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// cyrus returns the file that Debian's saslpasswd2 (Cyrus SASL 2.1.28) has made, on
// several pages: thirty users came and most went, one password fills half a page.
func cyrus(t testing.TB) []byte {
	t.Helper()
	f, err := os.Open("testdata/sasldb2.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write1(t testing.TB, data []byte, mode fs.FileMode) string {
	t.Helper()
	path := t.TempDir() + "/sasldb2"
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func value(t testing.TB, path, user, realm, property string) string {
	t.Helper()
	v, ok, err := Get(path, Key{user, realm, property})
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return "none"
	}
	return v
}

const long = "-which-is-somewhat-long-to-fill-a-page-and-yet-nobody-will-guess-it"

// held checks what the file of cyrus holds, in either format.
func held(t *testing.T, path string) {
	t.Helper()
	const host = "host.example"
	for _, test := range []struct{ user, realm, property, want string }{
		{"john", host, Password, "secret"},
		{"user1", host, Password, "password-number-1" + long},
		{"user2", host, Password, "password-number-2" + long},
		{"user7", host, Password, "password-number-7" + long},
		{"user8", host, Password, "none"},
		{"long", host, Password, strings.Repeat("x", 2048)},
		{"mary", "other.example", Password, "none"},
		{"john", "other.example", Password, "none"},
		{"john\x00" + host, Password, "", "none"},
	} {
		if got := value(t, path, test.user, test.realm, test.property); got != test.want {
			t.Errorf("%s@%s %s: got %.80q, want %.80q", test.user, test.realm, test.property, got, test.want)
		}
	}
	for user, realm := range map[string]string{"john": host, "user7": host, "mary": "other.example"} {
		if got := value(t, path, user, realm, OTP); !strings.HasPrefix(got, "md5\t0499\t") || len(got) != 53 {
			t.Errorf("OTP of %s: %q", user, got)
		}
	}
	all, err := List(path)
	if err != nil || len(all) != 11 {
		t.Errorf("%d records: %v", len(all), err)
	}
}

func TestBerkeleyDB(t *testing.T) { held(t, write1(t, cyrus(t), 0o600)) }

// The first change makes a cdb of it, with the same owner and mode.
func TestUpdate(t *testing.T) {
	data := cyrus(t)
	path := write1(t, data, 0o640)
	if err := os.Symlink(path, path+".link"); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 90, 91); err != nil {
			t.Fatal(err)
		}
	}
	fresh := Record{Key: Key{"fresh", "host.example", Password}, Value: "new"}
	add := func(old []Record) []Record { return append(old, fresh) }
	if err := Update(path+".link", add); err != nil {
		t.Fatal(err)
	}
	if got := value(t, path, "fresh", "host.example", Password); got != "new" {
		t.Errorf("got %q", got)
	}
	out, _ := exec.Command("stat", "-c", "%a %u %g", path).Output()
	if got := string(out); got != "640 90 91\n" && os.Geteuid() == 0 {
		t.Errorf("mode and owner: %s", got)
	}
	if kept, err := os.ReadFile(path + ".bdb"); err != nil || !bytes.Equal(kept, data) {
		t.Errorf("the old file: %v", err)
	}
	os.Remove(path + ".bdb")
	if err := Update(path, func(old []Record) []Record {
		return slices.DeleteFunc(old, func(r Record) bool { return r.Key == fresh.Key })
	}); err != nil {
		t.Fatal(err)
	}
	held(t, path)
	if _, err := os.Stat(path + ".bdb"); err == nil {
		t.Error("a cdb was kept")
	}
	if err := Update(path, func([]Record) []Record { return []Record{{Key: Key{"a\x00b", "c", Password}}} }); err == nil {
		t.Error("a user with a NUL")
	}
	held(t, path)
}

func TestNewFile(t *testing.T) {
	path := t.TempDir() + "/sasldb2"
	if _, _, err := Get(path, Key{"john", "h", Password}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := Advance(path, Key{"john", "h", OTP}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	// Many at once: none is lost.
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := Update(path, func(old []Record) []Record {
				return append(old, Record{Key: Key{string(rune('a' + i)), "h", Password}, Value: "v"})
			}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if records, err := List(path); err != nil || len(records) != 8 {
		t.Errorf("%d records: %v", len(records), err)
	}
}

// A value of the same length is written in its place, whatever the format is.
func TestAdvance(t *testing.T) {
	key := Key{"john", "host.example", OTP}
	bdb := write1(t, cyrus(t), 0o600)
	asCDB := write1(t, cyrus(t), 0o600)
	if err := Update(asCDB, func(old []Record) []Record { return old }); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{bdb, asCDB} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		refused := errors.New("refused")
		if err := Advance(path, key, func(string) (string, error) { return "x", refused }); err != refused {
			t.Error(err)
		}
		if err := Advance(path, key, func(old string) (string, error) { return strings.Replace(old, "0499", "0498", 1), nil }); err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(after, []byte("md5\t0498\t"))
		if at < 0 || len(before) != len(after) || !bytes.Equal(before[:at+7], after[:at+7]) || !bytes.Equal(before[at+8:], after[at+8:]) {
			t.Errorf("more has changed than the number, at %d", at)
		}
		if err := Advance(path, Key{"nobody", "host.example", OTP}, nil); err != ErrNone {
			t.Error(err)
		}
	}
	// Another length takes a new file.
	if err := Advance(bdb, key, func(string) (string, error) { return "sha1\t0499", nil }); err != nil {
		t.Fatal(err)
	}
	if got := value(t, bdb, "john", "host.example", OTP); got != "sha1\t0499" {
		t.Errorf("got %q", got)
	}
}

func TestNoDatabase(t *testing.T) {
	data := cyrus(t)
	changed := func(at int, b byte) []byte { c := slices.Clone(data); c[at] = b; return c }
	for name, bad := range map[string][]byte{
		"text":          []byte("john:secret\n"),
		"zeros":         make([]byte, 2048),
		"encrypted":     changed(24, 1),
		"checksums":     changed(26, 1),
		"no page size":  changed(21, 0),
		"half a cdb":    append(bytes.Repeat([]byte{0, 9, 0, 0, 0, 0, 0, 0}, 256), 1, 0, 0),
		"another's cdb": append(bytes.Repeat([]byte{10, 8, 0, 0, 0, 0, 0, 0}, 256), 1, 0, 0, 0, 1, 0, 0, 0, 'a', 'b'),
	} {
		path := write1(t, bad, 0o600)
		if records, err := List(path); err == nil && len(records) > 0 {
			t.Errorf("%s: %v", name, records)
		}
		if err := Update(path, func(old []Record) []Record { return old }); err == nil && name != "zeros" {
			t.Errorf("%s: was replaced", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(cyrus(f))
	path := write1(f, nil, 0o600)
	if err := Update(path, func([]Record) []Record { return []Record{{Key: Key{"john", "h", Password}, Value: "v"}} }); err != nil {
		f.Fatal(err)
	}
	small, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := parse(data)
		if err != nil && records != nil {
			t.Error("records beside an error")
		}
		for _, r := range records {
			if r.at != 0 && (r.at+int64(len(r.Value)) > int64(len(data)) || string(data[r.at:r.at+int64(len(r.Value))]) != r.Value) {
				t.Errorf("%v is not where it says", r)
			}
		}
	})
}
