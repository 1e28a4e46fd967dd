// Qmail-rcptcheck-realrcptto tells whether mail for a recipient would bounce on
// this machine for want of a .qmail file. It is for RCPTCHECK and for
// control/rcptchecks.
//
//	qmail-rcptcheck-realrcptto
//
// The recipient is in the variable RECIPIENT. It exits 100 if qmail-rcptd says
// that there is no such mailbox, and 0 if there is one or nobody can tell, which
// it complains of. Without RECIPIENT it exits 111. See
// qmail-rcptcheck-realrcptto(8).
package main

import (
	"io"

	"goqmail/lib/call"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
	"goqmail/lib/rcptd"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	recipient, ok := c.Env.Lookup("RECIPIENT")
	if !ok {
		return exit.Temp
	}
	refuse, err := rcptd.Refuses(recipient)
	if err != nil {
		io.WriteString(c.Err(), "qmail-rcptcheck-realrcptto: warning: unable to check recipient: "+errno.Text(err)+"\n")
	}
	if refuse {
		return exit.Perm
	}
	return exit.OK
}
