package main

import (
	"runtime"
	"strconv"
	"syscall"
	"time"

	"goqmail/lib/localtime"
)

// The levels and facilities of syslog(3) that are used here.
const (
	alert   = 1
	warning = 4
	info    = 6

	user = 1
	mail = 2
)

// facility reads a facility's number. Numbers wrap at 29 bits; what syslog has
// no room for is user.
func facility(s string) int {
	var n uint32
	for i := 0; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		n = n*10 + uint32(s[i]-'0')
	}
	n = n << 3 >> 3
	if n > 127 {
		return user
	}
	return int(n)
}

// logger sends records to the system's log, as syslog(3) does. What cannot be
// sent is lost: there is nobody to tell.
type logger struct {
	tag      string
	facility int
	zone     localtime.Zone
	path     string // the log's socket

	last      time.Time // what tick returned
	connected bool
	fd        int
	stream    bool // the log is a stream socket, with a NUL behind each record
}

func (l *logger) log(now time.Time, level int, text string) {
	record := "<" + strconv.Itoa(l.facility<<3|level) + ">" + l.zone.Clock(now).Format("Jan _2 15:04:05 ") + l.tag + ": " + text
	wasConnected := l.connected
	if l.connect() && l.send(record) {
		return
	}
	if wasConnected { // it may have been started anew
		l.close()
		if l.connect() && l.send(record) {
			return
		}
	}
	l.close()
}

// tick returns the time, but later by a microsecond than what it last returned:
// readers of logs tell lines by it, and sort them.
func (l *logger) tick() time.Time {
	now := time.Now().Truncate(time.Microsecond)
	if step := l.last.Add(time.Microsecond); now.Before(step) && step.Sub(now) < time.Second { // else the clock was set back
		now = step
	}
	l.last = now
	return now
}

func (l *logger) send(record string) bool {
	if l.stream {
		record += "\x00"
	}
	for {
		n, err := syscall.Write(l.fd, []byte(record))
		if err != syscall.EINTR {
			return n >= 0 && err == nil
		}
	}
}

// connect opens the log, if that is not done yet. It is a datagram socket on
// most systems and a stream socket on some.
func (l *logger) connect() bool {
	if l.connected {
		return true
	}
	kind := syscall.SOCK_DGRAM
	if l.stream {
		kind = syscall.SOCK_STREAM
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, kind, 0)
	if err != nil {
		return false
	}
	switch err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: l.path}); {
	case err == nil:
		l.fd, l.connected = fd, true
		return true
	case err == syscall.EPROTOTYPE && !l.stream:
		syscall.Close(fd)
		l.stream = true
		return l.connect()
	default:
		syscall.Close(fd)
		return false
	}
}

func (l *logger) close() {
	if l.connected {
		syscall.Close(l.fd)
		l.connected = false
	}
}

// logPath is where the log listens on this system.
func logPath() string {
	switch runtime.GOOS {
	case "linux", "openbsd":
		return "/dev/log"
	case "darwin":
		return "/var/run/syslog"
	}
	return "/var/run/log"
}
