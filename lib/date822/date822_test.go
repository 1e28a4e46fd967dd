package date822

import (
	"math/rand"
	"strconv"
	"testing"
	"time"
)

func TestFormat(t *testing.T) {
	for _, test := range []struct {
		unix int64
		want string
	}{
		{812090814, "26 Sep 1995 04:46:54 -0000"},
		{0, "1 Jan 1970 00:00:00 -0000"},
		{-1, "31 Dec 1969 23:59:59 -0000"},
		{951782400, "29 Feb 2000 00:00:00 -0000"},
		{1 << 31, "19 Jan 2038 03:14:08 -0000"},
		{4107542399, "28 Feb 2100 23:59:59 -0000"},
	} {
		if got := Format(time.Unix(test.unix, 0)); got != test.want {
			t.Errorf("%d: got %s, want %s", test.unix, got, test.want)
		}
	}
}

// The standard library must agree, day by day.
func TestUTC(t *testing.T) {
	for day := int64(-800000); day < 800000; day++ {
		when := time.Unix(day*daySeconds+rand.Int63n(daySeconds), 0).UTC()
		d := UTC(when)
		want := Date{
			when.Year(), int(when.Month()), when.Day(), int(when.Weekday()),
			when.Hour(), when.Minute(), when.Second(),
		}
		if d != want {
			t.Fatalf("%v: got %v", when, d)
		}
	}
	when := time.Now().UTC()
	d := UTC(when)
	if got, want := d.WeekdayName()+d.MonthName()+d.Clock(), when.Format("MonJan15:04:05"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := Stamp(when), when.Format("20060102150405"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := Format(when), strconv.Itoa(when.Day())+when.Format(" Jan 2006 15:04:05 -0000"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
