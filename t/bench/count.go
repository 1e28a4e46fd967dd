//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// counter counts events of the processes in a cgroup, with the kernel's
// tracepoints: what tools measure would disturb more.
type counter []int // the descriptors of its perf events

// Events that are counted. A thread is no process.
const (
	newProcess = "task/task_newtask"
	noThread   = "!(clone_flags & 0x10000)"
	fsync      = "syscalls/sys_enter_fsync"
	fdatasync  = "syscalls/sys_enter_fdatasync"
)

// traceDir is where inner mounts tracefs.
const traceDir = "/sys/kernel/tracing"

// count starts to count an event. Where the kernel has no such events, the
// counter is nil and stays silent.
func count(cgroup, event, filter string) (c counter) {
	id, err := os.ReadFile(filepath.Join(traceDir, "events", event, "id"))
	if err != nil {
		return nil
	}
	number, _ := strconv.ParseUint(strings.TrimSpace(string(id)), 10, 64)
	group, err := os.Open(cgroup)
	must(err)
	defer group.Close()
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_TRACEPOINT, Config: number}
	attr.Size = uint32(unsafe.Sizeof(attr))
	for cpu := range runtime.NumCPU() {
		fd, err := unix.PerfEventOpen(&attr, int(group.Fd()), cpu, -1, unix.PERF_FLAG_PID_CGROUP|unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			c.close()
			return nil
		}
		c = append(c, fd)
		if filter == "" {
			continue
		}
		text := append([]byte(filter), 0)
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.PERF_EVENT_IOC_SET_FILTER, uintptr(unsafe.Pointer(&text[0]))); e != 0 {
			panic(fmt.Errorf("filter %s: %v", filter, e))
		}
	}
	return c
}

// value is how many there were so far.
func (c counter) value() (sum uint64) {
	for _, fd := range c {
		var b [8]byte
		unix.Read(fd, b[:])
		sum += binary.NativeEndian.Uint64(b[:])
	}
	return sum
}

func (c counter) close() {
	for _, fd := range c {
		unix.Close(fd)
	}
}

// meter measures what the programs under test use from when it is made.
type meter struct {
	e                *Env
	begin            spent
	processes, syncs []counter
}

// spent is what they used. A count is below 0 where the kernel does not tell.
type spent struct{ cpu, load, processes, syncs float64 }

func (e *Env) meter() *meter {
	parent := filepath.Dir(e.c.CgSut) // the load starts a program, which then changes its cgroup
	return &meter{e, spent{cpu: cpu(e.c.CgSut), load: cpu(e.c.CgLoad)},
		[]counter{count(parent, newProcess, noThread)},
		[]counter{count(parent, fsync, ""), count(parent, fdatasync, "")}}
}

// stop ends the measurement.
func (m *meter) stop() spent {
	c := m.e.c
	return spent{cpu(c.CgSut) - m.begin.cpu, cpu(c.CgLoad) - m.begin.load, total(m.processes), total(m.syncs)}
}

func total(counters []counter) (sum float64) {
	for _, c := range counters {
		if c == nil {
			return -1
		}
		sum += float64(c.value())
		c.close()
	}
	return sum
}

// figs are the figures for each of n units.
func (s spent) figs(e *Env, n int, unit string) {
	e.fig("CPU s/1000 "+unit, s.cpu*1000/float64(n), "-")
	e.fig("load generator CPU s/1000", s.load*1000/float64(n), "")
	if s.processes >= 0 {
		e.fig("processes/"+unit, s.processes/float64(n), "-")
	}
	if s.syncs >= 0 {
		e.fig("fsyncs/"+unit, s.syncs/float64(n), "-")
	}
}
