// Crowd starts programs from many goroutines while others need memory, which a
// program under softlimit must survive. Before, it tries in vain to become another
// program, with arguments that take memory too.
//
//	crowd program argument ...
//
// As root, it starts them as user 12, group 34 and 56. It exits with the number of programs that did not exit 0.
package main

import (
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/child"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	debug.SetGCPercent(-1) // one that becomes another program has nothing else going on
	long := []string{strings.Repeat("x", 100_000)}
	for range 200 {
		child.Exec("/nonexistent/program", long, c.Env)
	}
	debug.SetGCPercent(100)
	done := make(chan struct{})
	go waste(done)
	failures := make(chan error, 200)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 25 {
				cmd := child.Cmd{Sys: as(), Args: c.Args[1:], Env: c.Env, Files: []*os.File{c.In(), c.Out(), c.Err()}}
				pid, err := cmd.StartFound()
				if err != nil {
					failures <- err
					continue
				}
				if status, err := child.Wait(pid); err != nil || status != 0 {
					failures <- err
				}
			}
		})
	}
	group.Wait()
	close(done)
	return min(len(failures), 100)
}

func as() *syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12, Gid: 34, Groups: []uint32{34, 56}}}
}

// waste keeps the garbage collector busy and the heap growing.
func waste(done <-chan struct{}) {
	var kept [][]byte
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
		}
		kept = append(kept, make([]byte, 20000))
		if len(kept) == 2000 {
			kept = nil
		}
	}
}
