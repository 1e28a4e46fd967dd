//go:build linux

package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"goqmail/t/site"
)

// unit is a unit of systemd as far as it says what runs: the values of each setting.
type unit map[string][]string

func (m *machine) unit(path string) unit {
	m.t.Helper()
	u := unit{}
	for line := range strings.Lines(m.read(path)) {
		if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok && key[0] != '#' {
			u[key] = append(u[key], value)
		}
	}
	if len(u["ExecStart"]) != 1 {
		m.t.Fatalf("%s starts %q", path, u["ExecStart"])
	}
	return u
}

// main starts what a unit starts, as systemd would, and gives its number and how it ends.
func (m *machine) main(u unit, log string) (pid int, ended chan error) {
	m.t.Helper()
	ended = make(chan error, 1)
	m.in(func() error {
		out, err := os.Create("/var/log/" + log)
		if err != nil {
			return err
		}
		defer out.Close()
		words := strings.Fields(u["ExecStart"][0])
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = "/"
		cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
		for _, variable := range u["Environment"] {
			cmd.Env = append(cmd.Env, strings.Trim(variable, `"`))
		}
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			return err
		}
		pid = cmd.Process.Pid
		go func() { ended <- cmd.Wait() }()
		return nil
	})
	return pid, ended
}

func TestUnitsOfSystemdStartReloadAndStop(t *testing.T) {
	t.Parallel()
	m := newMailStore(t, "systemd-analyze systemd")
	m.copyIn("scripts/systemd", "/tmp/units")
	m.copyIn("scripts/imap/systemd", "/tmp/units.imap")
	m.run("root", "", "sh", "-ec", "mv /tmp/units.imap/* /tmp/units/; mkdir -p /run/systemd")
	var units []string
	m.Do(func() { units, _ = filepath.Glob("/tmp/units/*") })
	if len(units) < 8 {
		t.Fatalf("units: %q", units)
	}
	if out, err := m.try("root", "", append([]string{"systemd-analyze", "verify", "--man=no", "--recursive-errors=no"}, units...)...); err != nil || strings.Contains(out, "/tmp/units") {
		t.Errorf("systemd-analyze: %v\n%s", err, out)
	}
	send := m.unit("/tmp/units/qmail-send.service")
	pid, sent := m.main(send, "send")
	_, _ = m.main(m.unit("/tmp/units/qmail-smtpd.service"), "smtpd")
	store, stored := m.main(m.unit("/tmp/units/cyrus-master.service"), "store")
	m.awaitPort("127.0.0.1:25")
	m.awaitPort("127.0.0.1:143")
	if err := m.smtpSend("127.0.0.1:25", "under systemd"); err != nil {
		t.Fatal(err)
	}
	m.awaitMail("john", "Subject: under systemd")
	m.control("locals", site.Me+"\nnew.example\n")
	if want := []string{"/bin/kill -HUP $MAINPID"}; !slices.Equal(send["ExecReload"], want) {
		t.Errorf("%q reloads", send["ExecReload"])
	}
	m.in(func() error { return syscall.Kill(pid, syscall.SIGHUP) })
	m.await("a new local domain", func() bool {
		m.send("olaf", "for a new domain", "susie@new.example")
		return strings.Contains(strings.Join(m.mail("/home/susie/Maildir"), ""), "Subject: for a new domain")
	})
	// KillMode=mixed: only the main process gets the TERM, and must take all others with it.
	for _, p := range []struct {
		pid   int
		ended chan error
		names []string
	}{
		{pid, sent, []string{"qmail-send", "qmail-lspawn", "qmail-rspawn", "qmail-clean", "splogger"}},
		{store, stored, []string{"master", "imapd", "lmtpd", "pop3d"}},
	} {
		m.in(func() error { return syscall.Kill(p.pid, syscall.SIGTERM) })
		if err := <-p.ended; err != nil {
			t.Errorf("%s ended with %v", p.names[0], err)
		}
		m.await(p.names[0]+" and all it started to be gone", func() bool {
			return !slices.ContainsFunc(p.names, func(name string) bool { return len(m.Pids(name)) > 0 })
		})
	}
}
