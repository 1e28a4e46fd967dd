package digest

import (
	"strconv"
	"strings"
	"time"
)

// SentDate reads a Date field as RFC 5256 section 2.2 wants it: a time that makes no
// sense is midnight, and a zone that makes none is UTC. ok is false if there is no date.
// The order of its words does not matter, so that what ctime writes is read as well.
func SentDate(field string) (t time.Time, ok bool) {
	var day, year, clock int
	var month time.Month
	zone, timed := 0, false
	tk := tokens{s: field}
	for {
		for tk.accept(',') {
		}
		tk.skip()
		if tk.s == "" {
			break
		}
		word := tk.take(func(c byte) bool { return !strings.ContainsRune(" \t\r\n,(", rune(c)) })
		digits := isNumber(word)
		switch {
		case strings.Contains(word, ":"):
			clock, timed = clockTime(word), true
		case timed && (word[0] == '+' || word[0] == '-'):
			zone = offset(word)
		case timed && !digits:
			zone = namedZone(word)
		case digits && day == 0:
			day, _ = strconv.Atoi(word)
		case digits && year == 0:
			year = fullYear(word)
		case month == 0 && strings.Count(word, "-") == 2: // 7-Feb-94
			parts := strings.Split(word, "-")
			day, _ = strconv.Atoi(parts[0])
			month, year = monthOf(parts[1]), fullYear(parts[2])
		case month == 0:
			month = monthOf(word)
		}
	}
	if day < 1 || month == 0 || year < 1 || year > 9999 {
		return t, false
	}
	t = time.Date(year, month, day, 0, 0, clock, 0, time.FixedZone("", zone))
	if check := time.Date(year, month, day, 0, 0, 0, 0, time.UTC); check.Day() != day {
		return time.Time{}, false
	}
	return t, true
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// fullYear reads a year; one of two or three digits is meant as RFC 5322 section 4.3 says.
func fullYear(s string) int {
	year, err := strconv.Atoi(s)
	switch {
	case err != nil:
		return 0
	case len(s) <= 2 && year < 50:
		return year + 2000
	case len(s) <= 3:
		return year + 1900
	}
	return year
}

func monthOf(s string) time.Month {
	if len(s) < 3 {
		return 0
	}
	i := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(s[:3]))
	if i < 0 || i%3 != 0 {
		return 0
	}
	return time.Month(i/3 + 1)
}

// clockTime reads 21:52:25 or 21:52 as seconds of the day.
func clockTime(s string) int {
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return 0
	}
	seconds := 0
	for i, limit := range []int{24, 60, 61} {
		n := 0
		if i < len(parts) {
			var err error
			if n, err = strconv.Atoi(parts[i]); err != nil || n < 0 || n >= limit {
				return 0
			}
		}
		seconds = seconds*60 + n
	}
	return seconds
}

// offset reads +0100 as seconds.
func offset(s string) int {
	if len(s) != 5 || !isNumber(s[1:]) {
		return 0
	}
	n, _ := strconv.Atoi(s[1:])
	if n%100 >= 60 {
		return 0
	}
	seconds := (n/100*60 + n%100) * 60
	if s[0] == '-' {
		return -seconds
	}
	return seconds
}

// namedZone returns the offset of a zone of RFC 822 that has a name. Those of one letter
// say nothing, because RFC 822 had them backwards.
func namedZone(s string) int {
	const names = "EDTESTCDTCSTMDTMSTPDTPST" // from -4 hours, each two an hour apart
	i := strings.Index(names, strings.ToUpper(s))
	if len(s) != 3 || i < 0 || i%3 != 0 {
		return 0
	}
	return -(4 + (i/3+1)/2) * 3600
}
