//go:build linux

package replay

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// The run of the rows below: 22 Nov 2025 08:00:00 UTC, three seconds long.
const begun = 1763798400

func TestRulesReplaceWhatVariesAndNothingElse(t *testing.T) {
	for _, row := range []struct{ rule, in, want string }{
		{"date822", "Date: 22 Nov 2025 08:00:03 -0000\n", "Date: <DATE822> -0000\n"},
		{"date822", "22 Nov 2025 10:00:03 +0200", "<DATE822> +0200"},
		{"date822", "22 Nov 2025 08:00:03 +0200", "22 Nov 2025 08:00:03 +0200"},
		{"date822", "x22 Nov 2025 08:00:03 -0000", "x22 Nov 2025 08:00:03 -0000"},
		{"date822", "21 Nov 2025 08:00:03 -0000", "21 Nov 2025 08:00:03 -0000"},
		{"ctime", "From a@b Sat Nov 22 08:00:01 2025\n", "From a@b <CTIME>\n"},
		{"ctime", "From a@b Sat Nov 22 08:00:11 2025\n", "From a@b Sat Nov 22 08:00:11 2025\n"},
		{"stamp14", "<20251122080001.77.qmail@h>", "<<STAMP>.<PID>.qmail@h>"},
		{"stamp14", "<20251199080001.77.qmail@h>", "<20251199080001.77.qmail@h>"},
		{"epoch", "1763798400", "<EPOCH>"},
		{"epoch", "1763798400.12.h", "<EPOCH>.<PID>.h"},
		{"epoch", "1763798400.12.1h", "<EPOCH>.<PID>.1h"},
		{"epoch", "1763798400.h 1763798401", "<EPOCH>.h <EPOCH>"},
		{"epoch", "17637984001", "17637984001"},
		{"epoch", "01763798400", "01763798400"},
		{"epoch", "1763798409", "1763798409"},
		{"tai64n", "@40000000692170c00abcdef1 x", "@40000000692170c00abcdef1 x"},
		{"tai64n", fmt.Sprintf("@%016x0abcdef1 x", uint64(1)<<62+10+begun), "@<TAI64N> x"},
		{"qp", "qp 12 uid 3", "qp <PID> uid 3"},
		{"qp", "xqp 12", "xqp 12"},
		{"qp", "19:Kok <EPOCH> qp 7,21:Kok <EPOCH> qp 123,", "19:Kok <EPOCH> qp <PID>,19:Kok <EPOCH> qp <PID>,"},
		{"qp", "19:Kok <EPOCH> qp 12,", "18:Kok <EPOCH> qp <PID>,"},
		{"pid", "(qmail 12 invoked by uid 3)", "(qmail <PID> invoked by uid 3)"},
		{"pid", "u5\x00p77\x00Fa\x00", "u5\x00p<PID>\x00Fa\x00"},
		{"pid", "/queue/pid/12.<EPOCH>.1", "/queue/pid/<PID>.<EPOCH>.1"},
		{"msgnum", "new msg 24\n", "new msg <N1>\n"},
		{"msgnum", "new msg 25\n", "new msg <N?>\n"},
		{"msgnum", "mess/1/24", "mess/<S>/<N1>"},
		{"msgnum", "mess/2/24", "mess/2/<N1>"},
		{"msgnum", "\x0024/24\x001/24\x00", "\x0024/24\x00<S>/<N1>\x00"},
		{"msgnum", "#24 #25 #24x", "#<N1> #25 #24x"},
		{"msgnum", "foop/24 todo/1/24 todo/2/24", "foop/<N1> todo/<S>/<N1> todo/<N?>/24"},
		{"msgnum", "\xe9msg 24 msg 024", "\xe9msg 24 msg <N1>"},
		{"cram", "220 h\r\n334 PDEuMkBoPg==\r\n334 PDMuNEBoPg==\n334 PDEuMkBoPg==", "220 h\r\n334 <CHALLENGE1@h>\r\n334 <CHALLENGE2@h>\n334 PDEuMkBoPg=="},
		{"cram", "334 VXNlcm5hbWU6\r\n", "334 VXNlcm5hbWU6\r\n"},
		{"tls", "ZTLS connect failed: error:0A: bad; connecting to 1.2.3.4.\n", "ZTLS connect failed: <TLSERROR>; connecting to 1.2.3.4.\n"},
		{"tls", "454 TLS missing certificate: x (#4.3.0)\r\n", "454 TLS missing certificate: <TLSERROR> (#4.3.0)\r\n"},
		{"tls", "no valid cert for gatewaying: email address x (#5.7.1)", "no valid cert for gatewaying: email address x (#5.7.1)"},
		{"tls", "Zerror:0A: x Connected to 1.2.3.4\n", "ZConnected to 1.2.3.4\n"},
		{"tls", "by h with (TLS_AES_128_GCM_SHA256 encrypted) SMTP", "by h with (<TLS13SUITE> encrypted) SMTP"},
		{"tls", "220\r\n\x15\x03\x03\x00\x02\x02\x28", "220\r\n"},
		{"dkim", "DKIM-Signature: v=1;\n b=ab+/\n cd=\nFrom: b=x\n", "DKIM-Signature: v=1;\n b=<SIG>\nFrom: b=x\n"},
		{"smtpdpid", "qmail-smtpd[12]: a", "qmail-smtpd[<PID>]: a"},
	} {
		n := &normal{start: begun, end: begun + 3, labels: map[string]string{"24": "<N1>"}}
		got, err := n.rule(row.rule, row.in)
		if err != nil || got != row.want {
			t.Errorf("%s: %q gave %q, %v; want %q", row.rule, row.in, got, err, row.want)
		}
	}
}

