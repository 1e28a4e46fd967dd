//go:build linux

package lab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Process is a process of a host.
type Process struct {
	Pid    int // the machine's number for it, not the host's
	Parent int
	Name   string
	inside int // the host's number for it
}

// Processes lists the living processes of the host, but for those that keep it.
func (h *Host) Processes() []Process {
	home, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", h.init.Process.Pid))
	if err != nil {
		return nil // the host is gone
	}
	entries, _ := os.ReadDir("/proc")
	var out []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == h.init.Process.Pid {
			continue
		}
		if ns, err := os.Readlink("/proc/" + e.Name() + "/ns/pid"); err != nil || ns != home {
			continue
		}
		if p, ok := process(pid); ok && p.inside != h.cat {
			out = append(out, p)
		}
	}
	return out
}

// process reads /proc/pid/status; ok is false when the process is gone or
// waits only for its parent to notice. While one of its threads is left, its
// files may still be open.
func process(pid int) (p Process, ok bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return p, false
	}
	p.Pid = pid
	var ended bool
	var threads int
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Name":
			p.Name = value
		case "PPid":
			p.Parent, _ = strconv.Atoi(value)
		case "NSpid":
			numbers := strings.Fields(value)
			p.inside, _ = strconv.Atoi(numbers[len(numbers)-1])
		case "State":
			ended = value[0] == 'Z' || value[0] == 'X'
		case "Threads":
			threads, _ = strconv.Atoi(value)
		}
	}
	return p, !ended || threads > 1
}

// Busy tells whether anything runs in the host but for what keeps it. It must be
// called inside, and is quicker than Processes.
func (h *Host) Busy() bool {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return false
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n != 1 && n != h.cat {
			if _, ok := process(n); ok {
				return true
			}
		}
	}
	return false
}

// Calm tells whether all that runs in the host waits for something, so that it has done
// what it could. It must be called inside.
func (h *Host) Calm() bool {
	threads, _ := filepath.Glob("/proc/[0-9]*/task/[0-9]*/stat")
	return !slices.ContainsFunc(threads, func(thread string) bool {
		stat, err := os.ReadFile(thread)
		state := stat[bytes.LastIndexByte(stat, ')')+1:] // behind the name, which may be anything
		return err == nil && len(state) > 1 && strings.IndexByte("RD", state[1]) >= 0
	})
}

// AwaitCalm waits until all is Calm, such as after a signal that no log tells of.
func (h *Host) AwaitCalm(t T) {
	t.Helper()
	Await(t, "all to wait for something", func() (calm bool) {
		h.Do(func() { calm = h.Calm() })
		return calm
	})
}

// Pids gives the processes of a name, which the kernel cuts at 15 bytes.
func (h *Host) Pids(name string) []int {
	var pids []int
	for _, p := range h.Processes() {
		if p.Name == name[:min(len(name), 15)] {
			pids = append(pids, p.Pid)
		}
	}
	return pids
}

// Signal sends sig to the one process called name. A child that it forks has
// its name until it becomes something else, and is not meant.
func (h *Host) Signal(t T, name string, sig syscall.Signal) {
	t.Helper()
	var found []Process
	for _, p := range h.Processes() {
		if p.Name == name[:min(len(name), 15)] {
			found = append(found, p)
		}
	}
	pids := map[int]bool{}
	for _, p := range found {
		pids[p.Pid] = true
	}
	found = slices.DeleteFunc(found, func(p Process) bool { return pids[p.Parent] })
	if len(found) != 1 {
		t.Fatalf("%d processes are called %s, want 1", len(found), name)
	}
	syscall.Kill(found[0].Pid, sig) // it may just have ended: what follows shows
}

// Memory is what process pid holds in memory, in bytes.
func Memory(t T, pid int) int { t.Helper(); return status(t, pid, "VmRSS", 0) << 10 }

// PeakMemory is the most that it ever had there, in bytes.
func PeakMemory(t T, pid int) int { t.Helper(); return status(t, pid, "VmHWM", 0) << 10 }

// Uid is the effective uid of process pid.
func Uid(t T, pid int) int { t.Helper(); return status(t, pid, "Uid", 1) }

// status gives a number of a line of /proc/pid/status.
func status(t T, pid int, key string, field int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatalf("%v", err)
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			n, err := strconv.Atoi(strings.Fields(value)[field])
			if err == nil {
				return n
			}
		}
	}
	t.Fatalf("process %d has no %s", pid, key)
	return 0
}
