package localtime

import (
	"os"
	"testing"
	"time"

	"goqmail/lib/call"
)

func date(year, month, day, hour int) time.Time {
	return time.Date(year, time.Month(month), day, hour, 0, 0, 0, time.UTC)
}

func TestRule(t *testing.T) {
	winter, summer := date(2025, 1, 15, 12), date(2025, 7, 15, 12)
	for _, c := range []struct {
		zone           string
		winter, summer int // in seconds
	}{
		{"UTC0", 0, 0},
		{"CET-1", 3600, 3600},
		{"AAA+5", -18000, -18000},
		{"IST-5:30", 19800, 19800},
		{"LMT-1:2:3", 3723, 3723},
		{"<+0330>-3:30", 12600, 12600},
		{"CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200},
		{"EST5EDT", -18000, -14400}, // if not a file, then the rules of the United States
		{"XST5XDT", -18000, -14400},
		{"XST5XDT3,M3.2.0,M11.1.0", -18000, -10800},
		{"NZST-12NZDT,M9.5.0,M4.1.0/3", 46800, 43200}, // south of the equator
		{"AAA0BBB,J60,J300", 0, 3600},
		{"AAA0BBB,59,299", 0, 3600},
		{"AAA0BBB,J1/0,J365/25", 3600, 3600}, // summer all year
		{"AAA-24", 86400, 86400},
		{"AAA-99:99:99", 90000 - 3600 + 59*60 + 59, 86400 + 59*60 + 59}, // cut to 24:59:59
		// What makes no sense is as in the C library.
		{"", 0, 0},
		{"XX5", 0, 0},
		{"no such zone", 0, 0},
		{"AAA", 0, 0},
		{"AAA5XX", 0, 0},
		{"AAA5BBB,junk", -14400, -14400},
		{"AAA0:+7", -420, -420},
		{"AAA+ 5", -18000, -18000},
		{"AAA 5", 0, 0},
		{"AAA--1", 86400, 86400}, // 65535 hours, cut
		{"AAA0:x", 0, 0},
		{"<X>5", 0, 0},
		{"<XXX5", 0, 0},
	} {
		zone := Load(call.Env{"TZ=" + c.zone, "TZDIR=/nonexistent"})
		if w, s := zone.Offset(winter), zone.Offset(summer); w != c.winter || s != c.summer {
			t.Errorf("%s: %d in winter, %d in summer; want %d, %d", c.zone, w, s, c.winter, c.summer)
		}
	}
}

// The clock changes at the second.
func TestChange(t *testing.T) {
	zone := Load(call.Env{"TZ=CET-1CEST,M3.5.0,M10.5.0/3", "TZDIR=/nonexistent"})
	spring, autumn := date(2024, 3, 31, 1), date(2024, 10, 27, 1)
	for when, want := range map[time.Time]int{
		spring.Add(-time.Second): 3600, spring: 7200,
		autumn.Add(-time.Second): 7200, autumn: 3600,
	} {
		if got := zone.Offset(when); got != want {
			t.Errorf("at %v: %d, want %d", when, got, want)
		}
	}
	if got := zone.Clock(spring); !got.Equal(date(2024, 3, 31, 3)) {
		t.Errorf("the clock shows %v", got)
	}
}

func TestFile(t *testing.T) {
	// One offset, half an hour east, in the first version of the format.
	file := "TZif" + string(make([]byte, 16+4*4)) + "\x00\x00\x00\x01\x00\x00\x00\x04" + "\x00\x00\x07\x08\x00\x00ABC\x00"
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/Half", []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, env := range []call.Env{
		{"TZ=" + dir + "/Half"}, {"TZ=:" + dir + "/Half"}, {"TZ=Half", "TZDIR=" + dir}, {"TZ=:Half", "TZDIR=" + dir},
	} {
		if got := Load(env).Offset(date(2025, 1, 1, 0)); got != 1800 {
			t.Errorf("%q: %d, want 1800", env, got)
		}
	}
	for _, env := range []call.Env{{"TZ="}, {"TZ=:"}, {"TZ=/dev/null"}, {"TZ=/etc/passwd"}, {"TZ=/"}} {
		if got := Load(env).Offset(date(2025, 1, 1, 0)); got != 0 {
			t.Errorf("%q: %d, want 0", env, got)
		}
	}
}

// Whatever stands in TZ, there is an offset, and not an absurd one.
func FuzzRule(f *testing.F) {
	for _, s := range []string{"CET-1CEST,M3.5.0,M10.5.0/3", "<+03>-3", "AAA5BBB3,J1/0,J365/25", "AAA5BBB,0/-1,365"} {
		f.Add(s, int64(1763798400))
	}
	f.Fuzz(func(t *testing.T, s string, unix int64) {
		unix %= 1 << 40
		if got := parseRule(s).offset(time.Unix(unix, 0)); got < -25*3600 || got > 26*3600 {
			t.Errorf("%q at %d: %d", s, unix, got)
		}
	})
}
