// Qmail-qread lists the messages in the queue that have been preprocessed.
//
//	qmail-qread
//
// For each message it prints the time of arrival, the number, the size and the
// sender, and below them the recipients, with "done" at those that need no
// further delivery and "held" at those that wait for an administrator. See qmail-qread(8).
package main

import (
	"bufio"

	"goqmail/lib/call"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
	"goqmail/lib/queue"
	"goqmail/lib/sig"
)

func main() {
	sig.Default(sig.Swallowed[:]...)
	call.Main(run)
}

func run(c *call.Call) int {
	l := lister{layout: queue.Unsplit(), out: bufio.NewWriter(c.Out())}
	err := l.list()
	if err != nil {
		l.out.WriteString("fatal: " + err.Error() + "\n")
	}
	l.out.Flush() // there is nobody left to tell if this fails
	return exit.Code(err)
}

// lister prints the list.
type lister struct {
	layout queue.Layout
	out    *bufio.Writer
}

// list prints all messages. The error ends the list.
func (l *lister) list() error {
	if err := queue.Reach(); err != nil {
		return exit.Defer("unable to chdir", err)
	}
	for _, dir := range l.layout.Dirs("info") {
		var fatal error
		err := queue.Walk(dir.Path(), func(n queue.Num) bool {
			fatal = l.message(n)
			return fatal == nil
		})
		if fatal != nil {
			return fatal
		}
		if err != nil {
			return exit.Defer("unable to opendir "+string(dir), err)
		}
	}
	return nil
}

// trouble reports that something about a message could not be read.
func (l *lister) trouble(n queue.Num, err error) {
	l.out.WriteString("warning: trouble with #" + n.String() + ": " + errno.Text(err) + "\n")
}
