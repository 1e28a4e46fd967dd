package cdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// record is a key and its data.
type record struct{ key, data string }

// build writes a database and returns its bytes.
func build(t testing.TB, records []record) []byte {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "cdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w, err := NewWriter(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Add(r.key, r.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rows have a key twice, an empty key, empty data, keys around the 32 bytes
// that are compared at once, and keys of one hash table: "1", "du" and "te".
var rows = []record{
	{"one", "Hello"}, {"one", "again"}, {"", "ends"}, {"empty", ""}, {"\x00\xff", "\x00"},
	{strings.Repeat("k", 31), "31"}, {strings.Repeat("k", 32), "32"}, {strings.Repeat("k", 33), "33"},
	{strings.Repeat("k", 32) + "x", "other"}, {"1", "a"}, {"du", "b"}, {"te", "c"},
	{"long", strings.Repeat("data", 3000)},
}

func TestGet(t *testing.T) {
	db := bytes.NewReader(build(t, rows))
	for i, r := range rows {
		want := r.data
		if i == 1 {
			want = rows[0].data // the first record with a key counts
		}
		data, ok, err := Get(db, r.key)
		if string(data) != want || !ok || err != nil {
			t.Errorf("Get(%.40q) = %.40q, %v, %v, want %.40q", r.key, data, ok, err, want)
		}
	}
	for _, key := range []string{"two", "onex", "on", "\x00", strings.Repeat("k", 34)} {
		if data, ok, err := Get(db, key); data != nil || ok || err != nil {
			t.Errorf("Get(%q) = %q, %v, %v, want nothing", key, data, ok, err)
		}
	}
}

func TestEmpty(t *testing.T) {
	b := build(t, nil)
	if len(b) != headLen {
		t.Errorf("a database of nothing has %d bytes, want %d", len(b), headLen)
	}
	if _, ok, err := Get(bytes.NewReader(b), ""); ok || err != nil {
		t.Errorf("Get = %v, %v, want nothing", ok, err)
	}
}

// A damaged file gives ErrFormat where it leads out of itself, and nothing
// else ever but what it seems to say.
func TestDamaged(t *testing.T) {
	good := build(t, []record{{"key", "data"}})
	patch := func(at int, n uint32) []byte {
		b := slices.Clone(good)
		binary.LittleEndian.PutUint32(b[at:], n)
		return b
	}
	head := int(8 * (hash("key") & 255))
	slot := len(good) - 16 // of two; the record is in one
	if binary.LittleEndian.Uint32(good[slot+4:]) == 0 {
		slot += 8
	}
	for _, row := range []struct {
		name string
		file []byte
		ok   bool
		err  error
	}{
		{"sound", good, true, nil},
		{"empty file", nil, false, ErrFormat},
		{"head cut", good[:head+7], false, ErrFormat},
		{"tables cut off", good[:len(good)-16], false, ErrFormat},
		{"data longer than the file", patch(headLen+4, 1<<31), false, ErrFormat},
		{"table outside", patch(head, 1<<31), false, ErrFormat},
		{"endless table", patch(head+4, 1<<32-1), false, ErrFormat},
		{"no slots", patch(head+4, 0), false, nil},
		{"record outside", patch(slot+4, 1<<31), false, ErrFormat},
		{"record at the end", patch(slot+4, uint32(len(good))), false, ErrFormat},
		{"slot of another key", patch(slot, hash("key")+1), false, nil},
		{"key of another length", patch(headLen, 4), false, nil},
	} {
		data, ok, err := Get(bytes.NewReader(row.file), "key")
		if ok != row.ok || !errors.Is(err, row.err) || ok != (data != nil) {
			t.Errorf("%s: Get = %q, %v, %v, want %v, %v", row.name, data, ok, err, row.ok, row.err)
		}
	}
}

// A record that differs early is passed over even when its end is missing.
func TestDifferentKeyCut(t *testing.T) {
	long := strings.Repeat("x", 100)
	good := build(t, []record{{long, ""}})
	b := append(slices.Clone(good[:headLen]), good[len(good)-16:]...) // tables first
	record := uint32(len(b))
	b = append(b, good[headLen:headLen+8+40]...) // then a record that lacks an end
	head := int(8 * (hash(long) & 255))
	binary.LittleEndian.PutUint32(b[head:], headLen)
	for slot := headLen; slot < headLen+16; slot += 8 {
		if binary.LittleEndian.Uint32(b[slot+4:]) != 0 {
			binary.LittleEndian.PutUint32(b[slot+4:], record)
		}
	}
	if _, ok, err := Get(bytes.NewReader(b), long); ok || !errors.Is(err, ErrFormat) {
		t.Errorf("Get = %v, %v, want ErrFormat", ok, err)
	}
	b[record+8] = 'y'
	if _, ok, err := Get(bytes.NewReader(b), long); ok || err != nil {
		t.Errorf("Get with another first byte = %v, %v, want nothing", ok, err)
	}
}

// full fails all writes from the given one on.
type full struct{ left int }

var errFull = errors.New("full")

func (f *full) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func (f *full) Seek(int64, int) (int64, error) { return 0, nil }

func TestWriteFails(t *testing.T) {
	write := func(f *full) error {
		w, err := NewWriter(f)
		if err != nil {
			return err
		}
		for range 100 {
			if err := w.Add("key", strings.Repeat("x", 100)); err != nil {
				return err
			}
		}
		return w.Close()
	}
	enough := &full{1000}
	if err := write(enough); err != nil {
		t.Fatal(err)
	}
	for n := range 1000 - enough.left {
		if err := write(&full{n}); err != errFull {
			t.Errorf("with write %d failing: %v", n, err)
		}
	}
}

type nowhere struct{ io.Writer }

func (nowhere) Seek(int64, int) (int64, error) { return 0, nil }

func TestTooBig(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 4 GiB to nowhere")
	}
	w, err := NewWriter(nowhere{io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 1<<24)
	for range 255 {
		if err := w.Add("", big); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Add("", big); !errors.Is(err, ErrTooBig) {
		t.Errorf("Add past 4 GiB: %v, want ErrTooBig", err)
	}
}

// FuzzGet asserts of any file that a look-up ends without panic and never gives
// data beside an error.
func FuzzGet(f *testing.F) {
	small := build(f, rows[:5])
	f.Add(small, "one")
	f.Add(small[:headLen+20], "one")
	f.Fuzz(func(t *testing.T, file []byte, key string) {
		data, ok, err := Get(bytes.NewReader(file), key)
		if ok && err != nil || !ok && data != nil {
			t.Errorf("Get = %q, %v, %v", data, ok, err)
		}
		if ok && !bytes.Contains(file, append([]byte(key), data...)) {
			t.Errorf("Get(%q) made up %q", key, data)
		}
	})
}

// FuzzRoundTrip asserts that what was written is found.
func FuzzRoundTrip(f *testing.F) {
	f.Add("a\nb\na\n\n", "x")
	f.Fuzz(func(t *testing.T, keys, data string) {
		var records []record
		first := map[string]string{}
		for i, key := range strings.Split(keys, "\n") {
			r := record{key, data[:min(i, len(data))]}
			records = append(records, r)
			if _, ok := first[key]; !ok {
				first[key] = r.data
			}
		}
		db := bytes.NewReader(build(t, records))
		for key, want := range first {
			if got, ok, err := Get(db, key); string(got) != want || !ok || err != nil {
				t.Errorf("Get(%q) = %q, %v, %v, want %q", key, got, ok, err, want)
			}
		}
	})
}
