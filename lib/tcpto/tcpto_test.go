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

	"goqmail/lib/auto"
	"goqmail/lib/ip"
)

// note is a record in words.
type note struct {
	addr  ip.Addr
	count byte
	when  int64
}

// of is a row's notes with IPv6 addresses in place of IPv4.
func (f Family) of(notes []note) []note {
	notes = slices.Clone(notes)
	for i := range notes {
		notes[i].addr = f.addr(notes[i].addr)
	}
	return notes
}

// addr is an address of the family that stands for one of IPv4.
func (f Family) addr(a ip.Addr) ip.Addr {
	if quad := a.As4(); f == IPv6 {
		return ip.Addr{0: 0x20, 1: 0x01, 12: quad[0], 13: quad[1], 14: quad[2], 15: quad[3]}
	}
	return a
}

// families are what every test is about.
var families = []Family{IPv4, IPv6}

func (f Family) encode(notes []note, records int) []byte {
	var b []byte
	for _, n := range f.of(notes) {
		quad := n.addr.As4()
		if address := append(quad[:], n.addr[:]...); f == IPv4 {
			b = append(b, address[:4]...)
		} else {
			b = append(b, address[4:]...)
		}
		b = append(b, n.count, 0, 0, 0)
		b = binary.LittleEndian.AppendUint32(b, uint32(n.when))
		b = append(b, 0, 0, 0, 0)
	}
	return append(b, make([]byte, records*f.recordSize()-len(b))...)
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
	a = ip.V4(10, 0, 0, 1)
	b = ip.V4(10, 0, 0, 2)
	c = ip.V4(0, 0, 0, 0)
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
		for _, f := range families {
			path := file(t, f.encode(row.notes, 64))
			if dead := new(Notes).dead(path, f.addr(a), time.Unix(row.now, 0), row.pid); dead != row.dead {
				t.Errorf("%s, %s: %v", row.name, f.Name(), dead)
			}
		}
	}
}

func TestTimedOut(t *testing.T) {
	const now = 1700000000
	full := make([]note, 64)
	for i := range full {
		full[i] = note{ip.V4(1, 1, 1, byte(i)), 1, now - 1000}
	}
	full[40].when = now - 1500
	full[41] = note{full[41].addr, 2, now - 2000} // a second timeout outweighs 1024 seconds
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
		for _, f := range families {
			path := file(t, f.encode(row.before, 64))
			timedOut(path, f.addr(a), time.Unix(now, 0))
			got, _ := os.ReadFile(path)
			if !bytes.Equal(got, f.encode(row.after, 64)) {
				t.Errorf("%s, %s: %v", row.name, f.Name(), got)
			}
		}
	}
}

func TestAnswered(t *testing.T) {
	for _, f := range families {
		path := file(t, f.encode([]note{{b, 2, 5}, {a, 3, 7}}, 64))
		answered(path, f.addr(a))
		answered(path, f.addr(ip.V4(9, 9, 9, 9)))
		got, _ := os.ReadFile(path)
		if want := f.encode([]note{{b, 2, 5}, {a, 0, 7}}, 64); !bytes.Equal(got, want) {
			t.Errorf("%s: %v", f.Name(), got)
		}
	}
}

// A file that cannot be used, or has no room, is as good as none.
func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	short := file(t, make([]byte, IPv4.recordSize()-1))
	for _, path := range []string{filepath.Join(dir, "none"), dir, short, file(t, nil)} {
		timedOut(path, a, time.Now())
		answered(path, a)
		if new(Notes).dead(path, a, time.Now(), 0) {
			t.Errorf("%s: dead", path)
		}
	}
	if got, _ := os.ReadFile(short); len(got) != IPv4.recordSize()-1 {
		t.Errorf("a short file has grown to %d", len(got))
	}
}

// The size of the file is the number of records; what follows 64 is ignored.
func TestSizes(t *testing.T) {
	for f, rows := range map[Family]map[int]int{
		IPv4: {0: 0, 15: 0, 16: 1, 47: 2, 1024: 64, 5000: 64},
		IPv6: {0: 0, 27: 0, 28: 1, 1024: 36, 1792: 64, 5000: 64},
	} {
		for size, want := range rows {
			table, err := f.Load(file(t, make([]byte, size)))
			if err != nil {
				t.Fatal(err)
			}
			if len(table.Records) != want {
				t.Errorf("%s, %d bytes: %d records, want %d", f.Name(), size, len(table.Records), want)
			}
			table.Close()
		}
	}
}

func TestLocked(t *testing.T) {
	path := file(t, make([]byte, 1024))
	table, err := IPv4.Load(path)
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
	for _, family := range families {
		f.Add(family.encode([]note{{b, 2, 5}, {a, 3, 7}}, 3), uint32(1700000000))
	}
	f.Fuzz(func(t *testing.T, content []byte, seconds uint32) {
		for _, f := range families {
			path, a, size := filepath.Join(t.TempDir(), "tcpto"), f.addr(a), f.recordSize()
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
			timedOut(path, a, time.Unix(int64(seconds), 0))
			after, err := os.ReadFile(path)
			if err != nil || len(after) != len(content) {
				t.Fatalf("%d bytes, were %d, %v", len(after), len(content), err)
			}
			table, err := f.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			defer table.Close()
			if len(table.Records) > 0 && table.find(a) < 0 {
				t.Error("no note")
			}
			changed := 0
			for i, r := range table.Records {
				if !bytes.Equal(r, content[i*size:][:size]) {
					changed++
				}
			}
			if changed > 1 {
				t.Errorf("%d records have changed", changed)
			}
		}
	})
}

// The two kinds of addresses do not get into each other's way, and a home
// without a file for IPv6 is whole.
func TestFiles(t *testing.T) {
	auto.Home = t.TempDir()
	os.MkdirAll(auto.Home+"/queue/lock", 0o755)
	six := IPv6.addr(a)
	note := func(a ip.Addr) bool {
		var n Notes
		n.Dead(a)
		timedOut(family(a).Path(), a, time.Now().Add(-time.Hour/2))
		n.TimedOut(a)
		return n.Dead(a)
	}
	for _, f := range families {
		if f == IPv6 && note(six) {
			t.Error("noted without a file")
		}
		os.WriteFile(f.Path(), make([]byte, records*f.recordSize()), 0o644)
	}
	if !note(six) || new(Notes).Dead(a) || !note(a) {
		t.Error("an address has the wrong notes")
	}
	var n Notes
	n.Dead(six)
	n.Answered(six)
	if n.Dead(six) || !n.Dead(a) {
		t.Error("an answer counts for the wrong address")
	}
	note(six)
	Forgive()
	if n.Dead(six) || n.Dead(a) {
		t.Error("not forgiven")
	}
	os.Remove(IPv6.Path())
	if err := IPv6.Clear(IPv6.Path()); err != nil {
		t.Error(err)
	}
	os.Remove(IPv4.Path())
	if IPv4.Clear(IPv4.Path()) == nil {
		t.Error("no file, no error")
	}
}
