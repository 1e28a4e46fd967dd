package smtp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
)

func TestBadLists(t *testing.T) {
	mail := func(helo, sender string, recipients ...string) string {
		all := []string{"HELO " + helo, "MAIL FROM:<" + sender + ">"}
		for _, r := range recipients {
			all = append(all, "RCPT TO:<"+r+">")
		}
		return lines(all...)
	}
	at := func(what string) string { return "qmail-smtpd: " + what + " at 192.0.2.9\n" }
	for _, c := range []struct {
		name     string
		controls map[string]string
		env      call.Env
		input    string
		replies  []string // to RCPT
		log      string
	}{
		{"helo", map[string]string{"badhelo": "!\\.\n"}, nil, mail("localhost", "", "a@b", "c@d"), []string{replyBadHelo, replyBadHelo},
			at("badhelo: <localhost>") + at("badhelo: <localhost>")},
		{"good helo", map[string]string{"badhelo": "!\\.\n"}, nil, mail("a.b", "a@b", "a@b"), []string{replyOK}, ""},
		{"no helo", map[string]string{"badhelo": "!\\.\n"}, nil, lines("NOOP", "MAIL <a>", "RCPT <b>"), []string{replyOK}, ""},
		{"NOBADHELO", map[string]string{"badhelo": "x"}, call.Env{"NOBADHELO="}, mail("x", "a@b", "a@b"), []string{replyOK}, ""},
		{"relaying helo", map[string]string{"badhelonorelay": "x"}, call.Env{"RELAYCLIENT="}, mail("x", "a@b", "a@b"), []string{replyOK}, ""},
		{"helo norelay", map[string]string{"badhelonorelay": "x"}, nil, mail("X", "a@b", "a@b"), []string{replyBadHelo}, at("badhelo: <X>")},
		{"sender", map[string]string{"badmailfromnorelay": "@here\\.example$"}, nil, mail("x", "me@HERE.example", "a@b"), []string{replyBadSender},
			at("badmailfrom: <me@HERE.example>")},
		{"relaying sender", map[string]string{"badmailfromnorelay": "@here\\.example$"}, call.Env{"RELAYCLIENT="}, mail("x", "me@here.example", "a@b"),
			[]string{replyOK}, ""},
		{"bounce", map[string]string{"badmailfromnorelay": "!@", "badmailfrom": "!@", "extensions": "qregex"}, nil, mail("x", "", "a@b"), []string{replyOK}, ""},
		{"qregex", map[string]string{"badmailfrom": "bad\\.domain", "extensions": "qregex"}, call.Env{"LOGREGEX="}, mail("x", "me@a.bad.domain.com", "a@b"),
			[]string{replyBadSender}, "qmail-smtpd: badmailfrom: <me@a.bad.domain.com> at 192.0.2.9 matches pattern: bad\\.domain\n"},
		{"no qregex", map[string]string{"badmailfrom": "bad\\.domain"}, nil, mail("x", "me@a.bad.domain.com", "a@b"), []string{replyOK}, ""},
		{"DISABLE_BADMAILFROM", map[string]string{"badmailfrom": "a@b", "badmailfromnorelay": "a"}, call.Env{"DISABLE_BADMAILFROM="},
			mail("x", "a@b", "a@b"), []string{replyOK}, ""},
		{"recipient", map[string]string{"badrcptto": "joe@here\n@there\n"}, call.Env{"RELAYCLIENT="}, mail("x", "", "Joe@HERE", "x@there", "x@here"),
			[]string{replyBadRecipient, replyBadRecipient, replyOK}, at("badmailto: <Joe@HERE>") + at("badmailto: <x@there>")},
		{"old names", map[string]string{"badmailto": "joe", "badmailtonorelay": "ann"}, nil, mail("x", "", "joe@a", "ann@b"),
			[]string{replyBadRecipient, replyBadRecipient}, at("badmailto: <joe@a>") + at("badmailto: <ann@b>")},
		{"norelay", map[string]string{"badrcpttonorelay": "joe"}, call.Env{"RELAYCLIENT="}, mail("x", "", "joe@a"), []string{replyOK}, ""},
		{"limit", map[string]string{"badrcptto": "joe", "brtlimit": "2"}, nil, mail("x", "", "joe@a", "ann@b", "joe@b", "ann@b", "ann@b"),
			[]string{replyBadRecipient, replyOK, replyBadRecipient, replyTooManyBad},
			at("badmailto: <joe@a>") + at("badmailto: <joe@b>") + "qmail-smtpd: badrcptto: excessive rcptto violations hanging up on 192.0.2.9\n"},
		{"BRTLIMIT", map[string]string{"badrcptto": "joe", "brtlimit": "1"}, call.Env{"BRTLIMIT=0"}, mail("x", "", "joe@a", "ann@b"),
			[]string{replyBadRecipient, replyOK}, at("badmailto: <joe@a>")},
		{"client's words", map[string]string{"badhelo": "x"}, nil, mail("x\x1by\r", "", "a@b"), []string{replyBadHelo}, at("badhelo: <x?y?>")},
		{"helper", map[string]string{"badrcptto": "(a|b)"}, nil, mail("x", "", "yes@a", "no@b"), []string{replyBadRecipient, replyOK}, at("badmailto: <yes@a>")},
		{"bad line", map[string]string{"badrcptto": "(a|b)"}, nil, mail("x", "", "no@b", "error@a", "no@b"), []string{replyOK, replyNoList},
			"qmail-smtpd: fatal: (a: missing )\n"},
		{"no file", map[string]string{"badrcptto/": ""}, nil, mail("x", "", "a@b"), []string{replyNoList},
			"qmail-smtpd: fatal: unable to read control/badrcptto: is a directory\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			home(t, map[string]string{"me": "me\n"})
			for name, data := range c.controls {
				if dir, ok := strings.CutSuffix(name, "/"); ok {
					os.Mkdir(filepath.Join(auto.Home, "control", dir), 0o755)
				} else {
					write(t, "control/"+name, data)
				}
			}
			write(t, "bin/qmail-badlist", `#!/usr/bin/env bash
while read -d "" list && read -d "" text; do
	case $text in yes*) echo '+(a|b)';; no*) echo -;; *) echo '!(a: missing )';; esac
done
`)
			os.Chmod(filepath.Join(auto.Home, "bin/qmail-badlist"), 0o755)
			output, log := talkAndLog(t, []string{"qmail-smtpd"}, append(c.env, "TCPREMOTEIP=192.0.2.9", "PATH=/usr/bin:/bin"), c.input)
			replies := strings.Split(strings.TrimSuffix(output, "\r\n"), "\r\n")[3:]
			if got, want := strings.Join(replies, "\n"), strings.Join(c.replies, "\n"); got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
			if log != c.log {
				t.Errorf("log %q\nwant %q", log, c.log)
			}
		})
	}
}

// A client that logs in is one that may relay.
func TestNoRelayAfterLogin(t *testing.T) {
	checker := checking(t)
	write(t, "control/badhelonorelay", "x")
	write(t, "control/badmailfromnorelay", "a@b")
	output := talkAs(t, []string{"qmail-smtpd", checker}, call.Env{"SMTPAUTH=", "PATH=/usr/bin:/bin"},
		lines("HELO x", "AUTH PLAIN "+encode("\x00joe\x00pw"), "MAIL <a@b>", "RCPT <c@d>"))
	if want := lines("220 me ESMTP", "250 me", replyAuthOK, "250 ok", "250 ok"); output != want {
		t.Errorf("got %q", output)
	}
}
