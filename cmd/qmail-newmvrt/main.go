// Qmail-newmvrt makes control/morevalidrcptto.cdb of control/morevalidrcptto, the
// recipients that qmail-rcptcheck accepts and refuses beside those in
// validrcptto.
//
//	qmail-newmvrt
//
// The new file takes the place of the old one at once, when it is complete and
// on disk. Qmail-newmvrt exits 111 when it cannot make one; the old one stays.
package main

import (
	"goqmail/lib/call"
	"goqmail/lib/cdblist"
	"goqmail/lib/exit"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	return exit.Report(c.Err(), "qmail-newmvrt", cdblist.Make("control/morevalidrcptto", ""))
}
