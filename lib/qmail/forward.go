package qmail

import (
	"io"

	"goqmail/lib/call"
	"goqmail/lib/exit"
)

// Forward sends the message on c's descriptor 0 on to recipients, for a command
// of a .qmail file: behind the DTLINE of qmail-local, which ends loops, and from
// the sender in a variable, SENDER or NEWSENDER. It returns the process id of
// qmail-queue; its errors know their exit codes.
func Forward(c *call.Call, variable string, recipients ...string) (pid int, err error) {
	// An empty sender is legal (it is a bounce); an unset one is not.
	sender, ok := c.Env.Lookup(variable)
	if !ok {
		return 0, exit.Reject(variable+" not set", nil)
	}
	deliveredTo, ok := c.Env.Lookup("DTLINE")
	if !ok {
		return 0, exit.Reject("DTLINE not set", nil)
	}
	queue, err := Open(c.Env, c.Err())
	if err != nil {
		return 0, exit.Defer("unable to fork", err)
	}
	queue.WriteString(deliveredTo)
	if _, err := io.Copy(queue, c.In()); err != nil {
		return 0, exit.Defer("unable to read message", err)
	}
	queue.From(sender)
	for _, recipient := range recipients {
		queue.To(recipient)
	}
	return queue.Pid(), queue.Close()
}