func TestAChallengeIsKnownWhereverItIsSeenLater(t *testing.T) {
	got, err := normalise(map[string]any{"out": map[string]any{"1": "334 PDEuMkBoPg==\r\n"}, "stubs": []any{"u\x00<1.2@h>\x00"}}, []string{"cram"}, begun, begun, nil)
	want := map[string]any{"out": map[string]any{"1": "334 <CHALLENGE1@h>\r\n"}, "stubs": []any{"u\x00<CHALLENGE1@h>\x00"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestFoundMessagesAreNumberedAfterDeclaredOnes(t *testing.T) {
	file := func(path string) any { return map[string]any{"path": path, "type": "f"} }
	got := label(map[string]any{"tree": []any{
		file("/var/qmail/queue/mess/7/30"), file("/var/qmail/queue/todo/9"), file("/var/qmail/queue/info/1/24"),
		map[string]any{"path": "/var/qmail/queue/mess/5", "type": "d"},
	}}, []uint64{24, 24})
	want := map[string]string{"24": "<N1>", "9": "<N2>", "30": "<N3>"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSyslogTimesAreReplacedAndEqualOnesStayEqual(t *testing.T) {
	n := &normal{start: begun, end: begun + 3}
	records := []any{
		"<22>Nov 22 08:00:01 qmail: 1763798401.000001 a",
		"<22>Nov 22 08:00:01 qmail: 1763798401.000002 b",
		"<22>Nov 22 08:00:01 qmail: 1763798401.000001 c",
		"<22>Nov 22 09:30:01 qmail: 1763798499.000001 d",
	}
	n.syslog(records)
	want := []any{
		"<22><SYSTIME> qmail: <STAMP1> a",
		"<22><SYSTIME> qmail: <STAMP2> b",
		"<22><SYSTIME> qmail: <STAMP1> c",
		"<22>Nov 22 09:30:01 qmail: 1763798499.000001 d",
	}
	if !reflect.DeepEqual(records, want) {
		t.Errorf("got  %q\nwant %q", records, want)
	}
}

func TestDiffNamesThePlace(t *testing.T) {
	want := map[string]any{
		"status": map[string]any{"exit": 0.0},
		"tree":   []any{map[string]any{"path": "/a", "data": "x"}},
		"out":    map[string]any{"1": strings.Repeat("y", 100) + "1"},
	}
	got := map[string]any{
		"status": map[string]any{"exit": 1.0},
		"tree":   []any{map[string]any{"path": "/b", "data": "x"}},
		"out":    map[string]any{"1": strings.Repeat("y", 100) + "2"},
	}
	diff := Diff(want, got)
	for _, part := range []string{"status.exit\n\twant 0\n\tgot  1\n", "tree[/a].data", "tree[/b].data", "out.1\n\twant ...yyyyy"} {
		if !strings.Contains(diff, part) {
			t.Errorf("the difference does not have %q:\n%s", part, diff)
		}
	}
	if d := Diff(want, want); d != "" {
		t.Errorf("something differs from itself: %s", d)
	}
}
