package localtime

import (
	"math"
	"strings"
	"time"
)

// rule is the value of TZ as POSIX defines it (Base Definitions, chapter 8),
// "CET-1CEST,M3.5.0,M10.5.0/3": offsets in seconds east of UTC and, if there is
// a summer time, the days on which it starts and ends.
type rule struct {
	standard, summer int
	hasSummer        bool
	start, end       change
}

// change is a time in each year at which the clock changes.
type change struct {
	kind             byte // 'J': day 1 to 365, without leap days; 'M': month, week and weekday; 0: day 0 to 365
	day, week, month int
	seconds          int // from midnight, by the clock that is in force before
}

// parseRule reads as much as makes sense, as the C library does: anything may
// stand in TZ, and there is always an offset to be had from it. So what follows
// the standard offset but is not the name of a summer time has the offset 0, and
// a change that cannot be read is at the start of the year.
func parseRule(s string) (r rule) {
	s, ok := name(s)
	if !ok || s == "" || !digit(rune(s[0])) && s[0] != '+' && s[0] != '-' {
		return r
	}
	if r.standard, s, ok = offset(s); !ok || s == "" {
		return r
	}
	r.hasSummer = true
	if s, ok = name(s); ok {
		if r.summer, s, ok = offset(s); !ok {
			r.summer = r.standard + 3600
		}
	}
	// Without changes they are those of the United States.
	if r.start, s, ok = parseChange(s, change{kind: 'M', month: 3, week: 2}); ok {
		r.end, _, _ = parseChange(s, change{kind: 'M', month: 11, week: 1})
	}
	return r
}

// offset returns the seconds east of UTC that are in force at t.
func (r rule) offset(t time.Time) int {
	if !r.hasSummer {
		return r.standard
	}
	year := t.UTC().Year()
	start := r.start.in(year) - int64(r.standard)
	end := r.end.in(year) - int64(r.summer)
	now := t.Unix()
	summer := start <= now && now < end
	if start > end { // south of the equator
		summer = now < end || start <= now
	}
	if summer {
		return r.summer
	}
	return r.standard
}

// in returns the Unix time of the change in a year, as if its clock showed UTC.
func (c change) in(year int) int64 {
	var day time.Time
	switch c.kind {
	case 'J':
		day = time.Date(year, 1, c.day, 0, 0, 0, 0, time.UTC)
		if c.day >= 60 && leap(year) {
			day = day.AddDate(0, 0, 1)
		}
	case 'M':
		day = time.Date(year, time.Month(c.month), 1, 0, 0, 0, 0, time.UTC)
		day = day.AddDate(0, 0, (c.day-int(day.Weekday())+7)%7+7*(c.week-1))
		for int(day.Month()) != c.month { // week 5 is the last one
			day = day.AddDate(0, 0, -7)
		}
	default:
		day = time.Date(year, 1, 1+c.day, 0, 0, 0, 0, time.UTC)
	}
	return day.Unix() + int64(c.seconds)
}

func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// name skips the name of a zone: at least three letters, or letters, digits
// and signs in angle brackets.
func name(s string) (rest string, ok bool) {
	if strings.HasPrefix(s, "<") {
		end := strings.IndexFunc(s[1:], func(c rune) bool { return !letter(c) && !digit(c) && c != '+' && c != '-' })
		if end < 3 || s[1+end] != '>' {
			return s, false
		}
		return s[end+2:], true
	}
	end := strings.IndexFunc(s, func(c rune) bool { return !letter(c) })
	if end < 0 {
		end = len(s)
	}
	if end < 3 {
		return s, false
	}
	return s[end:], true
}

// offset reads hours, and minutes and seconds if there are any, west of UTC.
func offset(s string) (east int, rest string, ok bool) {
	sign := -1
	if strings.HasPrefix(s, "-") {
		sign = 1
	}
	if sign == 1 || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	clock, s, ok := clock(s)
	return sign * (min(clock[0], 24)*3600 + min(clock[1], 59)*60 + min(clock[2], 59)), s, ok
}

// clock reads hours:minutes:seconds, or only the first or the first two.
func clock(s string) (hms [3]int, rest string, ok bool) {
	hms[0], rest, ok = short(s)
	for i := 1; ok && i < 3 && strings.HasPrefix(rest, ":"); i++ {
		n, after, more := short(rest[1:])
		if !more {
			break
		}
		hms[i], rest = n, after
	}
	return hms, rest, ok
}

// parseChange reads a change with the comma before it. At the end of the rule
// it is missing. One that cannot be read is of the right kind at most.
func parseChange(s string, missing change) (c change, rest string, ok bool) {
	s = strings.TrimPrefix(s, ",")
	switch {
	case s == "":
		c, ok = missing, true
	case s[0] == 'M':
		c.kind = 'M'
		c.month, s, ok = short(s[1:])
		for _, field := range []*int{&c.week, &c.day} {
			if ok = ok && strings.HasPrefix(s, "."); ok {
				*field, s, ok = short(s[1:])
			}
		}
		if !ok || c.month < 1 || c.month > 12 || c.week < 1 || c.week > 5 || c.day > 6 {
			return change{}, s, false
		}
	case s[0] == 'J':
		c.kind = 'J'
		s = s[1:]
		fallthrough
	default:
		day, after, isNumber := number(s)
		if !isNumber || day > 365 || c.kind == 'J' && day == 0 {
			return c, s, false
		}
		c.day, s = int(day), after
	}
	if s != "" && s[0] != '/' && s[0] != ',' {
		return c, s, false
	}
	c.seconds = 2 * 3600
	if !strings.HasPrefix(s, "/") {
		return c, s, true
	}
	sign := 1
	if s = s[1:]; strings.HasPrefix(s, "-") {
		sign, s = -1, s[1:]
	}
	if hms, after, ok := clock(s); ok {
		c.seconds, s = hms[0]*3600+hms[1]*60+hms[2], after
	}
	c.seconds *= sign
	return c, s, true
}

// short reads a number as %hu of scanf(3) does: it wraps at 16 bits, and blanks and
// a sign may stand before it.
func short(s string) (n int, rest string, ok bool) {
	digits := strings.TrimLeft(s, " \t\n\v\f\r")
	positive := strings.TrimPrefix(digits, "-")
	if positive == digits {
		positive = strings.TrimPrefix(digits, "+")
	}
	long, rest, ok := number(positive)
	if !ok {
		return 0, s, false
	}
	if digits[0] == '-' {
		long = -long
	}
	return int(uint16(long)), rest, true
}

// number reads decimal digits, up to the largest number.
func number(s string) (n uint64, rest string, ok bool) {
	i := 0
	for ; i < len(s) && digit(rune(s[i])); i++ {
		if n > (math.MaxUint64-9)/10 {
			n = math.MaxUint64
			continue
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n, s[i:], i > 0
}

func digit(c rune) bool  { return '0' <= c && c <= '9' }
func letter(c rune) bool { return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' }
