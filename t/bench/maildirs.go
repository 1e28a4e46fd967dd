//go:build linux

package main

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// What comes out: new files in Maildirs, and an empty queue.

type Watch struct {
	fd    int
	mu    sync.Mutex
	cond  *sync.Cond
	times []time.Time
}

func newWatch() *Watch {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC)
	must(err)
	w := &Watch{fd: fd}
	w.cond = sync.NewCond(&w.mu)
	return w
}

func (w *Watch) add(d string) {
	_, err := syscall.InotifyAddWatch(w.fd, d, syscall.IN_CREATE|syscall.IN_MOVED_TO)
	must(err)
}

func (w *Watch) loop() {
	buf := make([]byte, 1<<16)
	for {
		n, err := syscall.Read(w.fd, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return
		}
		now := time.Now()
		w.mu.Lock()
		for o := 0; o+16 <= n; {
			l := *(*uint32)(unsafe.Pointer(&buf[o+12]))
			o += 16 + int(l)
			w.times = append(w.times, now)
		}
		w.mu.Unlock()
		w.cond.Broadcast()
	}
}

func (w *Watch) count() int { w.mu.Lock(); defer w.mu.Unlock(); return len(w.times) }

// wait waits until at least n files appeared; returns the time of the n-th.
func (w *Watch) wait(n int, max time.Duration) time.Time {
	end := time.Now().Add(max)
	t := time.AfterFunc(max, func() { w.cond.Broadcast() })
	defer t.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.times) < n {
		if time.Now().After(end) {
			panic(fmt.Errorf("timeout: %d of %d deliveries", len(w.times), n))
		}
		w.cond.Wait()
	}
	return w.times[n-1]
}

func (e *Env) waitEmpty(max time.Duration) time.Time {
	end := time.Now().Add(max)
	for {
		busy := false
		for _, d := range []string{"todo", "mess", "info"} {
			if cnt("/var/qmail/queue/"+d, d != "todo") {
				busy = true
				break
			}
		}
		if !busy {
			return time.Now()
		}
		if time.Now().After(end) {
			panic("queue does not drain: " + e.logtail())
		}
		time.Sleep(15 * time.Millisecond)
	}
}

func cnt(dir string, sub bool) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	if !sub {
		return len(names) > 0
	}
	for _, n := range names {
		if cnt(dir+"/"+n, false) {
			return true
		}
	}
	return false
}
