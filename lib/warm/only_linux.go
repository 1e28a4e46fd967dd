package warm

import (
	"math"
	"syscall"
	"time"

	"goqmail/lib/child"
)

// Only is a process of a program that was started in advance, by one who will
// not be able to start another.
type Only struct {
	process *process
	file    string
	version version
}

// Begin starts cmd's program to stay as long as this process does, and be called
// with the identity that it has now. There is none if it does not understand.
func Begin(cmd child.Cmd) (o *Only, ok bool) {
	p := &Pool{
		Classic: func(cmd child.Cmd) (int, error) { return cmd.Start() },
		Size:    1, Calls: math.MaxUint32, Idle: math.MaxInt32 * time.Second,
	}
	t, ok := p.claim(cmd, identity{})
	if !ok {
		return nil, false
	}
	t.begin(cmd)
	t.giveUp(t.conn == nil)
	if t.conn == nil {
		return nil, false
	}
	return &Only{t.process, place{cmd.Dir, cmd.Path}.file(), t.program.versions[0]}, true
}

// Start makes a call. The error is ESRCH when the process is gone and ESTALE when
// its program's file is another one.
func (o *Only) Start(cmd child.Cmd) (Process, error) {
	if now, err := look(o.file); err != nil || now != o.version {
		return Process{}, syscall.ESTALE
	}
	p := o.process.pool
	p.mu.Lock()
	if o.process.retired {
		p.mu.Unlock()
		return Process{}, syscall.ESRCH
	}
	t := o.process.reserve()
	p.mu.Unlock()
	if err := t.send(cmd); err != nil {
		t.giveUp(err == errGone)
		return Process{}, syscall.ESRCH
	}
	return Process{Pid: callPid(t.pid, t.num), end: t.end}, nil
}

// Over is closed once the process is gone.
func (o *Only) Over() <-chan struct{} { return o.process.over }
