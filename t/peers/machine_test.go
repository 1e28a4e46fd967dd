//go:build linux

package peers

import (
	"errors"
	"io/fs"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
	"goqmail/t/site"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

const home = "/var/qmail"

// users are the site's, and what Debian's packages want.
var users = func() lab.Users {
	u := site.Users()
	u.Accounts = append(u.Accounts, lab.Account{Name: "postfix", Uid: 8001, Gid: 8001, Home: "/var/spool/postfix"})
	u.Groups = append(u.Groups, lab.Group{Name: "postfix", Gid: 8001}, lab.Group{Name: "postdrop", Gid: 8002})
	return u
}()

// ground is what all tests share: the programs, a host to copy, and why the
// peers cannot be shown there.
type ground struct {
	programs *lab.Programs
	base     *lab.Host
	refused  error
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
	g := &ground{programs: programs, base: base}
	base.Do(func() { g.refused = lab.LayPeers() })
	return g, nil
})

// machine is the host of one test.
type machine struct {
	*lab.Host
	t *testing.T
}

// newMachine makes a host with the site on it, on which nothing runs yet. The
// test is skipped for want of one of the peers, which are given as a program and
// the Debian package that has it.
func newMachine(t *testing.T, peers ...string) *machine {
	t.Helper()
	lab.Need(t)
	g, err := prepare()
	if err != nil {
		t.Fatal(err)
	}
	if g.refused != nil {
		t.Skipf("peers need overlay file systems, which are refused here: %v", g.refused)
	}
	h, err := g.base.Fork()
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{Host: h, t: t}
	t.Cleanup(m.Close)
	for _, peer := range append(peers, "tcpserver ucspi-tcp", "setuidgid daemontools") {
		program, pkg, _ := strings.Cut(peer, " ")
		var lacks string
		m.Do(func() { lacks = lab.Lacks(program, pkg) })
		if lacks != "" {
			t.Skip(lacks)
		}
	}
	m.in(func() error {
		return errors.Join(
			lab.LayPeersEtc(),
			users.LayEtc(),
			os.NewSyscallError("sethostname", unix.Sethostname([]byte(site.Me))),
			site.Lay(g.programs, users),
			lab.Tmpfs("/tmp", "1777"),
			os.Mkdir("/tmp/dev", 0o755),
			lab.Dev("/tmp/dev"),
		)
	})
	t.Cleanup(func() {
		if t.Failed() {
			m.Do(func() {
				logs, _ := filepath.Glob("/var/log/*")
				for _, name := range logs {
					text, _ := os.ReadFile(name)
					t.Logf("%s:\n%s", name, text)
				}
			})
		}
	})
	return m
}

// in does f inside the host.
func (m *machine) in(f func() error) {
	m.t.Helper()
	m.In(m.t, f)
}

// command is a program to run in the host, as a user in its home directory, with
// more variables in its environment.
func command(user string, env []string, args ...string) *exec.Cmd {
	return users.As(user, exec.Command("/usr/bin/env", args...), env...) // env finds it along the host's PATH
}

// try runs a program as a user and gives what it says.
func (m *machine) try(user, input string, args ...string) (out string, err error) {
	m.Do(func() {
		cmd := command(user, nil, args...)
		cmd.Stdin = strings.NewReader(input)
		var data []byte
		data, err = cmd.CombinedOutput()
		out = string(data)
	})
	return out, err
}

// run is try for what must succeed.
func (m *machine) run(user, input string, args ...string) string {
	m.t.Helper()
	out, err := m.try(user, input, args...)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", args[0], err, out)
	}
	return out
}

// background starts a program as root that logs to a file below /var/log.
func (m *machine) background(log string, env []string, args ...string) {
	m.t.Helper()
	m.Background(m.t, log, command("root", env, args...))
}

// start starts the system.
func (m *machine) start() {
	m.t.Helper()
	m.background("qmail", nil, "qmail-start", "./Maildir/")
	m.awaitLog("qmail", "status: local 0/")
}

