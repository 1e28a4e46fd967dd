//go:build linux

package lab

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Host is one private machine.
type Host struct {
	init *exec.Cmd // process 1; the host lives as long as it does
	life io.Closer // what cat reads: process 1 ends when this is closed
	cat  int       // the host's number for cat
	ns   []int     // descriptors of the namespaces: processes first, mounts last
}

// Process 1 waits for the test process to end or to close the pipe, and buries
// the orphans meanwhile. Only a process of the host can mount its /proc, and set
// where the numbers go on: cat gets one out of the way, and the first process
// that matters is 2.
const initScript = `mount -t proc proc /proc || exit
exec 3<&0
echo 30000 2>/dev/null >/proc/sys/kernel/ns_last_pid
cat <&3 >/dev/null &
echo 1 2>/dev/null >/proc/sys/kernel/ns_last_pid
echo $!
wait $!`

// Start makes a host. Its mounts start as a copy of the machine's, it has no
// network yet, and it is for the caller to close.
func Start() (*Host, error) { return start(nil) }

// start is Start with the mounts of parent, if that is not nil.
func start(parent *Host) (*Host, error) {
	h := &Host{init: exec.Command("/bin/sh", "-c", initScript)}
	h.init.SysProcAttr = &syscall.SysProcAttr{
		Setsid:       true, // ctrl-C is the test's business
		Cloneflags:   unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		Unshareflags: unix.CLONE_NEWNS, // its mounts do not show on the machine
	}
	var complaint strings.Builder
	h.init.Stderr = &complaint
	life, err := h.init.StdinPipe()
	if err != nil {
		return nil, err
	}
	ready, err := h.init.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.life = life
	begin := func() { err = h.init.Start() }
	if parent == nil {
		begin()
	} else {
		// Not from inside its process namespace: they do not nest that way.
		parent.do(parent.ns[1:], begin)
	}
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fscanln(ready, &h.cat); err != nil {
		h.Close()
		return nil, fmt.Errorf("mount /proc: %s", strings.TrimSpace(complaint.String()))
	}
	for _, name := range namespaces {
		fd, err := unix.Open(fmt.Sprintf("/proc/%d/ns/%s", h.init.Process.Pid, name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			h.Close()
			return nil, os.NewSyscallError("open namespace", err)
		}
		h.ns = append(h.ns, fd)
	}
	return h, nil
}

// namespaces are a host's in the order of Host.ns.
var namespaces = []string{"pid", "net", "uts", "ipc", "mnt"}

const netNS = 1 // among them

// Fork makes another host, whose mounts start as a copy of h's: files below a
// mount that neither replaces are shared by both.
func (h *Host) Fork() (*Host, error) { return start(h) }

// Kill ends all processes of the host, at once and for good. Its files can
// still be looked at from inside Do.
func (h *Host) Kill() {
	h.life.Close()
	if h.init.ProcessState == nil {
		h.init.Process.Kill()
		h.init.Wait() // killed: there is nothing to learn from its status
	}
}

// Close ends the host and everything in it, and returns when it is gone.
func (h *Host) Close() {
	h.Kill()
	for _, fd := range h.ns {
		unix.Close(fd)
	}
	h.ns = nil
}

// Do runs f inside the host, on a thread of its own: the files it opens by
// name, the sockets it makes and the processes it starts are the host's.
// Goroutines that f starts are not inside. In there umask and working
// directory are f's own too, but a process id is still the machine's.
func (h *Host) Do(f func()) { h.do(h.ns, f) }

func (h *Host) do(ns []int, f func()) {
	done := make(chan struct{})
	returned := false
	var panicked any
	go func() {
		defer close(done)
		// Never unlocked: the thread ends with this goroutine.
		runtime.LockOSThread()
		enter(ns)
		defer func() {
			if !returned {
				panicked = recover()
			}
		}()
		f()
		returned = true
	}()
	<-done
	if panicked != nil {
		panic(panicked)
	}
	if !returned {
		runtime.Goexit() // f ended its test
	}
}

// enter moves this thread into namespaces.
func enter(ns []int) {
	// Its own root, working directory and umask: without, no mount namespace.
	err := unix.Unshare(unix.CLONE_FS)
	for _, fd := range ns {
		if err == nil {
			err = unix.Setns(fd, 0)
		}
	}
	if err != nil {
		panic(fmt.Sprintf("lab: cannot enter the host: %v", err))
	}
	unix.Umask(0o022)
}

// Up brings the loopback interface of the host it is called in up, with more
// addresses on it if wanted.
func Up(addrs ...string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := flagsUp(fd, "lo"); err != nil {
		return err
	}
	for i, addr := range addrs {
		name := "lo:" + strconv.Itoa(i+1)
		if err := setAddr(fd, unix.SIOCSIFADDR, name, net.ParseIP(addr)); err != nil {
			return err
		}
		if err := setAddr(fd, unix.SIOCSIFNETMASK, name, net.IPv4bcast); err != nil {
			return err
		}
	}
	return nil
}

func flagsUp(fd int, name string) error {
	req, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return os.NewSyscallError("ioctl up "+name, unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req))
}

func setAddr(fd int, what uint, name string, ip net.IP) error {
	req, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := req.SetInet4Addr(ip.To4()); err != nil {
		return fmt.Errorf("address %v: %w", ip, err)
	}
	return os.NewSyscallError("ioctl address "+name, unix.IoctlIfreq(fd, what, req))
}
