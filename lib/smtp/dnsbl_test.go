package smtp

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
)

func TestBlocklists(t *testing.T) {
	const refused = "rblsmtpd: 192.0.2.9 pid N: "
	badip := func(zone string) string { return "qmail-smtpd: 421 badiprbl: ip 192.0.2.9 rbl: " + zone + "\n" }
	one := lines("HELO x", "MAIL <a@b>", "RCPT <c@d>")
	for _, c := range []struct {
		name     string
		env      call.Env
		answer   string
		controls map[string]string
		input    string
		replies  []string // to RCPT
		log      string
	}{
		{"pass", nil, "pass  ", nil, one, []string{replyOK}, ""},
		{"delay", nil, "delay zone see zone", nil, lines("HELO x", "MAIL <a@b>", "RCPT <c@d>", "RCPT <e@f>"),
			[]string{"451 see zone", "451 see zone"}, refused + "451 see zone\n" + badip("zone")},
		{"reject", nil, "reject zone no", nil, one, []string{"553 no"}, refused + "553 no\n" + badip("zone")},
		{"after other checks", nil, "reject zone no", map[string]string{"rcpthosts": "d", "badrcptto": "^no@"},
			lines("HELO x", "MAIL <a@b>", "RCPT <c@e>", "RCPT <no@d>"), []string{replyNoGateway, replyBadRecipient}, "qmail-smtpd: badmailto: <no@d> at 192.0.2.9\n"},
		{"relaying", call.Env{"RELAYCLIENT="}, "reject zone no", nil, one, []string{replyOK}, ""},
		{"DNSBLSKIP", call.Env{"DNSBLSKIP="}, "reject zone no", nil, one, []string{replyOK}, ""},
		{"RBLSMTPD", call.Env{"RBLSMTPD=-go away"}, "pass  ", nil, one, []string{"553 go away"}, refused + "553 go away\n" + badip("RBLSMTPD")},
		{"empty RBLSMTPD", call.Env{"RBLSMTPD="}, "reject zone no", nil, one, []string{replyOK}, ""},
		{"no answer", nil, "", nil, one, []string{replyNoBlocklist}, "qmail-smtpd: fatal: no answer from qmail-dnsbl\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			home(t, map[string]string{"me": "me\n", "dnsbllist": "zone"})
			for name, data := range c.controls {
				write(t, "control/"+name, data)
			}
			write(t, "bin/qmail-dnsbl", "#!/bin/sh\necho $1 >>asked; echo '"+c.answer+"'\n")
			os.Chmod(filepath.Join(auto.Home, "bin/qmail-dnsbl"), 0o755)
			output, log := talkAndLog(t, []string{"qmail-smtpd"}, append(c.env, "TCPREMOTEIP=192.0.2.9", "PATH=/usr/bin:/bin"), c.input)
			replies := strings.Split(strings.TrimSuffix(output, "\r\n"), "\r\n")[3:]
			if got, want := strings.Join(replies, "\n"), strings.Join(c.replies, "\n"); got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
			if log = regexp.MustCompile(`pid \d+`).ReplaceAllString(log, "pid N"); log != c.log {
				t.Errorf("log %q\nwant %q", log, c.log)
			}
			asked, _ := os.ReadFile(filepath.Join(auto.Home, "asked"))
			if got := strings.Count(string(asked), "192.0.2.9\n"); got > 1 {
				t.Errorf("asked %d times", got)
			}
		})
	}
}

// Without a dnsbllist RBLSMTPD is for rblsmtpd, which may stand in front.
func TestNoBlocklists(t *testing.T) {
	home(t, map[string]string{"me": "me"})
	if output, _ := talk(t, call.Env{"RBLSMTPD=-no"}, lines("MAIL <a>", "RCPT <b>")); output != lines("220 me ESMTP", "250 ok", "250 ok") {
		t.Errorf("got %q", output)
	}
}

// A program in QMAILQUEUE may want to know.
func TestRBLRESULT(t *testing.T) {
	home(t, map[string]string{"me": "me", "dnsbllist": "=zone"})
	write(t, "bin/qmail-dnsbl", "#!/bin/sh\necho ignore zone text\n")
	write(t, "bin/qmail-queue", "#!/bin/sh\ncat >/dev/null; echo $RBLRESULT >result\n")
	for _, name := range []string{"bin/qmail-dnsbl", "bin/qmail-queue"} {
		os.Chmod(filepath.Join(auto.Home, name), 0o755)
	}
	for _, c := range []struct {
		env  call.Env
		want string
	}{{nil, "ignore\n"}, {call.Env{"RELAYCLIENT=", "RBLRESULT=accept"}, "\n"}} {
		talk(t, append(c.env, "PATH=/usr/bin:/bin"), lines("MAIL <a>", "RCPT <b>", "DATA", ".", "QUIT"))
		if got, _ := os.ReadFile(filepath.Join(auto.Home, "result")); string(got) != c.want {
			t.Errorf("%q: %q", c.env, got)
		}
	}
}
