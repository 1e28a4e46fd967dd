package main

import (
	"strconv"
	"strings"
	"time"
)

// stamp takes off what loggers put in front of a line, and says when it was written:
// the time that is nearest to the text, because it is the most exact. now is what
// holds without any, and what tells years that syslog leaves out.
//
//	@400000006921e5d31b6b7f54 TEXT                               multilog, svlogd -t
//	2026-11-22_16:30:35.12345 TEXT                               svlogd -tt and -ttt
//	2026-11-22 16:30:35.123456789 TEXT                           tai64nlocal
//	1763829035.123456 TEXT                                       splogger
//	Nov 22 16:30:35 HOST TAG[PID]: [1763829035.123456 ]TEXT      syslog
//	2026-11-22T16:30:35.123456+01:00 HOST TAG: [1763... ]TEXT    syslog, too
func stamp(text string, now time.Time) (string, time.Time) {
	at := now
	if after, t, ok := tai(text); ok {
		text, at = after, t
	} else if after, t, ok := dated(text, now); ok {
		text, at = after, t
	}
	if after, t, ok := seconds(text); ok {
		text, at = after, t
	}
	// What is no time of a log, but of a wrong clock, has no place in the state file.
	if year := at.UTC().Year(); year < 1970 || year > 9998 {
		at = now
	}
	return text, at.UTC()
}

// tai reads a TAI64N label and a blank.
func tai(text string) (string, time.Time, bool) {
	if len(text) < 26 || text[0] != '@' || text[25] != ' ' {
		return text, time.Time{}, false
	}
	s, err := strconv.ParseUint(text[1:17], 16, 64)
	ns, err2 := strconv.ParseUint(text[17:25], 16, 32)
	if err != nil || err2 != nil || s < 1<<62+10 || s > 1<<62+1<<37 || ns >= 1e9 {
		return text, time.Time{}, false
	}
	// Those who write these labels count ten seconds between TAI and UTC.
	return text[26:], time.Unix(int64(s-(1<<62+10)), int64(ns)), true
}

// dated reads a date, which in syslog a host and the name of a program follow.
func dated(text string, now time.Time) (string, time.Time, bool) {
	first, after, _ := strings.Cut(text, " ")
	if t, err := time.Parse("2006-01-02_15:04:05", first); err == nil {
		return after, t, true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, first); err == nil {
			after, ok := tagged(after)
			return after, t, ok
		}
	}
	if clock, after, _ := strings.Cut(after, " "); len(first) == len(time.DateOnly) {
		if t, err := time.ParseInLocation(time.DateTime, first+" "+clock, now.Location()); err == nil {
			return after, t, true
		}
	}
	if len(text) < len(time.Stamp)+1 || text[len(time.Stamp)] != ' ' {
		return text, now, false
	}
	t, err := time.ParseInLocation("2006 "+time.Stamp, strconv.Itoa(now.Year())+" "+text[:len(time.Stamp)], now.Location())
	if err != nil {
		return text, now, false
	}
	if t.After(now.Add(24 * time.Hour)) { // it was last year
		t = t.AddDate(-1, 0, 0)
	}
	after, ok := tagged(text[len(time.Stamp)+1:])
	return after, t, ok
}

// tagged passes over a host and a program's name. Where the program is qmail-smtpd or
// qmail-scan that wrote to syslog by itself, its name belongs to the text.
func tagged(text string) (string, bool) {
	_, after, _ := strings.Cut(text, " ")
	tag, text, ok := strings.Cut(after, ": ")
	if strings.HasPrefix(tag, "qmail-smtpd[") || strings.HasPrefix(tag, "qmail-scan") {
		return after, ok
	}
	return text, ok && !strings.Contains(tag, " ")
}

// seconds reads digits, a dot, six digits and a blank.
func seconds(text string) (string, time.Time, bool) {
	r := rest(text)
	var s, us uint64
	if !r.number(&s) || !r.skip(".") || len(r) < 7 || r[6] != ' ' || !r.number(&us) || !r.skip(" ") || s > 1<<37 {
		return text, time.Time{}, false
	}
	return string(r), time.Unix(int64(s), int64(us)*1000), true
}
