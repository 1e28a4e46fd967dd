package main

import (
	"os"

	"goqmail/lib/queue"
)

// maxRemovals is how many messages qmail-clean may be asked to remove ahead of
// its answers.
const maxRemovals = 64

// cleaner is the connection to qmail-clean, which may remove what qmail-send
// may not: files in mess, intd and todo. It answers requests in their order,
// each with one byte, which is + if all is well. Nobody waits for the answers.
type cleaner struct {
	requests chan request
	pending  int  // requests without an answer
	gone     bool // one of them will have none
}

type request struct {
	name     queue.Name
	answered func(answer int)
	late     bool // made to a qmail-clean that was known to be gone
}

// What stands for an answer that will not come.
const (
	lost   = -1
	noNews = -2 // the same, for a request made before the first was lost
)

// newCleaner starts the goroutines that write to and read from qmail-clean.
// Answers are handed on through do.
func newCleaner(do chan<- func(), to, from *os.File) *cleaner {
	c := &cleaner{requests: make(chan request, maxRemovals+2*(window+lingerMax+2))}
	asked := make(chan request, cap(c.requests))
	answer := func(r request, answer int) {
		do <- func() {
			c.pending--
			if answer == lost && c.gone && !r.late {
				answer = noNews
			}
			c.gone = c.gone || answer == lost
			r.answered(answer)
		}
	}
	go func() {
		for r := range c.requests {
			if _, err := to.WriteString(string(r.name) + "\x00"); err != nil {
				answer(r, lost)
				continue
			}
			asked <- r
		}
	}()
	go func() {
		for r := range asked {
			var b [1]byte
			if n, _ := from.Read(b[:]); n == 1 {
				answer(r, int(b[0]))
			} else {
				answer(r, lost)
			}
		}
	}()
	return c
}

// remove asks for what name stands for to be removed. answered is called with
// the answer, or lost or noNews.
func (c *cleaner) remove(name queue.Name, answered func(answer int)) {
	c.pending++
	c.requests <- request{name, answered, c.gone}
}

// cleaned tells whether a request was fulfilled, and logs if not.
func (m *manager) cleaned(name queue.Name, answer int) bool {
	switch answer {
	case '+':
		return true
	case lost:
		m.log.print("alert: oh no! lost qmail-clean connection! dying...")
		m.exit()
	case noNews:
	default:
		m.log.print("warning: qmail-clean unable to clean up ", string(name))
	}
	return false
}
