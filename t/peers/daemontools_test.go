//go:build linux

package peers

import (
	"regexp"
	"strings"
	"testing"

	"goqmail/t/site"
)

// awaitEnds waits until so many messages have ended.
func (m *machine) awaitEnds(log string, n int) {
	m.t.Helper()
	m.await("messages to end", func() bool { return strings.Count(m.read("/var/log/"+log), " end msg ") == n })
}

func TestSvscanRunsTheServicesOfDaemontools(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "svscan daemontools", "multilog daemontools", "softlimit daemontools", "tai64nlocal daemontools")
	m.run("root", "", "cp", "-r", home+"/boot/daemontools", "/tmp/service")
	m.background("svscan", nil, "svscan", "/tmp/service")
	log := "qmail/qmail-send/current"
	m.awaitLog(log, "status: local 0/")
	m.awaitPort("127.0.0.1:25")
	if err := m.smtpSend("127.0.0.1:25", "under supervision"); err != nil {
		t.Fatal(err)
	}
	m.awaitMail("john", "Subject: under supervision")
	m.awaitEnds(log, 2) // to the domain, and on from there
	m.awaitEmpty()

	// multilog stamps, tai64nlocal reads.
	stamp := regexp.MustCompile(`(?m)^@40000000[0-9a-f]{16} `)
	raw := m.read("/var/log/" + log)
	if lines := strings.Count(raw, "\n"); len(stamp.FindAllString(raw, -1)) != lines {
		t.Errorf("not every line is stamped: %q", raw)
	}
	local := m.run("root", raw, "tai64nlocal")
	if want := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9} new msg \d+$`); !want.MatchString(local) {
		t.Errorf("tai64nlocal makes of it %q", local)
	}
	m.awaitLog("qmail/qmail-smtpd/current", "tcpserver: end ")

	// The log goes to a new file, and nothing is lost.
	m.run("root", "", "svc", "-a", "/tmp/service/qmail-send/log")
	m.await("an old log", func() bool {
		return m.run("root", "", "sh", "-c", "ls /var/log/qmail/qmail-send | grep -c '^@.*\\.s$' || :") == "1\n"
	})

	// svc -h has qmail-send read control/locals again, -a has it try again what
	// is deferred, -d ends it, -u starts it.
	m.write("/home/dirk/.qmail", "|test -e ready || { echo not yet; exit 111; }\n./Maildir/\n", "dirk")
	m.send("olaf", "deferred", "dirk@"+site.Me, "susie@new.example")
	m.awaitLog(log, " deferral: not_yet/")
	m.write("/home/dirk/ready", "", "dirk")
	m.run("root", "", "svc", "-a", "/tmp/service/qmail-send")
	m.awaitMail("dirk", "Subject: deferred")
	m.control("locals", site.Me+"\nnew.example\n")
	m.run("root", "", "svc", "-h", "/tmp/service/qmail-send")
	m.await("a new local domain", func() bool {
		m.send("olaf", "for a new domain", "susie@new.example")
		return strings.Contains(strings.Join(m.mail("/home/susie/Maildir"), ""), "Subject: for a new domain")
	})
	m.run("root", "", "svc", "-d", "/tmp/service/qmail-send")
	m.await("qmail-send to be down", func() bool {
		return strings.Contains(m.run("root", "", "svstat", "/tmp/service/qmail-send"), ": down ")
	})
	m.awaitLog(log, " status: exiting\n")
	if err := m.smtpSend("127.0.0.1:25", "while it is down"); err != nil {
		t.Fatal(err)
	}
	m.run("root", "", "svc", "-u", "/tmp/service/qmail-send")
	m.awaitMail("john", "Subject: while it is down")
}
