//go:build linux

package story

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"goqmail/t/lab"
	"goqmail/t/site"
)

func TestKillingADaemonLosesNoMail(t *testing.T) {
	for _, daemon := range daemons {
		t.Run(daemon, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.hold()
			m.write("/home/olaf/.qmail", whileHeld+"./Maildir/\n", "olaf")
			m.remote(`r\0Ksent\n\0`)
			m.start()
			// On their way out: one local, one remote, and one to both.
			m.send("susie", "local", "olaf@"+site.Me)
			m.send("susie", "remote", "somebody@far.example")
			m.send("susie", "both", "olaf@"+site.Me, "somebody@far.example", "dirk@"+site.Me)
			m.awaitLog("starting delivery 5: ")

			m.Signal(t, daemon, syscall.SIGKILL)
			m.send("susie", "afterwards", "dirk@"+site.Me)
			m.letGo()
			m.awaitGone()
			m.send("susie", "meanwhile", "dirk@"+site.Me)

			m.start()
			m.alarm()
			for _, want := range []struct{ user, subject string }{
				{"olaf", "local"}, {"olaf", "both"}, {"dirk", "both"}, {"dirk", "afterwards"}, {"dirk", "meanwhile"},
			} {
				m.awaitMail(want.user, "Subject: "+want.subject+"\n")
			}
			m.awaitOut()
			if n := m.count("susie", "failure notice"); n != 0 {
				t.Errorf("%d messages bounced", n)
			}
		})
	}
}

func TestAKilledQmailQueueHasQueuedNothing(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.in(func() error {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer r.Close()
		defer w.Close()
		cmd := exec.Command(home + "/bin/qmail-queue")
		cmd.Stdin = strings.NewReader("Subject: half\n\nbody\n")
		cmd.Stdout = r // descriptor 1 is where it reads the envelope
		if err := cmd.Start(); err != nil {
			return err
		}
		_, err = w.WriteString("Fsusie@" + site.Me + "\x00Tdirk@" + site.Me + "\x00") // and no end
		m.await("a half-written message", func() bool {
			return slices.ContainsFunc(m.queued(), func(name string) bool { return strings.HasPrefix(name, "intd/") })
		})
		cmd.Process.Kill()
		cmd.Wait() // it was killed
		return err
	})
	m.send("susie", "whole", "dirk@"+site.Me)
	m.awaitMail("dirk", "Subject: whole")
	if n := m.count("dirk", "Subject: half"); n != 0 {
		t.Errorf("the half-written message was delivered")
	}
}

func TestTheDaemonsRunAsWhoTheyShouldAndAreSmall(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.send("susie", "warm", "dirk@"+site.Me)
	m.awaitMail("dirk", "Subject: warm")
	m.awaitEmpty()
	for name, user := range map[string]string{"qmail-send": "qmails", "qmail-lspawn": "root", "qmail-rspawn": "qmailr", "qmail-clean": "qmailq", "splogger": "qmaill"} {
		pids := m.Pids(name)
		if len(pids) != 1 {
			t.Errorf("%d processes are called %s, want 1", len(pids), name)
			continue
		}
		if uid := lab.Uid(t, pids[0]); uid != users.Uid(user) {
			t.Errorf("%s runs as %d, want %s", name, uid, user)
		}
		if size := lab.Memory(t, pids[0]); size > 15<<20 {
			t.Errorf("%s holds %d bytes at rest", name, size)
		}
	}
}
