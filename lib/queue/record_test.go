package queue

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
)

func readAll(t *testing.T, s string) []Record {
	t.Helper()
	r := NewReader(strings.NewReader(s))
	var all []Record
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
}

func TestReader(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, c := range []struct {
		name, in string
		want     []Record
	}{
		{"empty", "", nil},
		{"todo", "u5001\x00p77\x00Fa@b\x00Tc@d\x00", []Record{{Uid, "5001", 0}, {Pid, "77", 6}, {Sender, "a@b", 10}, {ToDo, "c@d", 15}}},
		{"empty sender and recipient", "F\x00T\x00", []Record{{Sender, "", 0}, {ToDo, "", 2}}},
		{"nothing before NUL", "\x00Ta\x00", []Record{{0, "", 0}, {ToDo, "a", 1}}},
		{"no NUL at the end", "Ta\x00Db", []Record{{ToDo, "a", 0}}},
		{"newline", "Da\nb\x00", []Record{{Done, "a\nb", 0}}},
		{"longer than the buffer", "T" + long + "\x00Ta\x00", []Record{{ToDo, long, 0}, {ToDo, "a", 5002}}},
	} {
		if got := readAll(t, c.in); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestReaderError(t *testing.T) {
	r := NewReader(io.MultiReader(strings.NewReader("Ta\x00Tb"), broken{}))
	if rec, err := r.Next(); err != nil || rec.Text != "a" {
		t.Errorf("first: %v, %v", rec, err)
	}
	if rec, err := r.Next(); err != io.ErrNoProgress || rec != (Record{}) {
		t.Errorf("second: %v, %v", rec, err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

// What was read prints back to the file, but for an unfinished last record,
// and each record stands where Pos says.
func FuzzReader(f *testing.F) {
	f.Add([]byte("u5001\x00p77\x00Fa@b\x00Tc@d\x00"))
	f.Add([]byte("\x00\x00T"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out []byte
		for _, rec := range readAll(t, string(in)) {
			if rec.Pos != int64(len(out)) {
				t.Errorf("record %v at %d, not %d", rec, len(out), rec.Pos)
			}
			switch {
			case rec.Type == 0 && len(rec.Text) == 0 && in[len(out)] == 0:
				out = append(out, 0)
			default:
				out = AppendRecord(out, rec.Type, rec.Text)
			}
		}
		if whole := in[:bytes.LastIndexByte(in, 0)+1]; !bytes.Equal(out, whole) {
			t.Errorf("got %q, want %q", out, whole)
		}
	})
}
