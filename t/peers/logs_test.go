//go:build linux

package peers

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"goqmail/t/site"
)

// What qmail-send did, in multilog's hands, is told alike by all who read it:
// one message to two, a deferral, what other hosts said, and two bounces.
func TestReadersOfQmailSendsLog(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "multilog daemontools", "smtp-sink postfix", "logwatch logwatch", "isoqlog isoqlog", "gcc gcc",
		maillogconvert+" awstats", qmailqstat+" munin-plugins-core", checkMailq+" monitoring-plugins-standard")
	m.control("smtproutes", "takes.example:[127.0.0.2]\nrefuses.example:[127.0.0.3]\nlater.example:[127.0.0.4]\n")
	m.background("sink2", nil, "smtp-sink", "-u", "nobody", "127.0.0.2:25", "9")
	m.background("sink3", nil, "smtp-sink", "-u", "nobody", "-B", "550 no such user", "-f", "RCPT", "127.0.0.3:25", "9")
	m.background("sink4", nil, "smtp-sink", "-u", "nobody", "-b", "452 full", "-r", "RCPT", "127.0.0.4:25", "9")
	for _, sink := range []string{"127.0.0.2:25", "127.0.0.3:25", "127.0.0.4:25"} {
		m.awaitPort(sink)
	}
	m.write("/home/dirk/.qmail", "|echo not today; exit 111\n", "dirk")
	m.in(func() error { return os.Mkdir("/var/log/qmail", 0o755) })
	m.run("root", "", "chown", "qmaill", "/var/log/qmail")
	m.background("rc", nil, "qmail-start", "./Maildir/", "multilog", "t", "s1000000", "/var/log/qmail")

	m.send("john", "to two", "susie@"+site.Me, "susie@takes.example")
	m.send("john", "to nobody", "nobody-of-that-name@"+site.Me, "x@refuses.example")
	m.awaitMail("john", "Hi. This is the qmail-send program")
	m.send("olaf", "later", "dirk@"+site.Me, "x@later.example")
	const log = "qmail/current"
	for _, text := range []string{": deferral: not_today/", ": deferral: 127.0.0.4_does_not_like_recipient./Remote_host_said:_452_full/"} {
		m.awaitLog(log, text)
	}
	m.await("all but one to be gone", func() bool {
		return strings.Count(m.read("/var/log/"+log), " end msg ") == 3 && strings.HasPrefix(m.run("root", "", "qmail-qstat"), "messages in queue: 1\n")
	})
	m.Signal(t, "qmail-send", syscall.SIGKILL) // it would try that one again in two minutes

	t.Run("tai64nlocal", func(t *testing.T) {
		local := m.run("root", "", "sh", "-c", "tai64nlocal </var/log/qmail/current")
		if strings.Contains(local, "@4") || !strings.HasPrefix(local, "20") || strings.Count(local, " end msg ") != 3 {
			t.Errorf("%s", local)
		}
	})
	t.Run("logwatch", func(t *testing.T) {
		out := m.logwatch("qmail-send")
		wants(t, "qmail-send", out,
			"\tjohn@"+site.Me+" - 2 Time(s)\n", "\tolaf@"+site.Me+" - 1 Time(s)\n", "\t - 1 Time(s)\n", // the last is the bounce
			"\tsusie@takes.example - 1 Time(s)\n", "\tx@refuses.example - 1 Time(s)\n", "\tx@later.example - 1 Time(s)\n",
			"\tsusie@"+site.Me+" - 1 Time(s)\n", "\tdirk@"+site.Me+" - 1 Time(s)\n", "\tjohn@"+site.Me+" - 1 Time(s)\n",
			"\tDeferral(452) - 1 Time(s)", "\tFailure(550) - 1 Time(s)", "\tSuccess(250) - 1 Time(s)")
		lacks(t, "qmail-send", out, "Unmatched", "Warnings")
	})
	m.syslog("sed 's/^@[^ ]* //' /var/log/qmail/current | splogger qmail")
	t.Run("logwatch by syslog", func(t *testing.T) {
		out := m.logwatch("qmail")
		wants(t, "qmail", out,
			"\tjohn@"+site.Me+" - 2 Time(s)\n", "\tx@later.example - 1 Time(s)\n",
			"Deferral(452) - 1 Time(s)", "Deferral(443) - 1 Time(s)", "Failure(550) - 1 Time(s)", "Failure(511) - 1 Time(s)", "Success(250) - 1 Time(s)")
		lacks(t, "qmail", out, "Unmatched")
	})
	t.Run("isoqlog", func(t *testing.T) {
		low, err := os.ReadFile("testdata/low.c")
		if err != nil {
			t.Fatal(err)
		}
		m.write("/tmp/low.c", string(low), "root")
		m.run("root", "", "gcc", "-O", "-shared", "-fPIC", "-fno-builtin", "-o", "/tmp/low.so", "/tmp/low.c")
		m.write("/etc/isoqlog.domains", site.Me+"\ntakes.example\n", "root")
		m.write("/etc/isoqlog.conf", `logtype = "qmail-multilog"
logstore = "/var/log/qmail"
domainsfile = "/etc/isoqlog.domains"
outputdir = "/tmp/isoqlog"
htmldir = "/usr/share/isoqlog/htmltemp"
langfile = "/usr/share/isoqlog/lang/english"
hostname = "`+site.Me+`"
maxsender = 100
maxreceiver = 100
maxtotal = 100
maxbyte = 100
`, "root")
		m.run("root", "", "mkdir", "/tmp/isoqlog")
		m.run("root", "", "env", "LD_PRELOAD=/tmp/low.so", "isoqlog", "-f", "/etc/isoqlog.conf")
		page := m.run("root", "", "sh", "-c", "cat /tmp/isoqlog/general/20*/*/*.html")
		page = strings.Join(strings.Fields(regexp.MustCompile("<[^>]*>").ReplaceAllString(page, " ")), " ")
		wants(t, "isoqlog", page,
			" Total 4 7 11 ", // sent, received
			" john@"+site.Me+" 2 ", " olaf@"+site.Me+" 1 ", " x@refuses.example 1 ", " x@later.example 1 ", " dirk@"+site.Me+" 1 ",
			" Top 100 Receiver Domain &nbsp; Mail Number 1 "+site.Me+" 4 2 takes.example 1 ")
	})
	t.Run("awstats", func(t *testing.T) {
		for what, command := range map[string]string{
			"multilog": "tai64nlocal </var/log/qmail/current",
			"syslog":   "cat /var/log/mail.log",
		} {
			out := m.run("root", "", "sh", "-c", command+" | "+maillogconvert+" standard")
			wants(t, what, out, // by local or remote delivery alike; 1 is success
				" john@"+site.Me+" susie@"+site.Me+" "+site.Me+" localhost SMTP - 1 ",
				" john@"+site.Me+" nobody-of-that-name@"+site.Me+" "+site.Me+" localhost SMTP - 999 ",
				" john@"+site.Me+" susie@takes.example "+site.Me+" localhost SMTP - 1 ",
				" john@"+site.Me+" x@refuses.example "+site.Me+" localhost SMTP - 999 ",
				" <> john@"+site.Me+" localhost localhost SMTP - 1 ",
				" olaf@"+site.Me+" x@later.example "+site.Me+" localhost SMTP - 999 ",
				" olaf@"+site.Me+" dirk@"+site.Me+" "+site.Me+" localhost SMTP - 999 ")
			if got := strings.Count(out, "\n"); got != 7 {
				t.Errorf("%s: %d deliveries, want 7", what, got)
			}
		}
	})
	t.Run("munin", func(t *testing.T) {
		if got, want := m.run("root", "", qmailqstat), "total.value 1\nnotpreprocessed.value 0\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := m.run("root", "", qmailqstat, "autoconf"); got != "yes\n" {
			t.Errorf("autoconf: %q", got)
		}
	})
	t.Run("check_mailq", func(t *testing.T) {
		// Where the package leaves a place to name the program.
		m.run("root", "", "sh", "-c", "cp "+filepath.Dir(checkMailq)+"/* /tmp && sed -i '/PATH_TO_QMAIL_QSTAT/s,\"\",\""+home+"/bin/qmail-qstat\",' /tmp/utils.pm")
		out := m.run("root", "", "/tmp/check_mailq", "-M", "qmail", "-w", "2", "-c", "3")
		wants(t, "check_mailq", out, "OK: qmail mailq (1) is below threshold (2/3)")
		out, _ = m.try("root", "", "/tmp/check_mailq", "-M", "qmail", "-w", "1", "-c", "3")
		wants(t, "check_mailq", out, "WARNING: qmail mailq is 1 (threshold w = 1)")
	})
}

