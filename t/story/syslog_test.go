//go:build linux

package story

import (
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// syslog is /dev/log of a host. It is read when somebody wants to know, so that
// all is there that a program that has ended has said.
type syslog struct {
	mu      sync.Mutex
	fd      int
	records []string
}

// openSyslog makes /dev/log in the host it is called in.
func openSyslog() (*syslog, error) {
	// How many records may wait.
	if err := os.WriteFile("/proc/sys/net/unix/max_dgram_qlen", []byte("1000"), 0o644); err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &syslog{fd: fd}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: "/dev/log"}); err != nil {
		return s, os.NewSyscallError("bind", err)
	}
	return s, os.Chmod("/dev/log", 0o666)
}

// lines are qmail's lines, without what splogger and syslog put before them.
func (s *syslog) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	record := make([]byte, 65536)
	for {
		n, err := unix.Read(s.fd, record)
		if err != nil {
			break // no more for now
		}
		_, after, _ := strings.Cut(string(record[:n]), "qmail: ")
		_, text, _ := strings.Cut(after, " ") // splogger's time
		s.records = append(s.records, text+"\n")
	}
	return s.records
}

func (s *syslog) close() { unix.Close(s.fd) }

func (s *syslog) has(text string) bool { return s.count(text) > 0 }

// count is the number of lines that have text in them.
func (s *syslog) count(text string) int {
	n := 0
	for _, l := range s.lines() {
		if strings.Contains(l, text) {
			n++
		}
	}
	return n
}

// starts is how often qmail-send said that nothing is under way, which it does
// first of all, and that it does not mean to end.
func (s *syslog) starts() int {
	n := 0
	for _, l := range s.lines() {
		if strings.HasPrefix(l, "status: local 0/") && !strings.HasSuffix(l, " exitasap\n") {
			n++
		}
	}
	return n
}
