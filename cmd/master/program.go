package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/cyrusconf"
	"goqmail/lib/syslog"
)

// program is a service: a program that is to run always, and its sockets.
type program struct {
	cyrusconf.Service
	path    string
	sockets []*os.File

	orders chan syscall.Signal // what the process is to be sent
	done   chan struct{}       // closed when it has ended for good
}

// begin starts the service and has it looked after, until stop.
func (s *program) begin(m *master) {
	s.orders, s.done = make(chan syscall.Signal), make(chan struct{})
	// What the goroutine reads is its own: a reload changes s.
	of := *s
	go of.keep(m)
}

// stop ends the service and waits for that.
func (s *program) stop() {
	close(s.orders)
	<-s.done
}

// A program that ends is started again at once if it has run for steady; each time that
// it has not, it is waited twice as long, up to longest.
const (
	steady  = 10 * time.Second
	longest = time.Minute
)

func (s *program) keep(m *master) {
	defer close(s.done)
	wait := time.Duration(0)
	for {
		began := time.Now()
		p, err := m.start(s.Command, s.path, s)
		if err != nil {
			m.say(syslog.Error, "couldn't exec %s: %v", s.path, err)
		} else {
			if !s.watch(p) {
				p.end()
				p.report(m, "service "+s.Name)
				return
			}
			p.report(m, "service "+s.Name)
		}
		if time.Since(began) >= steady {
			wait = 0
		} else if wait > 0 {
			m.say(syslog.Warning, "service %s ends too often: starting it again in %v", s.Name, wait)
		}
		if !s.pause(wait) {
			return
		}
		wait = min(max(2*wait, time.Second), longest)
	}
}

// watch passes signals on until the process ends; false: it is to be ended.
func (s *program) watch(p *process) bool {
	for {
		select {
		case <-p.ended:
			return true
		case signal, ok := <-s.orders:
			if !ok {
				return false
			}
			p.cmd.Process.Signal(signal)
		}
	}
}

// pause waits before the next start; false: there is to be none. HUP ends the waiting.
func (s *program) pause(d time.Duration) bool {
	select {
	case _, ok := <-s.orders:
		return ok
	case <-time.After(d):
		return true
	}
}

// process is a program that was started.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has been waited for
	asked bool          // to end
}

// start starts a program as user cyrus, with the sockets of a service if it is one.
func (m *master) start(c cyrusconf.Command, path string, s *program) (*process, error) {
	cmd := exec.Command(path, c.Cmd[1:]...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + auto.Cyrus + ":/usr/bin:/bin:/usr/sbin:/sbin", "CYRUS_SERVICE=" + c.Name}
	for _, name := range [...]string{"TZ", "LANG", "LC_ALL"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	if m.loud {
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	}
	cmd.SysProcAttr = attributes(m.as)
	if s != nil && len(s.sockets) > 0 {
		// LISTEN_PID is known only to the process itself. A HUP means nothing to it
		// before it has read its configuration; it takes HUP from when it is about to.
		cmd.Path = "/bin/sh"
		cmd.Args = append([]string{"sh", "-c", `trap "" HUP; LISTEN_PID=$$; export LISTEN_PID; exec "$0" "$@"`, path}, c.Cmd[1:]...)
		cmd.Env = append(cmd.Env, "LISTEN_FDS="+strconv.Itoa(len(s.sockets)))
		if s.MaxChildren > 0 {
			cmd.Env = append(cmd.Env, "MAXCHILD="+strconv.Itoa(s.MaxChildren))
		}
		cmd.ExtraFiles = s.sockets // from descriptor 3 on
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		cmd.Wait() // its status says the same as the error
		close(p.ended)
	}()
	return p, nil
}

// patience is how long a program may take to end.
const patience = 30 * time.Second

// end asks the process to end, and then makes it.
func (p *process) end() {
	p.asked = true
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

var errInterrupted = errors.New("told to end")

// waitOr waits for the process, or ends it at a signal that says so.
func (p *process) waitOr(term <-chan os.Signal) error {
	select {
	case <-p.ended:
		return nil
	case <-term:
		p.end()
		return errInterrupted
	}
}

// report logs how the process ended, unless that is as it should be.
func (p *process) report(m *master, what string) {
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	pid := p.cmd.Process.Pid
	switch {
	case status.Signaled() && !(p.asked && status.Signal() == syscall.SIGTERM):
		m.say(syslog.Error, "%s pid %d terminated abnormally: signaled to death by %d", what, pid, int(status.Signal()))
	case status.ExitStatus() > 0:
		m.say(syslog.Error, "%s pid %d exited, status %d", what, pid, status.ExitStatus())
	default:
		m.say(syslog.Debug, "%s pid %d exited, status 0", what, pid)
	}
}
