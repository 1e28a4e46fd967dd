package notls

import (
	"os"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/ip"
)

// home makes a home with a file of zeros.
func home(t testing.TB) {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	if err := os.MkdirAll(auto.Home+"/queue/lock", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(Path(), make([]byte, records*recordSize), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestNote(t *testing.T) {
	home(t)
	now := time.Unix(1800000000, 0)
	four, six := ip.V4(192, 0, 2, 1), ip.Addr{0: 0x20, 15: 1}
	if Failed(four, now) || Failed(ip.Addr{}, now) {
		t.Error("failed before anything was noted")
	}
	Note(four, now)
	Note(six, now.Add(time.Hour))
	for _, c := range []struct {
		addr ip.Addr
		at   time.Time
		want bool
	}{
		{four, now, true},
		{four, now.Add(lasts - time.Second), true},
		{four, now.Add(lasts), false},
		{four, now.Add(-time.Second), false}, // the clock was set back
		{six, now.Add(lasts), true},
		{ip.V4(192, 0, 2, 2), now, false},
	} {
		if got := Failed(c.addr, c.at); got != c.want {
			t.Errorf("%v at %v: got %v", c.addr, c.at, got)
		}
	}
}

// The oldest notes make room.
func TestRoom(t *testing.T) {
	home(t)
	now := time.Unix(1800000000, 0)
	host := func(i int) ip.Addr { return ip.V4(192, 0, 2, byte(i)) }
	for i := range records + 1 {
		Note(host(i), now.Add(time.Duration(i)*time.Second))
	}
	later := now.Add(time.Hour)
	if Failed(host(0), later) || !Failed(host(1), later) || !Failed(host(records), later) {
		t.Error("not the oldest note is gone")
	}
	if info, err := os.Stat(Path()); err != nil || info.Size() != records*recordSize {
		t.Error(info.Size(), err)
	}
}

func TestTrouble(t *testing.T) {
	home(t)
	os.Remove(Path())
	now := time.Now()
	Note(ip.Addr{}, now)
	if Failed(ip.Addr{}, now) {
		t.Error("noted without a file")
	}
}

// FuzzNotes asserts of any file that a failure noted is found, and that it has
// room for no more than it should.
func FuzzNotes(f *testing.F) {
	f.Add([]byte{}, int64(1800000000))
	f.Add(make([]byte, records*recordSize), int64(1))
	f.Fuzz(func(t *testing.T, content []byte, seconds int64) {
		if seconds < 1 {
			return
		}
		home(t)
		if err := os.WriteFile(Path(), content, 0o644); err != nil {
			t.Fatal(err)
		}
		now := time.Unix(seconds, 0)
		a := ip.V4(192, 0, 2, 1)
		Note(a, now)
		if !Failed(a, now) {
			t.Error("no note")
		}
	})
}
