package warm

import (
	"syscall"

	"goqmail/lib/child"
)

// Process is one start of a program: a process of its own, or a call.
type Process struct {
	Pid int // stands for this start in logs, and for no other of the time
	end <-chan syscall.WaitStatus
}

// Wait waits for the end, once. A call whose process died was ended by signal
// ABRT. The error is that of child.Wait.
func (p Process) Wait() (syscall.WaitStatus, error) {
	if p.end == nil {
		return child.Wait(p.Pid)
	}
	return <-p.end, nil
}

// callPid is the process id that stands for call num of a process: no process
// has one above 4194304.
func callPid(pid int, num uint32) int { return pid + int(num)<<22 }