// What clients of qmail-smtpd did, in the hands of multilog or splogger, is
// counted by logwatch and held against the right ones by fail2ban.
func TestReadersOfQmailSMTPDsLog(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "multilog daemontools", "logwatch logwatch", "fail2ban-regex fail2ban")
	m.control("extensions", "smtpd-log\nsmtp-auth\n")
	m.control("dnsbllist", "# none but RBLSMTPD\n")
	m.control("badmailfromnorelay", "@forged\\.example$\n")
	m.control("badrcptto", "^secret@\n")
	m.write("/tmp/check", "#!/bin/sh\ncase $RECIPIENT in nobody*) exit 100; esac\n", "root")
	m.write("/tmp/rules", "127.0.0.15:allow,RELAYCLIENT=\"\"\n127.0.0.18:allow,RBLSMTPD=\"listed\"\n:allow,RCPTCHECK=\"/tmp/check\"\n", "root")
	m.run("root", "", "sh", "-c", "chmod 755 /tmp/check && tcprules /tmp/rules.cdb /tmp/rules.tmp </tmp/rules && mkdir -p /var/log/qmail/smtpd && chown qmaill /var/log/qmail/smtpd")
	m.background("rc", []string{"SMTPAUTH="}, "sh", "-c", "qmail-listen -v -R -H -l "+site.Me+" -x /tmp/rules.cdb 0 25 setuidgid qmaild qmail-smtpd false 2>&1 |"+
		" setuidgid qmaill multilog t s1000000 /var/log/qmail/smtpd")
	m.awaitPort("127.0.0.1:25")
	const forged = "> remote <h:h:127.0.0.99> rcpt <x> : 553 "
	for i, lines := range [][]string{
		{"EHLO good.example", "MAIL FROM:<a@good.example>", "RCPT TO:<john@" + site.Me + ">", "RCPT TO:<susie@" + site.Me + ">", "DATA", "Subject: x", "."},
		{"HELO relay.example", "MAIL FROM:<a@relay.example>", "RCPT TO:<x@elsewhere.example>", "RCPT TO:<y@elsewhere.example>"},
		{"HELO guess.example", "MAIL FROM:<a@guess.example>", "RCPT TO:<nobody@" + site.Me + ">", "RCPT TO:<john@" + site.Me + ">"},
		{"EHLO login.example", "AUTH PLAIN AGpvaG4AZ3Vlc3M="},
		{"HELO ours.example", "MAIL FROM:<a@ours.example>", "RCPT TO:<x@elsewhere.example>"},
		{"HELO bounce.example", "MAIL FROM:<>", "RCPT TO:<john@" + site.Me + ">"},
		{"HELO h:h:127.0.0.99> rcpt <x> : 553 ", `MAIL FROM:<"` + forged + `"@h>`, `RCPT TO:<"` + forged + "\n" + `"@` + site.Me + ">",
			"RCPT TO:<john@" + site.Me + "> remote <h:h:127.0.0.99> rcpt <x> : 553 "},
		{"HELO spam.example", "MAIL FROM:<a@spam.example>", "RCPT TO:<john@" + site.Me + ">"},
		{"HELO bad.example", "MAIL FROM:<x@forged.example>", "RCPT TO:<john@" + site.Me + ">", "MAIL FROM:<a@bad.example>", "RCPT TO:<secret@" + site.Me + ">"},
	} {
		m.dialogue("127.0.0."+strconv.Itoa(11+i), append(lines, "QUIT")...)
	}
	const log = "qmail/smtpd/current"
	m.await("the ends of all sessions", func() bool {
		return strings.Count(m.read("/var/log/"+log), ": ends: Remote end QUIT\n") == 9
	})
	m.syslog("sed 's/^@[^ ]* //' /var/log/qmail/smtpd/current | splogger qmail")

	t.Run("logwatch", func(t *testing.T) {
		out := m.logwatch("qmail-smtpd")
		wants(t, "qmail-smtpd", out,
			"\trelay.example [127.0.0.12] - 2 Time(s)\n", "\tnobody@"+site.Me+" - 1 Time(s)\n", "\ta@good.example - 2 Time(s)\n",
			"\t553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1) - 2 Time(s)\n",
			"\t553 sorry, no mailbox here by that name. (#5.1.1) - 1 Time(s)\n",
			"\tspam.example [127.0.0.18] - 1 Time(s) By listed\n",
			" Remote connections:         9\n", // with awaitPort's, without the one that is listed
			" RBL blocked:         1\n",
			"caught by badmailfrom by email (Threshold of 0):\n \t<x@forged.example> - 1 Time(s)\n", "caught by badmailfrom by ip: (Threshold of 0)\n \t127.0.0.19 - 1",
			"caught by badmailto by email (Threshold of 0):\n \t<secret@"+site.Me+"> - 1 Time(s)\n", "caught by badmailto by ip (Threshold of 0):\n \t127.0.0.19 - 1",
			" Rejected:         4\n", " Accepted:         6\n", " Total accepted relays:         1\n", " Total rejected relays:         2\n")
		lacks(t, "qmail-smtpd", out, "Warnings", "\t127.0.0.99", "\tx - ")
	})
	t.Run("fail2ban", func(t *testing.T) {
		m.run("root", "", "sh", "-c", "cp -r "+fail2ban+" /etc && cp "+home+"/boot/fail2ban.conf /etc/fail2ban/filter.d/qmail-smtpd.conf")
		for what, log := range map[string]string{"multilog": "/var/log/" + log, "syslog": "/var/log/mail.log"} {
			out := m.run("root", "", "fail2ban-regex", "-o", "<ip>", log, "qmail-smtpd")
			if want := "127.0.0.12\n127.0.0.12\n127.0.0.13\n127.0.0.14\n127.0.0.19\n127.0.0.19\n"; out != want {
				t.Errorf("%s: got %q, want %q", what, out, want)
			}
		}
		out := m.run("root", "", "fail2ban-regex", "-o", "<ip>", "/var/log/mail.log", "qmail")
		if want := "127.0.0.18\n"; out != want {
			t.Errorf("by its own filter: got %q, want %q", out, want)
		}
	})
}

