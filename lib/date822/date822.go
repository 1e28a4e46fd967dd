// Package date822 writes dates as mail headers carry them.
//
// It does its own calendar: time's formatting brings the time zones with it,
// which would be a tenth of a small program.
package date822

import (
	"strconv"
	"time"
)

// Format gives t in the form of RFC 822, "26 Sep 1995 04:46:54 -0000". The
// zone -0000 says that the time is UTC and that nobody's local zone is told
// (RFC 5322, section 3.3).
func Format(t time.Time) string {
	u := UTC(t)
	b := strconv.AppendInt(nil, int64(u.Day), 10)
	b = append(b, ' ')
	b = append(b, u.MonthName()...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(u.Year), 10)
	b = append(b, ' ')
	b = append(b, u.Clock()...)
	return string(append(b, " -0000"...))
}

// Stamp gives t as digits, "19950926044654": the start of a Message-ID.
func Stamp(t time.Time) string {
	u := UTC(t)
	b := strconv.AppendInt(nil, int64(u.Year), 10)
	for _, n := range [...]int{u.Month, u.Day, u.Hour, u.Minute, u.Second} {
		b = appendTwo(b, n)
	}
	return string(b)
}

// Date is a moment on the calendar and clock, in UTC.
type Date struct {
	Year, Month, Day     int // 1 is January
	Weekday              int // 0 is Sunday
	Hour, Minute, Second int
}

const (
	daySeconds = 24 * 60 * 60
	eraDays    = 400*365 + 97 // the Gregorian calendar repeats itself
)

// UTC finds the date of t, which may be in any year.
func UTC(t time.Time) Date {
	days, second := floorDiv(t.Unix(), daySeconds)
	d := Date{
		Hour: int(second / 3600), Minute: int(second / 60 % 60), Second: int(second % 60),
	}
	_, weekday := floorDiv(days+4, 7) // 1 January 1970 was a Thursday
	d.Weekday = int(weekday)

	// Years that start in March have their leap day at the end. Count from 1
	// March of the year 0, which is 719468 days before 1970.
	era, day := floorDiv(days+719468, eraDays)
	year := (day - day/(4*365) + day/(100*365+24) - day/(eraDays-1)) / 365
	day -= 365*year + year/4 - year/100
	month := (5*day + 2) / 153 // 0 is March; five months have 153 days
	d.Day = int(day - (153*month+2)/5 + 1)
	d.Month = int((month+2)%12 + 1)
	d.Year = int(400*era + year + (month+2)/12)
	return d
}

// floorDiv divides towards minus infinity, so that the rest is not negative.
func floorDiv(a, b int64) (quotient, rest int64) {
	quotient, rest = a/b, a%b
	if rest < 0 {
		quotient, rest = quotient-1, rest+b
	}
	return quotient, rest
}

// MonthName is the month in three letters, such as "Jan".
func (d Date) MonthName() string {
	return "JanFebMarAprMayJunJulAugSepOctNovDec"[3*(d.Month-1):][:3]
}

// WeekdayName is the day of the week in three letters, such as "Sun".
func (d Date) WeekdayName() string { return "SunMonTueWedThuFriSat"[3*d.Weekday:][:3] }

// Clock is the time of day, "04:46:54".
func (d Date) Clock() string {
	b := appendTwo(nil, d.Hour)
	b = appendTwo(append(b, ':'), d.Minute)
	return string(appendTwo(append(b, ':'), d.Second))
}

func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }
