//go:build linux && amd64

package peers

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"goqmail/lib/service/servicetest"
	"goqmail/t/lab"
)

// What a server of the store could not be made to do by a defect in it, and what it does
// all the same.
func TestServersOfTheStoreHaveGivenUpTheirRights(t *testing.T) {
	lab.NeedLandlock(t)
	t.Parallel()
	m := newIMAP(t)
	// As a child of the shell's; see lab.Inside.
	serve := func(address string, args ...string) {
		m.background(args[0], nil, append([]string{"sh", "-c", `"$@" & wait`, "sh"}, args...)...)
		m.awaitPort(address)
		m.dial(address).says("", "") // it greets after that
	}
	const imapAddress, popAddress, lmtpAddress = "127.0.0.1:144", "127.0.0.1:110", "127.0.0.1:24"
	serve(imapAddress, "imapd", "-l", imapAddress)
	serve(popAddress, "pop3d", "-l", popAddress)
	serve(lmtpAddress, "lmtpd", "-a", "-l", lmtpAddress)
	m.write("/tmp/outside", "text", "root")
	m.run("cyrus", "", "cat", "/tmp/outside") // its permissions are no hindrance
	imap := m.dial(imapAddress)
	imap.says("1 LOGIN cyrus secret\r\n2 CREATE user.john\r\n3 CREATE user.john.sub\r\n4 LOGOUT\r\n", "4 OK")

	const open, reading, writing = unix.SYS_OPENAT, unix.O_RDONLY, unix.O_WRONLY | unix.O_CREAT
	for _, program := range []string{"imapd", "pop3d", "lmtpd"} {
		all := m.Processes()
		i := slices.IndexFunc(all, func(p lab.Process) bool { return p.Name == program && p.Parent != os.Getpid() })
		for _, row := range []struct {
			name string
			call uintptr
			args []any
			want syscall.Errno
		}{
			{"open the list of mailboxes", open, []any{unix.AT_FDCWD, store + "/imap/mailboxes.db", reading}, 0},
			{"open the list of groups", open, []any{unix.AT_FDCWD, "/etc/group", reading}, 0},
			{"open a file elsewhere", open, []any{unix.AT_FDCWD, "/tmp/outside", reading}, unix.EACCES},
			{"open its own memory", open, []any{unix.AT_FDCWD, "/proc/self/mem", unix.O_RDWR}, unix.EACCES},
			{"make a file elsewhere", open, []any{unix.AT_FDCWD, "/tmp/new", writing, 0o600}, unix.EACCES},
			{"run a program", unix.SYS_EXECVE, []any{"/bin/true", 0, 0}, unix.EPERM},
			{"make a process", unix.SYS_FORK, nil, unix.EPERM},
			{"open a socket of this host", unix.SYS_SOCKET, []any{unix.AF_UNIX, unix.SOCK_DGRAM, 0}, 0},
			{"open a socket of the network", unix.SYS_SOCKET, []any{unix.AF_INET, unix.SOCK_STREAM, 0}, unix.EPERM},
			{"open one for packets", unix.SYS_SOCKET, []any{unix.AF_INET6, unix.SOCK_DGRAM, 0}, unix.EPERM},
			{"trace its parent", unix.SYS_PTRACE, []any{unix.PTRACE_ATTACH, 1, 0, 0}, unix.EPERM},
		} {
			got, err := lab.Inside(all[i].Pid, row.call, row.args...)
			if err != nil || row.want == 0 && got < 0 || row.want != 0 && syscall.Errno(-got) != row.want {
				t.Fatalf("%s: %s: got %d, %v, want error %d", program, row.name, got, err, row.want)
			}
		}
	}

	reader := m.dial(imapAddress)
	reader.says("1 LOGIN john secret\r\n2 SELECT INBOX\r\n", "2 OK")
	reader.says("3 IDLE\r\n", "+ ")
	sender := m.dial(lmtpAddress)
	sender.says("LHLO here\r\nMAIL FROM:<>\r\nRCPT TO:<john>\r\nDATA\r\n", "354 ")
	if got := sender.says("Subject: new\r\n\r\n.\r\n", "250 2.1.5 "); !strings.HasPrefix(got, "250 2.1.5 ") {
		t.Errorf("lmtpd said %q", got)
	}
	if got := reader.says("", "* 1 EXISTS"); got != "* 1 EXISTS" {
		t.Errorf("imapd said %q", got)
	}
	reader.says("DONE\r\n", "3 OK")
	if got := reader.says("4 RENAME INBOX.sub INBOX.other\r\n5 COPY 1 INBOX.other\r\n", "5 "); !strings.HasPrefix(got, "5 OK") {
		t.Errorf("imapd said %q", got)
	}
	fetcher := m.dial(popAddress)
	fetcher.says("USER john\r\nPASS secret\r\nRETR 1\r\n", "Subject: new")
	if got := fetcher.says("DELE 1\r\nQUIT\r\n", "+OK bye"); got == "" || got[0] != '+' {
		t.Errorf("pop3d said %q", got)
	}
}

// Keys and lists that are put in the place of others are read, in the directories that were
// named at the start. Settings that name others have to wait for a restart.
func TestASettingBeyondTheRightsWaitsForARestart(t *testing.T) {
	lab.NeedLandlock(t)
	t.Parallel()
	m := newIMAP(t)
	log := m.listenToLog()
	var keys [3][]byte
	for i := range keys {
		path, _ := servicetest.Certificate(t)
		keys[i], _ = os.ReadFile(path)
	}
	key := func(path string, i int) { m.write(path, string(keys[i]), "cyrus") }
	key("/home/keys/archive/key0.pem", 0)
	m.in(func() error {
		return errors.Join(os.Mkdir("/home/keys/live", 0o755), os.Symlink("../archive/key0.pem", "/home/keys/live/key.pem"))
	})
	settings := m.read("/etc/imapd.conf") + "syslog_prefix: secure\ntls_server_cert: "
	m.write("/etc/secure.conf", settings+"/home/keys/live/key.pem\n", "root")
	plain := m.Pids("imapd")
	start := func() {
		m.background("secure", nil, "imapd", "-s", "-C", "/etc/secure.conf", "-l", "127.0.0.1:993")
		m.awaitPort("127.0.0.1:993")
	}
	signal := func(s syscall.Signal) {
		for _, pid := range m.Pids("imapd") {
			if !slices.Contains(plain, pid) {
				syscall.Kill(pid, s)
			}
		}
	}
	shows := func(i int) bool {
		conn := tls.Client(m.dial("127.0.0.1:993"), &tls.Config{InsecureSkipVerify: true})
		defer conn.Close()
		pair, err := tls.X509KeyPair(keys[i], keys[i])
		return err == nil && conn.Handshake() == nil && bytes.Equal(conn.ConnectionState().PeerCertificates[0].Raw, pair.Certificate[0])
	}
	start()
	if !shows(0) {
		t.Fatal("the first key is not there")
	}

	key("/home/keys/archive/key1.pem", 1)
	m.in(func() error {
		return errors.Join(os.Symlink("../archive/key1.pem", "/home/keys/live/new"), os.Rename("/home/keys/live/new", "/home/keys/live/key.pem"))
	})
	signal(syscall.SIGHUP)
	m.await("the second key", func() bool { return shows(1) })

	key("/home/elsewhere/key.pem", 2)
	m.write("/etc/secure.conf", settings+"/home/elsewhere/key.pem\n", "root")
	signal(syscall.SIGHUP)
	m.await("a word on it", func() bool {
		return strings.Contains(log(), "secure/imaps") && strings.Contains(log(), "imapd.conf: the right to read in /home/elsewhere was given up: restart\n")
	})
	if !shows(1) {
		t.Error("the second key is gone")
	}
	signal(syscall.SIGTERM)
	m.await("the end", func() bool { return len(m.Pids("imapd")) == len(plain) })
	start()
	if !shows(2) {
		t.Error("the third key is not there after a restart")
	}
}

// listenToLog listens to /dev/log, and returns what gives what was said there so far.
func (m *machine) listenToLog() (said func() string) {
	m.t.Helper()
	var conn net.PacketConn
	m.in(func() (err error) {
		os.Remove("/dev/log")
		if conn, err = net.ListenPacket("unixgram", "/dev/log"); err != nil {
			return err
		}
		return os.Chmod("/dev/log", 0o666)
	})
	m.t.Cleanup(func() { conn.Close() })
	var mu sync.Mutex
	var text strings.Builder
	go func() {
		for record := make([]byte, 4096); ; {
			n, _, err := conn.ReadFrom(record)
			if err != nil {
				return
			}
			mu.Lock()
			text.Write(append(record[:n:n], '\n'))
			mu.Unlock()
		}
	}()
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return text.String()
	}
}
