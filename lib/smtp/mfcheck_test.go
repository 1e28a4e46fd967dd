package smtp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
)

func TestMFCheck(t *testing.T) {
	for _, c := range []struct {
		name    string
		control string
		env     call.Env
		sender  string
		reply   string
		log     string
	}{
		{"off", "", nil, "a@none", replyOK, ""},
		{"known", "1", nil, "a@b", replyOK, ""},
		{"unknown", "1", nil, "a@none", replyNoDomain, ""},
		{"no telling", "1", nil, "a@soft", replyDNS, ""},
		{"crash", "1", nil, "a@crash", replyDNS, ""},
		{"bounce", "1", nil, "", replyOK, ""},
		{"double bounce", "1", nil, "#@[]", replyOK, ""},
		{"no domain", "2", nil, "a", replyNoDomain, "qmail-smtpd: MFCHECK invalid [192.0.2.9] a\n"},
		{"told", "2", nil, "a@none", replyNoDomain, "qmail-smtpd: MFCHECK fail [192.0.2.9] none\n"},
		{"all told", "3", nil, "a@b", replyOK, "qmail-smtpd: MFCHECK pass [192.0.2.9] b\n"},
		{"MFCHECK", "1", call.Env{"MFCHECK=0"}, "a@none", replyOK, ""},
		{"MFDNSCHECK", "", call.Env{"MFDNSCHECK="}, "a@none", replyNoDomain, ""},
		{"relaying", "", call.Env{"MFDNSCHECK=", "RELAYCLIENT="}, "a@none", replyOK, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			home(t, map[string]string{"me": "me", "mfcheck": c.control})
			write(t, "bin/dnsmxip", "#!/bin/sh\ncase $1 in none) exit 100;; soft) exit 111;; crash) kill -9 $$;; esac\n")
			os.Chmod(filepath.Join(auto.Home, "bin/dnsmxip"), 0o755)
			output, log := talkAndLog(t, []string{"qmail-smtpd"}, append(c.env, "TCPREMOTEIP=192.0.2.9", "PATH=/usr/bin:/bin"), lines("MAIL FROM:<"+c.sender+">"))
			if !strings.HasSuffix(output, "ESMTP\r\n"+lines(c.reply)) || log != c.log {
				t.Errorf("got %q, log %q", output, log)
			}
		})
	}
}
