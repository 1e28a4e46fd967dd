// Package syslog sends lines to the system's log and never waits for it: a log
// that nobody reads must not hold up mail. What cannot be sent at once is lost.
package syslog

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Facility is who logs, as syslog(3) numbers them.
type Facility int

// The facilities that are used here. Local6 is what imapd.conf's programs have
// unless syslog_facility says otherwise.
const (
	Mail   Facility = 2
	Auth   Facility = 4
	Local0 Facility = 16
	Local6 Facility = 22
)

// ParseFacility reads a facility's name, such as MAIL or LOCAL6.
func ParseFacility(name string) (f Facility, ok bool) {
	name = strings.ToLower(name)
	for i, known := range [...]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv"} {
		if name == known {
			return Facility(i), true
		}
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "local")); err == nil && strings.HasPrefix(name, "local") && 0 <= n && n <= 7 {
		return Local0 + Facility(n), true
	}
	return 0, false
}

// Level is how much a line matters.
type Level int

// The levels of syslog(3).
const (
	Alert   Level = 1
	Error   Level = 3
	Warning Level = 4
	Notice  Level = 5
	Info    Level = 6
	Debug   Level = 7
)

// Log is where the lines of a program go. Many goroutines may use it. The zero
// value with a tag is as good as any other.
type Log struct {
	Tag      string // what the lines begin with, before the process id
	Facility Facility
	Path     string // the log's socket; "" for the system's

	mu sync.Mutex
	fd int // 0: not open
}

// maxLine is how much of a line is sent: syslog takes no more.
const maxLine = 900

// Printf sends a line. Control characters in it become question marks.
func (l *Log) Printf(level Level, format string, args ...any) {
	text := []byte(fmt.Sprintf(format, args...))
	text = text[:min(len(text), maxLine)]
	for i, c := range text {
		if c < ' ' || c == 0x7f {
			text[i] = '?'
		}
	}
	record := fmt.Appendf(nil, "<%d>%s %s[%d]: %s", int(l.Facility)<<3|int(level), time.Now().Format(time.Stamp), l.Tag, os.Getpid(), text)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.send(record) {
		l.send(record) // the log may have been started anew
	}
}

// send tells whether another attempt is of no use.
func (l *Log) send(record []byte) bool {
	if l.fd == 0 {
		fd, err := connect(l.path())
		if err != nil {
			return true
		}
		l.fd = fd
	}
	err := syscall.Sendto(l.fd, record, syscall.MSG_DONTWAIT, nil)
	if err == nil || err == syscall.EAGAIN || err == syscall.ENOBUFS || err == syscall.EINTR {
		return true
	}
	syscall.Close(l.fd)
	l.fd = 0
	return false
}

func (l *Log) path() string {
	if l.Path != "" {
		return l.Path
	}
	switch runtime.GOOS {
	case "linux", "openbsd":
		return "/dev/log"
	case "darwin":
		return "/var/run/syslog"
	}
	return "/var/run/log"
}

// connect opens a socket that does not pass to other programs.
func connect(path string) (fd int, err error) {
	syscall.ForkLock.RLock()
	fd, err = syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return 0, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		syscall.Close(fd)
		return 0, err
	}
	return fd, nil
}
