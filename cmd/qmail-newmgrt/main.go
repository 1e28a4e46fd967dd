// Qmail-newmgrt makes control/moregoodrcptto.cdb of control/moregoodrcptto, the
// recipients that qmail-rcptcheck accepts beside those in goodrcptto.
//
//	qmail-newmgrt
//
// The new file takes the place of the old one at once, when it is complete and
// on disk. Qmail-newmgrt exits 111 when it cannot make one; the old one stays.
package main

import (
	"goqmail/lib/call"
	"goqmail/lib/cdblist"
	"goqmail/lib/exit"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	return exit.Report(c.Err(), "qmail-newmgrt", cdblist.Make("control/moregoodrcptto", ""))
}
