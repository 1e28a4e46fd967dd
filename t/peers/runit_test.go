//go:build linux

package peers

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"goqmail/t/lab"
	"goqmail/t/site"
)

func TestRunsvdirRunsTheServicesOfRunit(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "runsvdir runit", "sv runit", "svlogd runit", "chpst runit")
	m.run("root", "", "cp", "-r", home+"/boot/runit", "/tmp/service")
	m.background("runsvdir", nil, "runsvdir", "/tmp/service")
	const log, service = "qmail/qmail-send/current", "/tmp/service/qmail-send"
	m.awaitLog(log, "status: local 0/")
	m.awaitPort("127.0.0.1:25")
	if err := m.smtpSend("127.0.0.1:25", "under supervision"); err != nil {
		t.Fatal(err)
	}
	m.awaitMail("john", "Subject: under supervision")
	m.awaitEnds(log, 2)
	if raw := m.read("/var/log/" + log); !regexp.MustCompile(`^(\d{4}-\d\d-\d\d_\d\d:\d\d:\d\d\.\d{5} .*\n)+$`).MatchString(raw) {
		t.Errorf("not every line is stamped: %q", raw)
	}
	m.awaitLog("qmail/qmail-smtpd/current", ": end ")

	// sv hup has qmail-send read control/locals again, alarm has it try again what is
	// deferred, down ends it, up starts it.
	m.write("/home/dirk/.qmail", "|test -e ready || { echo not yet; exit 111; }\n./Maildir/\n", "dirk")
	m.send("olaf", "deferred", "dirk@"+site.Me, "susie@new.example")
	m.awaitLog(log, " deferral: not_yet/")
	m.write("/home/dirk/ready", "", "dirk")
	m.run("root", "", "sv", "alarm", service)
	m.awaitMail("dirk", "Subject: deferred")
	m.control("locals", site.Me+"\nnew.example\n")
	m.run("root", "", "sv", "hup", service)
	m.await("a new local domain", func() bool {
		m.send("olaf", "for a new domain", "susie@new.example")
		return strings.Contains(strings.Join(m.mail("/home/susie/Maildir"), ""), "Subject: for a new domain")
	})
	wants(t, "sv down", m.run("root", "", "sv", "-w", "60", "down", service)+m.run("root", "", "sv", "status", service), "down: "+service+": ")
	m.awaitLog(log, " status: exiting\n")
	if err := m.smtpSend("127.0.0.1:25", "while it is down"); err != nil {
		t.Fatal(err)
	}
	m.run("root", "", "sv", "up", service)
	m.awaitMail("john", "Subject: while it is down")

	// All ends.
	m.run("root", "", "pkill", "-HUP", "-x", "runsvdir")
	m.await("the services to end", func() bool { return len(m.Pids("qmail-send"))+len(m.Pids("qmail-listen"))+len(m.Pids("runsv")) == 0 })
}

// The same for the mail store.
func TestSupervisorsRunTheMailStore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, peers, supervise, status, down, up string }{
		{"daemontools", "svscan svstat svc multilog", "svscan", "svstat", "svc -d", "svc -u"},
		{"runit", "runsvdir sv svlogd chpst", "runsvdir", "sv status", "sv -w 60 down", "sv up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var peers []string
			for _, program := range strings.Fields(c.peers) {
				peers = append(peers, program+" "+c.name)
			}
			m := newMailStore(t, peers...)
			m.copyIn("scripts/imap/"+c.name, "/tmp/service")
			m.background("supervisor", nil, c.supervise, "/tmp/service")
			m.awaitPort("127.0.0.1:143")
			m.run("root", "", "sh", "-c", c.down+" /tmp/service/cyrus-master")
			m.await("the mail store to be down", func() bool {
				return len(m.Pids("master")) == 0 && strings.Contains(m.run("root", "", "sh", "-c", c.status+" /tmp/service/cyrus-master"), "down")
			})
			m.run("root", "", "sh", "-c", c.up+" /tmp/service/cyrus-master")
			m.awaitPort("127.0.0.1:143")
		})
	}
}

// copyIn copies a directory of the tree into the host, with the places that make puts in.
func (m *machine) copyIn(dir, to string) {
	m.t.Helper()
	m.in(func() error {
		part, err := fs.Sub(lab.Tree(), dir)
		if err != nil {
			return err
		}
		return os.CopyFS(to, part)
	})
	m.run("root", "", "sh", "-c", "find "+to+" -type f -exec sed -i 's|CYRUSBIN/|"+cyrus+"/|g; s|QMAIL/|"+home+"/|g' {} +")
}
