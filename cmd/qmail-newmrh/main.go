// Qmail-newmrh makes control/morercpthosts.cdb of control/morercpthosts, the
// hosts that qmail-smtpd accepts mail for beside those in rcpthosts.
//
//	qmail-newmrh
//
// The new file takes the place of the old one at once, when it is complete and
// on disk. Qmail-newmrh exits 111 when it cannot make one; the old one stays.
package main

import (
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/cdblist"
	"goqmail/lib/exit"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	sig.Default(syscall.SIGPIPE)
	return exit.Report(c.Err(), "qmail-newmrh", cdblist.Make("control/morercpthosts", ""))
}