// serve starts a server on an address and port, as ip:port, by tcpserver.
func (m *machine) serve(user, address string, env []string, args ...string) {
	m.t.Helper()
	ip, port, _ := strings.Cut(address, ":")
	tcpserver := []string{"tcpserver", "-v", "-R", "-H", "-l", site.Me, ip, port}
	m.background("port"+port, env, append(append(tcpserver, "setuidgid", user), args...)...)
	m.awaitPort(address)
}

// smtpd serves SMTP on port 25.
func (m *machine) smtpd(env []string, args ...string) {
	m.t.Helper()
	m.serve("qmaild", "127.0.0.1:25", env, append([]string{"qmail-smtpd"}, args...)...)
}

func (m *machine) awaitPort(address string) {
	m.t.Helper()
	m.await("a listener on "+address, func() bool {
		var conn net.Conn
		m.Do(func() { conn, _ = net.Dial("tcp", address) })
		if conn != nil {
			conn.Close()
		}
		return conn != nil
	})
}

// write writes a file that belongs to a user.
func (m *machine) write(path, text, owner string) {
	m.t.Helper()
	m.Write(m.t, users, path, text, owner)
}

// control writes a control file.
func (m *machine) control(name, text string) {
	m.t.Helper()
	m.write(home+"/control/"+name, text, "root")
}

// read gives a file's text, nothing if there is none.
func (m *machine) read(path string) (text string) {
	m.Do(func() {
		data, _ := os.ReadFile(path)
		text = string(data)
	})
	return text
}

func (m *machine) await(what string, cond func() bool) {
	m.t.Helper()
	lab.Await(m.t, what, cond)
}

// awaitLog waits for a text in a file below /var/log.
func (m *machine) awaitLog(log, text string) {
	m.t.Helper()
	m.await(log+" to say "+text, func() bool { return strings.Contains(m.read("/var/log/"+log), text) })
}

// awaitFile waits for a file with a text in it, and gives it whole.
func (m *machine) awaitFile(path, text string) (got string) {
	m.t.Helper()
	m.await(path+" with "+text, func() bool {
		got = m.read(path)
		return strings.Contains(got, text)
	})
	return got
}

// files gives the texts of all files of a pattern.
func (m *machine) files(pattern string) (texts []string) {
	m.Do(func() {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			data, _ := os.ReadFile(name)
			texts = append(texts, string(data))
		}
	})
	return texts
}

// mail gives the messages in new/ of a Maildir.
func (m *machine) mail(maildir string) []string { return m.files(maildir + "/new/*") }

// awaitMail waits for a message with a text in it in a user's Maildir, and gives it.
func (m *machine) awaitMail(user, text string) string {
	m.t.Helper()
	return m.awaitIn("/home/"+user+"/Maildir", text)
}

// awaitIn is awaitMail for any Maildir.
func (m *machine) awaitIn(maildir, text string) (message string) {
	m.t.Helper()
	m.await("mail in "+maildir+" with "+text, func() bool {
		for _, mess := range m.mail(maildir) {
			if strings.Contains(mess, text) {
				message = mess
				return true
			}
		}
		return false
	})
	return message
}

// awaitEmpty waits until no message is in the queue.
func (m *machine) awaitEmpty() {
	m.t.Helper()
	m.await("the queue to be empty", func() bool {
		return m.run("root", "", "qmail-qstat") == "messages in queue: 0\nmessages in queue but not yet preprocessed: 0\n"
	})
}

// send has a user send a message by sendmail.
func (m *machine) send(user, subject string, recipients ...string) {
	m.t.Helper()
	m.run(user, "Subject: "+subject+"\n\nbody\n", append([]string{"sendmail", "-oi", "-f", user + "@" + site.Me, "--"}, recipients...)...)
}

// smtpSend sends a message to john of the first virtual domain over the network.
func (m *machine) smtpSend(address, subject string) (err error) {
	m.Do(func() {
		err = smtp.SendMail(address, nil, "olaf@client.example", []string{"john@linuxfromsource.org"}, []byte("Subject: "+subject+"\r\n\r\nbody\r\n"))
	})
	return err
}

// source is a file of this tree.
func source(t *testing.T, name string) string {
	t.Helper()
	text, err := fs.ReadFile(lab.Tree(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wants reports the parts that a text does not have.
func wants(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: no %q in %q", what, part, text)
		}
	}
}
