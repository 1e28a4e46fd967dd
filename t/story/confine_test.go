//go:build linux

package story

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// checkConfined checks that all threads of all processes of a name have given up
// rights.
func (m *machine) checkConfined(name string) {
	m.t.Helper()
	pids := m.Pids(name)
	if len(pids) == 0 {
		m.t.Errorf("no %s runs", name)
	}
	for _, pid := range pids {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		for _, thread := range threads {
			status, err := os.ReadFile(thread)
			if err != nil {
				continue // it has just ended
			}
			if !strings.Contains(string(status), "\nNoNewPrivs:\t1\n") || !strings.Contains(string(status), "\nSeccomp:\t2\n") {
				m.t.Errorf("%s is not confined: %s", name, status)
			}
		}
	}
}

// A session that needs no program can run none, nor open a file outside of
// control. A list that it reads late shows that.
func TestAnSMTPSessionHasGivenUpItsRights(t *testing.T) {
	lab.NeedLandlock(t)
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.listen()
	list := home + "/control/badrcptto"
	m.write("/tmp/list", "dirk@"+site.Me+"\n", "root")
	begin := func() *smtp {
		c := m.smtp()
		c.say("HELO elsewhere.example", "250")
		c.say("MAIL FROM:<susie@"+site.Me+">", "250")
		return c
	}
	begin().say("QUIT", "221")
	m.checkConfined("qmail-smtpds")
	for _, row := range []struct {
		late string
		lay  func() error
	}{
		{"a file elsewhere", func() error { return os.Symlink("/tmp/list", list) }},
		{"a program", func() error { return os.WriteFile(list, []byte("^d(i|x)rk@\n"), 0o644) }},
	} {
		c := begin()
		m.in(row.lay)
		t.Log(row.late)
		c.say("RCPT TO:<dirk@"+site.Me+">", "421")
		// Who comes now is served by a process that may.
		c = begin()
		c.say("RCPT TO:<dirk@"+site.Me+">", "553")
		c.say("QUIT", "221")
		m.in(func() error { return os.Remove(list) })
	}
	m.smtpSend("plain", "susie@"+site.Me, "dirk@"+site.Me)
	m.awaitMail("dirk", "Subject: plain\n")
}

// A qmail-remote that stays cannot open what was not a control file when it
// began.
func TestARemoteDeliveryHasGivenUpItsRights(t *testing.T) {
	lab.NeedLandlock(t)
	t.Parallel()
	m := newMachine(t)
	m.in(func() error {
		for _, dir := range []string{"/tmp/0", "/tmp/1"} {
			if err := os.Mkdir(dir, 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(dir+"/routes", []byte(":127.0.0.1:9\n"), 0o644); err != nil { // where nobody listens
				return err
			}
		}
		return os.Symlink("/tmp/link", home+"/control/smtproutes")
	})
	m.start()
	refused := func() bool { return m.log.has("deferral: Unable_to_read_control_files.") }
	// In vain if there was time for the process to end in between.
	for i := 0; i < 10 && !refused(); i++ {
		m.in(func() error {
			os.Remove("/tmp/link") // not the first time
			return os.Symlink(fmt.Sprintf("/tmp/%d/routes", i%2), "/tmp/link")
		})
		m.send("susie", "remote", "somebody@far.example")
		m.awaitLog(fmt.Sprintf("delivery %d: deferral: ", i+1))
		if i == 0 {
			m.checkConfined("qmail-remote")
			if refused() {
				t.Error("a control file could not be read")
			}
		}
	}
	if !refused() {
		t.Error("files elsewhere can be read")
	}
}

func TestTLSHasGivenUpItsRights(t *testing.T) {
	lab.NeedLandlock(t)
	t.Parallel()
	m := newMachine(t)
	m.encrypt()
	m.listen()
	c := m.smtp()
	c.say("STARTTLS", "220 ")
	m.checkConfined("qmail-tls")
	c.secure(site.Me)
	m.checkConfined("qmail-tls")
	c.say("QUIT", "221 ")
}
