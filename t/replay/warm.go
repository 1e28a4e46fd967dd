//go:build linux

package replay

import (
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/warm"
	"goqmail/t/lab"
)

// station runs cases one after the other on a host that stays, so that warm
// processes in it can serve them all. Each case finds the host as the first did.
type station struct {
	*Runner
	host   *lab.Host
	pool   warm.Pool
	mounts []mounted // before the first case
	begun  int       // how many processes were started
}

func newStation(r *Runner, many bool) (*station, error) {
	host, err := r.base.Fork()
	if err != nil {
		return nil, err
	}
	s := &station{Runner: r, host: host}
	start := func(cmd child.Cmd) (int, error) {
		s.begun++
		return cmd.Start()
	}
	s.pool = warm.Pool{Classic: start, Many: many, Size: 8, Calls: 1 << 20, Idle: time.Hour}
	host.Do(func() { s.mounts = mounts() })
	return s, nil
}

// applies says what of a case a call cannot have, "" when it can be one.
func (c *Case) applies() (why string) {
	switch {
	case c.Rlimits != nil:
		return "limits"
	case c.Umask != nil:
		return "umask"
	case c.Cwd != "" && c.Cwd != "/":
		return "working directory"
	case c.Groups != nil:
		return "groups"
	case strings.Contains(string(c.Program), "/"):
		return "another program"
	case c.Addrs != nil:
		return "addresses of the host"
	}
	for _, d := range c.Fds {
		if d.Kind == "closed" {
			return "closed descriptor"
		}
	}
	for _, s := range c.Script {
		if s.Word == "signal" {
			return "signal"
		}
	}
	return ""
}

// Run runs a case by a call.
func (s *station) Run(c *Case) (result map[string]any) {
	s.host.Do(func() {
		x := &run{Runner: s.Runner, c: c, host: s.host, warm: s, stuck: -1}
		defer s.clear()
		defer x.peers.end()
		var err error
		if result, err = x.play(); err != nil {
			result = map[string]any{"errors": []any{err.Error()}}
		}
	})
	return result
}

// start makes the call.
func (s *station) start(program string, args []string, env call.Env, e *ends, as *syscall.SysProcAttr) (p started, err error) {
	cmd := child.Cmd{Path: program, Args: args, Env: env, Dir: "/", Sys: as}
	for _, fd := range e.child {
		own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return p, os.NewSyscallError("dup", err)
		}
		f := os.NewFile(uintptr(own), "")
		defer f.Close()
		cmd.Files = append(cmd.Files, f)
	}
	process, err := s.call(cmd)
	return started{
		wait: func() map[string]any {
			status, _ := process.Wait()
			return seen(status)
		},
		kill: s.stop,
	}, err
}

func (s *station) call(cmd child.Cmd) (warm.Process, error) {
	if path.Base(cmd.Path) == "qmail-smtpd" {
		cmd.Path += "s"
	}
	process, ok := s.pool.Call(cmd)
	if !ok {
		return process, fmt.Errorf("%s cannot be called", cmd.Path)
	}
	return process, nil
}

// neighbour is a call of qmail-smtpd or qmail-queue that is under way while the
// cases are played.
type neighbour struct {
	process warm.Process
	in, out *os.File
}

// beside starts a program's neighbour, as a user that cases have too. If it speaks
// first, it has read its files when beside returns.
func (s *station) beside(program, user, in string, speaks bool) (n neighbour, err error) {
	s.host.Do(func() {
		defer s.clear()
		if err = lab.LayHome(s.programs, accounts, recordedHome()); err != nil {
			return
		}
		if err = os.WriteFile("/var/qmail/control/me", []byte("neighbour.example\n"), 0o644); err != nil {
			return
		}
		var theirs [3]*os.File
		if theirs[0], n.in, err = os.Pipe(); err != nil {
			return
		}
		if n.out, theirs[1], err = os.Pipe(); err != nil {
			return
		}
		theirs[2] = os.Stderr
		defer theirs[0].Close()
		defer theirs[1].Close()
		uid, gid := uint32(accounts.Uid(user)), uint32(accounts.PrimaryGid(user))
		n.process, err = s.call(child.Cmd{
			Path: "/var/qmail/bin/" + program, Args: []string{program}, Env: call.Env{"RELAYCLIENT=.neighbour"},
			Dir: "/", Files: theirs[:], Sys: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid, Groups: []uint32{gid}}},
		})
		if err == nil {
			_, err = n.in.WriteString(in)
		}
		for again := err == nil && speaks; again; again = err == unix.EINTR {
			_, err = unix.Poll([]unix.PollFd{{Fd: int32(n.out.Fd()), Events: unix.POLLIN}}, -1)
		}
	})
	return n, err
}

// end gives a neighbour the rest of its input, and tells all that it said and
// its exit code.
func (n neighbour) end(in string) (said string, code int) {
	n.in.WriteString(in)
	n.in.Close()
	all, _ := io.ReadAll(n.out)
	status, _ := n.process.Wait()
	return string(all), status.ExitStatus()
}

// strangers are the host's processes that are not warm.
func (s *station) strangers() (pids []int) {
	outside(func() {
		for _, p := range s.host.Processes() {
			env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.Pid))
			if !slices.Contains(strings.Split(string(env), "\x00"), "QMAILWARM=3") {
				pids = append(pids, p.Pid)
			}
		}
	})
	return pids
}

// stop ends all processes, for a case that takes too long.
func (s *station) stop() {
	outside(func() {
		for _, p := range s.host.Processes() {
			unix.Kill(p.Pid, unix.SIGKILL)
		}
	})
}

// end ends what a case has left running.
func (s *station) end() {
	for _, pid := range s.strangers() {
		unix.Kill(pid, unix.SIGKILL)
	}
}

// clear takes away what a case has left.
func (s *station) clear() {
	s.end()
	for _, m := range slices.Backward(mounts()) {
		if !slices.Contains(s.mounts, m) {
			unix.Unmount(m.at, unix.MNT_DETACH)
		}
	}
}

// outside calls f as from outside of any host.
func outside(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// mounted is a mount: its number, and where it is.
type mounted struct{ id, at string }

// mounts lists those of the host it is called in, the oldest first.
func mounts() (all []mounted) {
	table, _ := os.ReadFile("/proc/1/mountinfo")
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 4 {
			all = append(all, mounted{f[0], f[4]})
		}
	}
	return all
}
