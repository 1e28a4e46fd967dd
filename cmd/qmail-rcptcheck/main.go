// Qmail-rcptcheck decides whether mail for a recipient is to be accepted: by
// lists of those who are, and by the programs in control/rcptchecks.
//
//	qmail-rcptcheck
//
// The sender is in the variable SENDER, the recipient in RECIPIENT. It exits 100
// to refuse, 111 if it cannot tell, 120 if a program cannot be run, and 0 to
// accept. With USE_FD4 set, the reply for the client goes to descriptor 4.
// Qmail-smtpd runs it by itself where one of its control files exists; it is also
// for RCPTCHECK. See qmail-rcptcheck(8).
package main

import (
	"io"
	"os"

	"goqmail/lib/ascii"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/exit"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	err := check(c)
	var reply string
	switch code := exit.Code(err); {
	case code == exit.Perm:
		reply = err.Error()
	case err != nil && err.Error() != "":
		io.WriteString(c.Err(), "qmail-rcptcheck: "+err.Error()+"\n")
	}
	if reply != "" && c.Env.Get("USE_FD4") != "" {
		io.WriteString(c.File(4), reply+"\n")
	}
	return exit.Code(err)
}

// question is about a recipient.
type question struct {
	call      *call.Call
	recipient string // as the client wrote it
	address   string // in lower case
	local     string // what is in front of the last @ of address, or all
	at        string // "@" and what is behind, or nothing
}

// check asks one after the other. The first that does not accept has the last
// word: to refuse is an exit.Reject with the reply as its text.
func check(c *call.Call) error {
	recipient, ok := c.Env.Lookup("RECIPIENT")
	if !ok {
		return exit.Defer("RECIPIENT not set", nil)
	}
	if err := os.Chdir(auto.Home); err != nil {
		return exit.Defer("unable to chdir to "+auto.Home, err)
	}
	q := &question{call: c, recipient: recipient, address: ascii.Lower(recipient)}
	q.local, q.at = split(q.address)
	for _, ask := range [...]func() error{q.validRcptTo, q.validRcptToCDB, q.goodRcptTo, q.recipients, q.programs} {
		if err := ask(); err != nil {
			return err
		}
	}
	return nil
}
