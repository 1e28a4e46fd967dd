//go:build linux

// Package story tells, one behaviour a test, what a whole system does: real
// programs under real uids, started by the rc script, on a host of the lab
// that has the site of the examples.
package story

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
	"goqmail/t/site"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

const (
	home  = "/var/qmail"
	queue = home + "/queue"
)

var users = site.Users()

// ground is what all tests share: the programs, and a host to copy.
type ground struct {
	programs *lab.Programs
	base     *lab.Host
}

var prepare = sync.OnceValues(func() (*ground, error) {
	programs, err := lab.Build(users)
	if err != nil {
		return nil, err
	}
	base, err := lab.Start()
	if err != nil {
		return nil, err
	}
	base.Do(func() { err = users.LayEtc() })
	return &ground{programs, base}, err
})

// machine is the host of one test.
type machine struct {
	*lab.Host
	t        *testing.T
	programs *lab.Programs
	log      *syslog
}

// newMachine makes a host with the site on it, on which nothing runs yet.
func newMachine(t *testing.T) *machine {
	t.Helper()
	lab.Need(t)
	g, err := prepare()
	if err != nil {
		t.Fatal(err)
	}
	h, err := g.base.Fork()
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{Host: h, t: t, programs: g.programs}
	t.Cleanup(func() { m.Close() }) // of the host that it is by then
	m.in(func() error { return m.lay() })
	t.Cleanup(func() {
		if t.Failed() {
			said, _ := m.read("/var/log/rc")
			t.Logf("the rc script said %q, these run: %v, the log:\n%s", said, m.Processes(), strings.Join(m.log.lines(), ""))
		}
		m.log.close()
	})
	return m
}

func (m *machine) lay() error {
	if err := unix.Sethostname([]byte(site.Me)); err != nil {
		return os.NewSyscallError("sethostname", err)
	}
	if err := site.Lay(m.programs, users); err != nil {
		return err
	}
	if err := lab.Tmpfs("/tmp", "1777"); err != nil {
		return err
	}
	if err := os.Mkdir("/tmp/dev", 0o755); err != nil {
		return err
	}
	if err := lab.Dev("/tmp/dev"); err != nil {
		return err
	}
	var err error
	m.log, err = openSyslog()
	if err != nil {
		return err
	}
	rc, err := fs.ReadFile(lab.Tree(), "scripts/rc")
	if err != nil {
		return err
	}
	return os.WriteFile(home+"/rc", []byte(strings.ReplaceAll(string(rc), "QMAIL", home)), 0o755)
}

// in does f inside the host.
func (m *machine) in(f func() error) {
	m.t.Helper()
	m.In(m.t, f)
}

// start starts the rc script as an init script does, and waits for qmail-send.
func (m *machine) start() {
	m.t.Helper()
	before := m.log.starts()
	m.run("sh", "-cf", home+"/rc >>/var/log/rc 2>&1 &")
	m.await("qmail-send to start", func() bool { return m.log.starts() > before })
}

// listen serves SMTP on port 25, by the script for it where there is one.
func (m *machine) listen() {
	m.t.Helper()
	if m.ours() {
		m.background("smtpd", home+"/boot/smtpd")
	} else {
		m.tcpserver()
	}
	m.awaitPort("25")
}

// tcpserver serves SMTP with the program of ucspi-tcp, behind more words.
func (m *machine) tcpserver(before ...string) {
	m.t.Helper()
	need(m.t, "tcpserver", "ucspi-tcp")
	qmaild := []string{"-u", fmt.Sprint(users.Uid("qmaild")), "-g", fmt.Sprint(users.PrimaryGid("qmaild"))}
	args := append(before, "tcpserver", "-v", "-R", "-H", "-l", site.Me)
	m.background("smtpd", append(append(args, qmaild...), "0", "25", home+"/bin/qmail-smtpd")...)
}

// need skips a test for want of a program that a package of Debian has.
func need(t *testing.T, program, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed (Debian package %s)", program, pkg)
	}
}

// background starts a program that logs to a file below /var/log.
func (m *machine) background(log string, args ...string) {
	m.t.Helper()
	m.Background(m.t, log, users.As("root", exec.Command(args[0], args[1:]...)))
}

// run runs a program as root; it must succeed.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, err := m.try("root", "", nil, args...)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", args[0], err, out)
	}
	return out
}

// try runs a program as a user, in the user's home directory, with an input and
// more variables in its environment.
func (m *machine) try(user, input string, env []string, args ...string) (out string, err error) {
	m.Do(func() {
		var in *os.File
		if in, err = os.CreateTemp("/tmp", "input"); err != nil {
			return
		}
		defer in.Close()
		defer os.Remove(in.Name())
		if _, err = in.WriteString(input); err != nil {
			return
		}
		if _, err = in.Seek(0, 0); err != nil {
			return
		}
		program := args[0]
		if !strings.Contains(program, "/") {
			program = home + "/bin/" + program
			if _, err := os.Stat(program); err != nil {
				program, _ = exec.LookPath(args[0]) // Start will say so
			}
		}
		cmd := users.As(user, exec.Command(program, args[1:]...), env...)
		cmd.Stdin = in
		var data []byte
		data, err = cmd.CombinedOutput()
		out = string(data)
	})
	return out, err
}

// ours tells whether the programs under test are this tree's, not the
// reference's.
func (m *machine) ours() bool { return m.programs.Has("qmail-listen") }

// control writes a control file.
func (m *machine) control(name, text string) {
	m.t.Helper()
	m.write(home+"/control/"+name, text, "root")
}

// write writes a file that belongs to a user.
func (m *machine) write(path, text, owner string) {
	m.t.Helper()
	m.Write(m.t, users, path, text, owner)
}

func (m *machine) read(path string) (text string, err error) {
	m.Do(func() {
		var data []byte
		data, err = os.ReadFile(path)
		text = string(data)
	})
	return text, err
}

// replace puts a shell script in the place of a program, for this host only.
func (m *machine) replace(program, script string) {
	m.t.Helper()
	path := "/tmp/" + program
	m.write(path, "#!/bin/sh\n"+script, "root")
	m.in(func() error {
		if err := os.Chmod(path, 0o755); err != nil {
			return err
		}
		return lab.Bind(path, home+"/bin/"+program)
	})
}

// daemons are what qmail-start starts.
var daemons = []string{"qmail-send", "qmail-lspawn", "qmail-rspawn", "qmail-clean"}

// awaitGone waits until none of the system's daemons runs.
func (m *machine) awaitGone() {
	m.t.Helper()
	m.await("the daemons to be gone", func() bool {
		return !slices.ContainsFunc(m.Processes(), func(p lab.Process) bool {
			return slices.Contains(daemons, p.Name) || p.Name == "splogger"
		})
	})
}

// stop ends the system as an administrator does.
func (m *machine) stop() {
	m.t.Helper()
	m.Signal(m.t, "qmail-send", syscall.SIGTERM)
	m.awaitGone()
}
