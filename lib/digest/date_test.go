package digest

import (
	"testing"
	"time"
)

func TestSentDate(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"Mon, 7 Feb 1994 21:52:25 -0800", "1994-02-07T21:52:25-08:00"},
		{"Mon, 7 Feb 1994 21:52:25 -0800 (PST)", "1994-02-07T21:52:25-08:00"},
		{"07 (seven) feb 94 21:52 EST", "1994-02-07T21:52:00-05:00"},
		{"Mon,7 Feb 1994 21:52:25 EDT", "1994-02-07T21:52:25-04:00"},
		{"7 Feb 1994 21:52:25 PST", "1994-02-07T21:52:25-08:00"},
		{"7 Feb 1994 21:52:25 PDT", "1994-02-07T21:52:25-07:00"},
		{"7 Feb 1994 21:52:25 Z", "1994-02-07T21:52:25Z"},
		{"7 Feb 1994 21:52:25 CEST", "1994-02-07T21:52:25Z"},
		{"7 Feb 1994 21:52:25", "1994-02-07T21:52:25Z"},
		{"7 Feb 1994 25:00:00 +0100", "1994-02-07T00:00:00+01:00"},
		{"7 Feb 1994", "1994-02-07T00:00:00Z"},
		{"7 February 49 1:02", "2049-02-07T01:02:00Z"},
		{"7 Feb 104 01:02", "2004-02-07T01:02:00Z"},
		{"Mon Feb  7 21:52:25 1994", "1994-02-07T21:52:25Z"},
		{"7-Feb-1994 21:52:25 +0530", "1994-02-07T21:52:25+05:30"},
		{"30 Feb 1994 21:52:25 +0000", ""},
		{"Feb 1994", ""},
		{"32 Jan 1994 00:00:00 +0000", ""},
		{"7 Xyz 1994", ""},
		{"tomorrow", ""},
		{"", ""},
	} {
		got := ""
		if date, ok := SentDate(row.in); ok {
			got = date.Format(time.RFC3339)
		}
		if got != row.want {
			t.Errorf("%q: %q, want %q", row.in, got, row.want)
		}
	}
}

func FuzzSentDate(f *testing.F) {
	f.Add("Mon, 7 Feb 1994 21:52:25 -0800 (PST)")
	f.Add("7-Feb-94 1:2 EST")
	f.Add("7 Feb 94 1:2 \x01\x00")
	f.Fuzz(func(t *testing.T, s string) {
		if date, ok := SentDate(s); ok != (date != time.Time{}) {
			t.Errorf("%v, %v", date, ok)
		}
	})
}
