// Qmail-clean removes files from the queue for qmail-send, which may not write
// where they are.
//
//	qmail-clean
//
// It reads requests from descriptor 0, each ended by a NUL, and answers each on
// descriptor 1: + for done, ! for a system error, x for a request that makes
// no sense. The requests are todo/N, which takes message N from state S4 to
// S5, and foop/N, from S2 or S3 to S1; see lib/queue. It ends at the end of
// its input. See qmail-clean(8).
package main

import (
	"bufio"
	"os/signal"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/queue"
	"goqmail/lib/sig"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // os/signal, because the runtime acts on a broken descriptor 1
	sig.Default(sig.Swallowed[:]...)
	call.Main(run)
}

// pidEvery is how many requests pass between two looks at pid.
const pidEvery = 31

func run(c *call.Call) int {
	if queue.Reach() != nil {
		return exit.Temp
	}
	layout, err := queue.Look()
	if err != nil {
		return exit.Temp
	}
	requests := bufio.NewReader(c.In())
	for n := 0; ; n++ {
		if n%pidEvery == 0 {
			cleanPid()
		}
		request, err := requests.ReadBytes(0)
		if err != nil {
			return exit.OK
		}
		if _, err := c.Out().WriteString(serve(layout, request)); err != nil {
			return exit.Perm
		}
	}
}

// cleanPid removes what qmail-queues that died have left in pid.
func cleanPid() {
	now := time.Now()
	queue.WalkAll("pid", func(file queue.Name) bool {
		if file.IsOssified(now) {
			syscall.Unlink(file.Path()) // if not now, then at the next look
		}
		return true
	})
}
