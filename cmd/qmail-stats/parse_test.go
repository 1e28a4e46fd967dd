package main

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestParse(t *testing.T) {
	for text, want := range map[string]line{
		"new msg 457": {kind: newMessage, message: 457},
		"info msg 457: bytes 312 from <> qp 8 uid 0": {kind: info, message: 457, bytes: 312},
		"bounce msg 457 qp 9":                        {kind: bounce, message: 457},
		"double bounce: discarding bounce/457":       {kind: discarded, message: 457, text: "double"},
		"triple bounce: discarding bounce/457":       {kind: discarded, message: 457, text: "triple"},
		"end msg 457":                                {kind: end, message: 457},
		"starting delivery 3: msg 457 to local a@b":  {kind: start, delivery: 3, message: 457},
		"starting delivery 3: msg 457 to remote a@b": {kind: start, delivery: 3, message: 457, remote: true},
		"delivery 3: success: did_0+0+1/":            {kind: success, delivery: 3, text: "did_0+0+1/"},
		"delivery 3: deferral: ":                     {kind: deferral, delivery: 3},
		"delivery 3: failure: x/":                    {kind: failure, delivery: 3, text: "x/"},
		"delivery 3: report mangled, will defer":     {kind: deferral, delivery: 3, text: "report mangled, will defer"},
		"status: local 1/10 remote 2/20 exitasap":    {kind: status, running: [2]uint64{1, 2}, limit: [2]uint64{10, 20}},
		"status: exiting":                            {kind: exiting},
		"alert: cannot start: x":                     {kind: alert, text: "cannot start: x"},
		"warning: unable to stat mess/1/1":           {kind: warning},
		"qmail-smtpd[7]: CHKUSER rejected rcpt: from <a:> remote <:h:1.2.3.4> rcpt <b> : 550": {source: smtpd, kind: event, text: "rejected_rcpt"},
		"qmail-scan: pid 8 virus Eicar_Test refused: bytes 68 from <a@b> ip 1.2.3.4 id <x>":   {source: scan, kind: event, text: "virus_refused"},
		"qmail-scan: pid 8 unscanned deferred: bytes 68":                                      {source: scan, kind: event, text: "unscanned_deferred"},
		"qmail-scan: pid 8 clean: bytes 68":                                                   {source: scan, kind: event, text: "clean"},
		"qmail-scan: pid 8 warning: clamd does not answer":                                    {source: scan, kind: event, text: "warning"},
		"qmail-smtpd[7]: New session":                                                         {source: smtpd},
	} {
		if want.source == "" {
			want.source = send
		}
		want.at = noon
		got, ok := parse(text, noon)
		if want.sum = got.sum; !ok || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, ok, want)
		}
	}
}

func TestStrange(t *testing.T) {
	for _, text := range []string{
		"", "x", "new msg ", "new msg 1 2", "new msg x", "new msg 99999999999999999999", "end msg", "delivery 3: x", "delivery: success: ",
		"starting delivery 1: msg 2 to nowhere a", "status: local 1/ remote 2/20", "@4000000000000000000000000 new msg 1",
		"tcpserver: status: 1/40", "qmail-smtpd[]: CHKUSER x", "1763829035.123456+rest of a long line",
	} {
		if got, ok := parse(text, noon); ok {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

// Loggers put the time in front in ways of their own.
func TestStamps(t *testing.T) {
	precise := time.Unix(1763829035, 123456000)
	for text, want := range map[string]time.Time{
		"@400000006921e535075bca00 new msg 1":                                        precise,
		"1763829035.123456 new msg 1":                                                precise,
		"@400000006921e53b00000000 1763829035.123456 new msg 1":                      precise,
		"2025-11-22_16:30:35.123456 new msg 1":                                       precise,
		"Nov 22 16:30:35 mail qmail: 1763829035.123456 new msg 1":                    precise,
		"Nov 22 16:30:35 mail qmail[12]: new msg 1":                                  precise.Truncate(time.Second),
		"Jan  2 12:00:01 mail qmail: new msg 1":                                      noon.Add(time.Second),
		"2025-11-22T17:30:35.123456+01:00 mail qmail: new msg 1":                     precise,
		"Nov 22 16:30:35 mail qmail-smtpd[12]: qmail-smtpd[12]: New session":         precise.Truncate(time.Second),
		"Nov 22 16:30:35 mail smtpd: 1763829035.123456 qmail-smtpd[12]: New session": precise,
		"2025-11-22 16:30:35.123456 new msg 1":                                       precise,
		"2025-11-22T17:30:35.123456+0100 mail qmail[7]: new msg 1":                   precise,
		"new msg 1": noon,
	} {
		if got, ok := parse(text, noon); !ok || !got.at.Equal(want) {
			t.Errorf("%q: got %v %v, want %v", text, got.at.UTC(), ok, want.UTC())
		}
	}
}

func TestReason(t *testing.T) {
	for report, want := range map[string]string{
		"Sorry,_no_mailbox_here_by_that_name._(#5.1.1)/":                                                           "5.1.1",
		"1.2.3.4_does_not_like_recipient./Remote_host_said:_550_5.7.26_no_SPF/Giving_up_on_1.2.3.4./":              "5.7.26",
		"1.2.3.4_does_not_like_recipient./Remote_host_said:_550-5.1.1_<a@b>/550_5.1.1_gone/Giving_up_on_1.2.3.4./": "5.1.1",
		"Connected_to_1.2.3.4_but_sender_was_rejected./Remote_host_said:_421_busy_(#4.9.9)/":                       "SMTP 421",
		"Unable_to_open_mbox:_file_does_not_exist._(#4.3.0)/":                                                      "4.3.0",
		"a_(#4.3.0)_and_then_(#not.a.code)/":                                                                       "a * and then *",
		"user_joe@b.example_over_quota_by_1234_bytes/":                                                             "user * over quota by * bytes",
		"":                       "no reason",
		strings.Repeat("x_", 99): strings.Repeat("x ", 30),
	} {
		if got := reason(report); got != want {
			t.Errorf("%q: got %q, want %q", report, got, want)
		}
	}
}

// Whatever a line says, what is kept of it is printable and bounded.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"@400000006921e535075bca00 delivery 3: failure: Remote_host_said:_550_5.1.1_x/",
		"Nov 22 16:30:35 mail qmail: 1763829035.123456 starting delivery 1: msg 2 to remote a@b",
		"2025-11-22T17:30:35.123456+01:00 mail smtpd: qmail-smtpd[1]: CHKUSER rejected rcpt: from <a>",
		"qmail-scan: pid 1 virus Eicar refused: bytes 1", "2025-11-22_16:30:35.12345 status: local 0/10 remote 0/20",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, ok := parse(text, noon)
		if !ok {
			return
		}
		if l.kind == event && !words(l.text) {
			t.Errorf("%q: event %q", text, l.text)
		}
		c := newCounters()
		c.count(l, noon)
		for key := range c.Reasons {
			_, _, why := splitReason(key)
			if len(why) > maxReason || strings.ContainsFunc(why, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q: reason %q", text, why)
			}
		}
		c.save() // and all of it can be told
		c.metrics(queueSize{})
	})
}
