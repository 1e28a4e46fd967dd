package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/socket"
)

// children is a program of which each connection gets a process of its own.
type children struct {
	args   []string
	stderr *os.File

	mu      sync.Mutex // held from before a start until its pid is in waiting
	waiting map[int]chan syscall.WaitStatus
}

func newChildren(args []string, stderr *os.File) *children {
	c := &children{args: args, stderr: stderr, waiting: map[int]chan syscall.WaitStatus{}}
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	go c.reap(died)
	return c
}

func (c *children) start(conn *os.File, env call.Env) (pid int, wait func() syscall.WaitStatus, err error) {
	if err := socket.Blocking(conn); err != nil {
		return 0, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	cmd := child.Cmd{Args: c.args, Env: env, Files: []*os.File{conn, conn, c.stderr}}
	pid, err = cmd.StartFound()
	if err != nil {
		return 0, nil, err
	}
	end := make(chan syscall.WaitStatus, 1)
	c.waiting[pid] = end
	return pid, func() syscall.WaitStatus { return <-end }, nil
}

// reap collects processes that have ended. One goroutine does it for all, since
// each that waits in the system costs a thread.
func (c *children) reap(died <-chan os.Signal) {
	for range died {
		c.mu.Lock()
		for {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
			if err == syscall.EINTR {
				continue
			}
			if pid <= 0 {
				break
			}
			if end, ok := c.waiting[pid]; ok { // else a child of whatever ran here before exec
				end <- status
				delete(c.waiting, pid)
			}
		}
		c.mu.Unlock()
	}
}
