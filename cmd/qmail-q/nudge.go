package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/exit"
	"goqmail/lib/queue"
)

// patience is how long to wait until qmail-send takes what it was asked for.
const patience = 10 * time.Second

const (
	notRunning = "qmail-q: note: qmail-send is not running; this counts as soon as it is\n"
	notTaken   = "qmail-q: note: this qmail-send does not try single messages; this counts at their next try, or with qmail-q retry -a\n"
)

// nudge has qmail-send look at the messages that were changed now. The reference's
// does not know lock/retry, and looks when it would have tried them anyway.
func (t *tool) nudge() error {
	if !listening() {
		io.WriteString(t.err, notRunning)
		return nil
	}
	path := queue.Retry.Path()
	st, err := os.Stat(path)
	if err == nil && st.Size() > 0 && time.Since(st.ModTime()) > patience {
		io.WriteString(t.err, notTaken) // nor what was asked for last time
		return nil
	}
	if err == nil {
		err = queue.AskRetries(path, t.touched)
	}
	for end := time.Now().Add(patience); err == nil && time.Now().Before(end); {
		queue.Pull()
		for range 50 {
			time.Sleep(10 * time.Millisecond)
			if st, err = os.Stat(path); err == nil && st.Size() == 0 {
				return nil
			}
		}
	}
	io.WriteString(t.err, notTaken)
	return nil
}

// listening tells whether a qmail-send has the trigger open.
func listening() bool {
	fd, err := syscall.Open(queue.TriggerFIFO.Path(), syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	syscall.Close(fd)
	return true
}

// hurry makes all messages due, with the signal that every qmail-send knows.
func (t *tool) hurry() error {
	pid := sendPid()
	if pid == 0 {
		return exit.Defer("unable to find qmail-send; is it running? It takes an ALRM signal", nil)
	}
	if err := syscall.Kill(pid, syscall.SIGALRM); err != nil {
		return exit.Defer("unable to signal qmail-send", err)
	}
	return nil
}

// sendPid finds the process that has the lock of qmail-send, 0 if there is none or
// the system does not tell.
func sendPid() int {
	var mutex unix.Stat_t
	if unix.Stat(queue.SendMutex.Path(), &mutex) != nil {
		return 0
	}
	locks, _ := os.ReadFile("/proc/locks") // Linux; elsewhere there is none
	for line := range strings.Lines(string(locks)) {
		// 1: FLOCK ADVISORY WRITE 1234 08:01:5678 0 EOF
		word := strings.Fields(line)
		if len(word) < 6 || !strings.HasSuffix(word[5], ":"+strconv.FormatUint(uint64(mutex.Ino), 10)) {
			continue
		}
		name, _ := os.ReadFile("/proc/" + word[4] + "/comm")
		if pid, err := strconv.Atoi(word[4]); err == nil && string(name) == "qmail-send\n" {
			return pid
		}
	}
	return 0
}

// delivering returns those of some messages that other processes have open, in
// their order, as far as the system tells. Only root is told.
func delivering(nums []queue.Num) []queue.Num {
	unbecome()
	var dir unix.Stat_t
	if unix.Stat(queue.Name("mess").Path(), &dir) != nil {
		return nil
	}
	open := map[queue.Num]bool{}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	me := "/proc/" + strconv.Itoa(os.Getpid()) + "/"
	for _, link := range links {
		var st unix.Stat_t
		if !strings.HasPrefix(link, me) && unix.Stat(link, &st) == nil && st.Dev == dir.Dev && st.Mode&unix.S_IFMT == unix.S_IFREG {
			open[queue.Num(st.Ino)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(nums), func(n queue.Num) bool { return !open[n] })
}
