//go:build linux

package story

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// reboot ends all processes of the host at the same time, with no word to any of them, and
// makes a host with the same files. Nothing runs on it.
func (m *machine) reboot() {
	m.t.Helper()
	m.Kill()
	// No machine starts so fast that a process id comes twice in a second.
	last := time.Now().Unix()
	m.await("the next second", func() bool { return time.Now().Unix() > last })
	h, err := m.Fork()
	if err != nil {
		m.t.Fatal(err)
	}
	m.Close()
	m.Host = h
	m.log.close()
	m.in(func() (err error) {
		if err := errors.Join(lab.Up(), os.NewSyscallError("sethostname", unix.Sethostname([]byte(site.Me))), os.Remove("/dev/log")); err != nil {
			return err
		}
		m.log, err = openSyslog()
		return err
	})
}

func TestARebootLosesNoMail(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.hold()
	m.write("/home/olaf/.qmail", whileHeld+"./Maildir/\n", "olaf")
	m.write("/home/pamela/.qmail", "|test ! -e /tmp/hold || exit 111\n./Maildir/\n", "pamela")
	m.replace("qmail-remote", `cat >/dev/null
if test -e /tmp/hold; then printf 'r\0Znot now\n\0'; else printf 'r\0Ksent\n\0'; fi
`)
	m.start()
	olaf, dirk, pamela := "olaf@"+site.Me, "dirk@"+site.Me, "pamela@"+site.Me

	// Done; deferred; on its way; the same in one message; bounced, in part; gone for.
	m.send("susie", "done", dirk)
	m.awaitMail("dirk", "Subject: done\n")
	m.awaitEmpty()
	m.send("susie", "deferred", pamela)
	m.send("susie", "far", "somebody@far.example")
	m.send("susie", "on its way", olaf)
	m.send("susie", "all of it", olaf, dirk, pamela, "somebody@far.example")
	m.send("jennifer", "bounces", "no-such-user@"+site.Me, olaf)
	m.awaitMail("dirk", "Subject: all of it\n")
	m.await("all of them to be tried", func() bool {
		return m.log.count("starting delivery ") == 10 && m.log.count(": deferral: ") == 4 && m.log.count(": failure: ") == 1
	})
	m.await("what is done to be written down", func() bool {
		all := m.run(home + "/bin/qmail-qread")
		return strings.Contains(all, "done\tlocal\t"+dirk+"\n") && strings.Contains(all, "done\tlocal\tno-such-user@")
	})

	// Not looked at yet; and not taken over, so that whoever sent it would send it again.
	m.Signal(t, "qmail-send", syscall.SIGSTOP)
	for i := range 5 {
		m.send("susie", fmt.Sprintf("new %d", i), dirk, pamela)
	}
	m.in(func() error {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer r.Close()
		t.Cleanup(func() { w.Close() })
		cmd := exec.Command(home + "/bin/qmail-queue")
		cmd.Stdin, cmd.Stdout = strings.NewReader("Subject: half\n\nbody\n"), r
		if err := cmd.Start(); err != nil {
			return err
		}
		go cmd.Wait() // it ends with the host
		_, err = w.WriteString("Fsusie@" + site.Me + "\x00T" + dirk + "\x00")
		return err
	})
	m.await("a half-written message", func() bool {
		return slices.ContainsFunc(m.queued(), func(name string) bool { return strings.HasPrefix(name, "intd/") })
	})

	m.reboot()
	if running := m.Processes(); slices.ContainsFunc(running, func(p lab.Process) bool { return strings.HasPrefix(p.Name, "qmail") }) {
		t.Fatalf("these run: %v", running)
	}
	m.letGo()
	m.start()
	m.alarm()
	m.awaitMail("jennifer", "Subject: failure notice\n")
	m.await("the queue to hold nothing but the half-written message", func() bool {
		return !slices.ContainsFunc(m.queued(), func(name string) bool { return strings.HasPrefix(name, "info/") || strings.HasPrefix(name, "todo/") })
	})
	want := map[string][]string{
		"olaf":     {"on its way", "all of it", "bounces"},
		"dirk":     {"done", "all of it"},
		"pamela":   {"deferred", "all of it"},
		"jennifer": {"failure notice"},
		"susie":    nil,
	}
	for i := range 5 {
		want["dirk"] = append(want["dirk"], fmt.Sprintf("new %d", i))
		want["pamela"] = append(want["pamela"], fmt.Sprintf("new %d", i))
	}
	for user, subjects := range want {
		for _, subject := range subjects {
			if n := m.count(user, "Subject: "+subject+"\n"); n != 1 {
				t.Errorf("%s has %q %d times", user, subject, n)
			}
		}
		if n := len(m.mail(user)); n != len(subjects) {
			t.Errorf("%s has %d messages, want %d", user, n, len(subjects))
		}
	}
	if n := m.log.count("to remote somebody@far.example"); n != 2 {
		t.Errorf("%d remote deliveries, want 2", n)
	}
}
