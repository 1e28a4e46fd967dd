// Qmail-recipients makes users/recipients.cdb of users/recipients, addresses that
// exist. Qmail-rcptcheck looks there if control/recipients says so. The keys are
// those of setforward, a colon and the address.
//
//	qmail-recipients
//
// The new file takes the place of the old one at once, when it is complete and on
// disk. Qmail-recipients exits 111 when it cannot make one; the old one stays.
package main

import (
	"goqmail/lib/call"
	"goqmail/lib/cdblist"
	"goqmail/lib/exit"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	return exit.Report(c.Err(), "qmail-recipients", cdblist.Make("users/recipients", ":"))
}
