package tcpto

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// note is a record in words.
type note struct {
	ip    [4]byte
	count byte
	when  int64
}

func encode(notes []note, records int) []byte {
	b := make([]byte, records*recordSize)
	for i, n := range notes {
		r := b[i*recordSize:]
		copy(r, n.ip[:])
		r[4] = n.count
		binary.LittleEndian.PutUint32(r[8:], uint32(n.when))
	}
	return b
}

func file(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tcpto")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	a = [4]byte{10, 0, 0, 1}
	b = [4]byte{10, 0, 0, 2}
	c = [4]byte{0, 0, 0, 0}
)

// turn2 is a time at which the 32 bits of the file have begun anew: in 2106.
const turn2 = 1<<32 + 1000

func TestDead(t *testing.T) {
	const now = 1700000000
	for _, row := range []struct {
		name  string
		notes []note
		now   int64
		pid   int
		dead  bool
	}{
		{"no note", nil, now, 0, false},
		{"one timeout", []note{{a, 1, now - 1}}, now, 0, false},
		{"two", []note{{a, 2, now - 1}}, now, 0, true},
		{"of another", []note{{b, 2, now - 1}}, now, 0, false},
		{"nearly an hour ago", []note{{a, 2, now - 3839}}, now, 0, true},
		{"longer ago", []note{{a, 2, now - 3840}}, now, 0, false},
		{"longer ago, patient process", []note{{a, 2, now - 3840}}, now, 1, true},
		{"31 is the most patient", []note{{a, 2, now - (60+31)*64}}, now, 31 + 32, false},
		{"clock set back", []note{{a, 2, now + 5000}}, now, 0, true},
		{"negative count", []note{{a, 128, now - 1}}, now, 0, false},
		{"the first record counts", []note{{a, 0, now}, {a, 2, now - 1}}, now, 0, false},
		{"after 2038", []note{{a, 2, 1<<31 + 100}}, 1<<31 + 200, 0, true},
		{"after 2106", []note{{a, 2, turn2 - 100}}, turn2, 0, true},
		{"across 2106", []note{{a, 2, turn2 - 2000}}, turn2, 0, true},
		{"long ago, across 2106", []note{{a, 2, turn2 - 9000}}, turn2, 0, false},
	} {
		path := file(t, encode(row.notes, 64))
		if dead := new(Notes).dead(path, a, time.Unix(row.now, 0), row.pid); dead != row.dead {
			t.Errorf("%s: %v", row.name, dead)
		}
	}
}

func TestTimedOut(t *testing.T) {
	const now = 1700000000
	full := make([]note, 64)
	for i := range full {
		full[i] = note{[4]byte{1, 1, 1, byte(i)}, 1, now - 1000}
	}
	full[40].when = now - 1500
	full[41] = note{full[41].ip, 2, now - 2000} // a second timeout outweighs 1024 seconds
	fullAfter := slices.Clone(full)
	fullAfter[40] = note{a, 1, now}
	for _, row := range []struct {
		name          string
		before, after []note
	}{
		{"into an empty file", nil, []note{{a, 1, now}}},
		{"the first free record", []note{{b, 3, 5}, {c, 0, 7}}, []note{{b, 3, 5}, {a, 1, now}}},
		{"again", []note{{a, 1, now - 120}}, []note{{a, 2, now}}},
		{"again too soon", []note{{a, 1, now - 119}}, []note{{a, 1, now - 119}}},
		{"again, after an answer", []note{{a, 0, now - 1}}, []note{{a, 1, now}}},
		{"ten are enough", []note{{a, 10, now - 500}}, []note{{a, 10, now}}},
		{"clock set back", []note{{a, 1, now + 500}}, []note{{a, 1, now + 500}}},
		{"a full file loses the oldest", full, fullAfter},
	} {
		path := file(t, encode(row.before, 64))
		timedOut(path, a, time.Unix(now, 0))
		got, _ := os.ReadFile(path)
		if !bytes.Equal(got, encode(row.after, 64)) {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func TestAnswered(t *testing.T) {
	path := file(t, encode([]note{{b, 2, 5}, {a, 3, 7}}, 64))
	answered(path, a)
	answered(path, [4]byte{9, 9, 9, 9})
	got, _ := os.ReadFile(path)
	if want := encode([]note{{b, 2, 5}, {a, 0, 7}}, 64); !bytes.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// A file that cannot be used, or has no room, is as good as none.
func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	short := file(t, make([]byte, recordSize-1))
	for _, path := range []string{filepath.Join(dir, "none"), dir, short, file(t, nil)} {
		timedOut(path, a, time.Now())
		answered(path, a)
		if new(Notes).dead(path, a, time.Now(), 0) {
			t.Errorf("%s: dead", path)
		}
	}
	if got, _ := os.ReadFile(short); len(got) != recordSize-1 {
		t.Errorf("a short file has grown to %d", len(got))
	}
}

// The size of the file is the number of records; what follows 64 is ignored.
func TestSizes(t *testing.T) {
	for size, want := range map[int]int{0: 0, 15: 0, 16: 1, 47: 2, 1024: 64, 5000: 64} {
		table, err := Load(file(t, make([]byte, size)))
		if err != nil {
			t.Fatal(err)
		}
		if len(table.Records) != want {
			t.Errorf("%d bytes: %d records, want %d", size, len(table.Records), want)
		}
		table.Close()
	}
}

func TestLocked(t *testing.T) {
	path := file(t, make([]byte, size))
	table, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != syscall.EWOULDBLOCK {
		t.Errorf("lock beside a loaded table: %v", err)
	}
	table.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Errorf("lock after it: %v", err)
	}
}

// FuzzNotes asserts of any file that a timeout noted is found, and that other
// addresses keep their notes, but for one that had to make room.
func FuzzNotes(f *testing.F) {
	f.Add(encode([]note{{b, 2, 5}, {a, 3, 7}}, 3), uint32(1700000000))
	f.Fuzz(func(t *testing.T, content []byte, seconds uint32) {
		path := filepath.Join(t.TempDir(), "tcpto")
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		timedOut(path, a, time.Unix(int64(seconds), 0))
		after, err := os.ReadFile(path)
		if err != nil || len(after) != len(content) {
			t.Fatalf("%d bytes, were %d, %v", len(after), len(content), err)
		}
		table, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		defer table.Close()
		if len(table.Records) > 0 && table.find(a) < 0 {
			t.Error("no note")
		}
		changed := 0
		for i := range table.Records {
			if !bytes.Equal(table.Records[i][:], content[i*recordSize:][:recordSize]) {
				changed++
			}
		}
		if changed > 1 {
			t.Errorf("%d records have changed", changed)
		}
	})
}
