package main

import (
	"strings"
	"testing"

	"goqmail/lib/spawn"
)

func TestReport(t *testing.T) {
	for _, row := range []struct{ output, want string }{
		{"rone\x00Ktwo\n\x00", "Konetwo\n"},
		{"rone\x00Ztwo\n\x00", "Zonetwo\n"},
		{"rone\x00Dtwo\n\x00", "Donetwo\n"},
		{"hone\x00Ktwo\n\x00", "Done"}, // refused for this recipient: what became of the message is of no interest
		{"hone\x00Ztwo\n\x00", "Done"},
		{"hone\x00Dtwo\n\x00", "Donetwo\n"},
		{"sone\x00Ktwo\n\x00", "Zone"},
		{"sone\x00Ztwo\n\x00", "Zonetwo\n"},
		{"sone\x00Dtwo\n\x00", "Zonetwo\n"},
		{"Kdone\n\x00", "Kdone\n"},
		{"Zlater\n\x00", "Zlater\n"},
		{"Dno\n\x00", "Dno\n"},
		{"hone\n\x00", "Done\n"},
		{"sone\n\x00", "Zone\n"},
		{"rone\x00htwo\x00Kthree\n\x00", "Kone"}, // one recipient at a time
		{"rone\x00Ktwo\x00Zthree\n\x00", "Konetwo"},
		{"rone\x00\x00Ktwo\x00", "Kone"},
		{"rone\x00Ktwo", "Donetwo"}, // cut short before it was certain
		{"rone", "D"},
		{"Kone", "D"},
		{"some text\n", "Z"},
		{"\x00", "D"},
		{"\x00\x00Kone\x00", "Kone"},
		{"\x00Kone\x00", "KKone"},
		{"r\x00K\x00", "K"},
		{spawn.NoLogin + "\x00rone\x00Ktwo\n\x00", "K" + spawn.NoLogin[1:] + "onetwo\n"},
		{spawn.NoLogin + "\x00Dno\n\x00", "D" + spawn.NoLogin[1:] + "no\n"}, // a notice is no success
		{spawn.NoLogin + "\x00", "Zqmail-remote produced no output.\n"},
		{"rone\x00Ktwo\n\x00left over", "Konetwo\n"},
	} {
		if got := report(spawn.Ended{Output: []byte(row.output)}); got != row.want {
			t.Errorf("%q: %q, want %q", row.output, got, row.want)
		}
	}
}

func TestReportEnd(t *testing.T) {
	said := []byte("rone\x00Ktwo\n\x00")
	for _, row := range []struct {
		ended spawn.Ended
		want  string
	}{
		{spawn.Ended{Output: said, Crashed: true, Code: -1}, "Zqmail-remote crashed.\n"},
		{spawn.Ended{Output: said, Code: 111}, "ZUnable to run qmail-remote.\n"},
		{spawn.Ended{Output: said, Code: 100}, "DUnable to run qmail-remote.\n"},
		{spawn.Ended{Output: said, Code: 1}, "DUnable to run qmail-remote.\n"},
		{spawn.Ended{}, "Zqmail-remote produced no output.\n"},
	} {
		if got := report(row.ended); got != row.want {
			t.Errorf("%+v: %q, want %q", row.ended, got, row.want)
		}
	}
}

// FuzzReport asserts that a report has a status, and that K is never said
// without a text of qmail-remote's that ends and starts with K.
func FuzzReport(f *testing.F) {
	f.Add("rone\x00Ktwo\n\x00")
	f.Add("hone\x00Ztwo\n\x00")
	f.Fuzz(func(t *testing.T, output string) {
		got := report(spawn.Ended{Output: []byte(output)})
		if got == "" || strings.IndexByte("KZD", got[0]) < 0 || strings.IndexByte(got, 0) >= 0 {
			t.Errorf("%q: %q", output, got)
		}
		if got[0] != 'K' {
			return
		}
		for _, text := range strings.SplitAfter(output, "\x00") {
			if strings.HasPrefix(text, "K") && strings.HasSuffix(text, "\x00") {
				return
			}
		}
		t.Errorf("%q: %q", output, got)
	})
}
