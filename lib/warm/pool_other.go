//go:build !linux

package warm

import (
	"time"

	"goqmail/lib/child"
)

// Pool starts programs; see doc.go.
type Pool struct {
	Classic func(child.Cmd) (pid int, err error)
	Many    bool
	Size    int
	Calls   uint32
	Idle    time.Duration
	Watch   []string
	Alone   bool
}

// Call does nothing.
func (p *Pool) Call(cmd child.Cmd) (started Process, ok bool) { return started, false }

// Start starts cmd.
func (p *Pool) Start(cmd child.Cmd) (Process, error) {
	pid, err := p.Classic(cmd)
	return Process{Pid: pid}, err
}