// dialogue leads a dialogue from an address with the server on port 25, to its end.
func (m *machine) dialogue(from string, lines ...string) {
	m.t.Helper()
	m.in(func() error {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := dialer.Dial("tcp", "127.0.0.1:25")
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n"); err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, conn)
		return err
	})
}

// Where packages have what is not along the PATH.
const (
	maillogconvert = "/usr/share/doc/awstats/examples/maillogconvert.pl"
	qmailqstat     = "/usr/share/munin/plugins/qmailqstat"
	checkMailq     = "/usr/lib/nagios/plugins/check_mailq"
	fail2ban       = "/var/cache/goqmail-peers/etc/fail2ban"
)

// logwatch gives the report of a service, with its thresholds at zero.
func (m *machine) logwatch(service string) string {
	m.t.Helper()
	m.write("/etc/logwatch/conf/logwatch.conf", "TmpDir = /tmp\n", "root")
	m.write("/etc/logwatch/conf/services/"+service+".conf", "$qmail_high_detail = 1\n$threshold = 0\n$from_threshold = 0\n$remote_threshold = 0\n$local_threshold = 0\n", "root")
	return m.run("root", "", "logwatch", "--service", service, "--range", "all", "--detail", "high", "--output", "stdout")
}

// syslog runs a command that says something to /dev/log, and appends it to
// mail.log as a syslog daemon does.
func (m *machine) syslog(command string) {
	m.t.Helper()
	fd := -1
	m.in(func() error {
		// How many records may wait.
		if err := os.WriteFile("/proc/sys/net/unix/max_dgram_qlen", []byte("1000"), 0o644); err != nil {
			return err
		}
		os.Remove("/dev/log") // of the last call
		var err error
		if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrUnix{Name: "/dev/log"})
	})
	defer unix.Close(fd)
	m.run("root", "", "sh", "-c", command)
	var log strings.Builder
	record := make([]byte, 65536)
	for {
		n, err := unix.Read(fd, record)
		if err != nil {
			break // that was all
		}
		_, text, _ := strings.Cut(string(record[:n]), ">") // the priority
		date, text := text[:len("Jan  2 15:04:05 ")], text[len("Jan  2 15:04:05 "):]
		log.WriteString(date + "host " + strings.TrimRight(text, "\n\x00") + "\n")
	}
	m.write("/var/log/mail.log", m.read("/var/log/mail.log")+log.String(), "root")
}

// lacks reports the parts that a text has though it should not.
func lacks(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("%s: %q in %q", what, part, text)
		}
	}
}
