//go:build linux

package peers

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"goqmail/t/site"
)

// password gives a user of the site a password, for all checkers.
func (m *machine) password(user, password string) {
	m.t.Helper()
	m.write("/home/"+user+"/Maildir/.password", password, user)
	m.in(func() error { return os.Chmod("/home/"+user+"/Maildir/.password", 0o600) })
	a := users.Account(user)
	m.run("root", a.Home+"\n", "sh", "-c", `read home; echo "$1:$2:$3:$4::$home:/bin/sh" >>/tmp/passwd; chmod 600 /tmp/passwd`, "sh", user, password,
		strconv.Itoa(a.Uid), strconv.Itoa(a.Gid))
}

func TestFetchmailFetchesByPOP3(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, proto string
		checker     []string
		delivery    string // in .fetchmailrc
	}{
		{"checkpw, by sendmail", "pop3", []string{"checkpw checkpw", "checkpw"}, "mda \"/usr/sbin/sendmail -i -f %F -- %T\""},
		{"checkapoppw, by SMTP", "apop", []string{"checkapoppw checkpw", "checkapoppw"}, "smtphost 127.0.0.1 smtpaddress " + site.Me},
		{"cvm, by qmail-inject", "pop3", []string{"cvm-checkpassword cvm", "env", "CVM_PWFILE_PATH=/tmp/passwd", "CVM_ACCOUNT_SPLIT_CHARS=", "cvm-checkpassword", "/usr/bin/cvm-pwfile"},
			"mda \"/var/qmail/bin/qmail-inject -f%F -- %T\""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "fetchmail fetchmail", row.checker[0])
			m.password("olaf", "secret")
			m.control("rcpthosts", site.Me+"\n")
			m.start()
			m.smtpd(nil)
			m.serve("root", "127.0.0.1:110", nil, append(append([]string{"qmail-popup", site.Me}, row.checker[1:]...), "qmail-pop3d", "Maildir")...)
			fetch := func(password, options string) (string, error) {
				m.write("/home/susie/.fetchmailrc", "set no syslog\npoll 127.0.0.1 proto "+row.proto+" uidl\n\tuser olaf password "+password+" is susie here sslproto '' "+options+"\n\t"+row.delivery+"\n", "susie")
				m.in(func() error { return os.Chmod("/home/susie/.fetchmailrc", 0o600) })
				return m.try("susie", "", "sh", "-c", "fetchmail -v -N --nodetach 2>&1; echo exit $?")
			}
			out, _ := fetch("wrong", "")
			wants(t, "with a wrong password", out, "-ERR authorization failed", "exit 3\n")
			out, _ = fetch("secret", "")
			wants(t, "without mail", out, "+OK 0 0", "exit 1\n")

			m.run("pamela", "Subject: first\n\n"+awkward, "sendmail", "-f", "pamela@"+site.Me, "olaf@"+site.Me)
			m.send("pamela", "second", "olaf@"+site.Me)
			m.awaitMail("olaf", "Subject: first")
			m.awaitMail("olaf", "Subject: second")
			// A message is listed from the second after its arrival on.
			m.run("olaf", "", "sh", "-c", "touch -d '1 minute ago' Maildir/new/*")
			out, _ = fetch("secret", "keep")
			wants(t, "keeping", out, "exit 0\n")
			got := m.awaitMail("susie", "Subject: first")
			m.awaitMail("susie", "Subject: second")
			if !strings.HasSuffix(got, "\n\n"+awkward+"\n") { // qmail-pop3d adds an empty line
				t.Errorf("the body arrived as %q", got)
			}
			wants(t, "what it fetched", got, "Return-Path: <pamela@"+site.Me+">\nDelivered-To: susie@"+site.Me+"\n")
			out, _ = fetch("secret", "keep")
			wants(t, "again, as UIDL says", out, "2 messages (2 seen) for olaf at 127.0.0.1", "exit 1\n")
			out, _ = fetch("secret", "fetchall")
			wants(t, "taking them away", out, "exit 0\n")
			m.await("olaf's mail to be gone", func() bool {
				return m.run("olaf", "", "find", "Maildir/new", "Maildir/cur", "-type", "f") == ""
			})
			m.await("four messages", func() bool { return len(m.mail("/home/susie/Maildir")) == 4 })
			m.awaitEmpty()
		})
	}
}
