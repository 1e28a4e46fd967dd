// Qmail-tcpok clears qmail-remote's notes on hosts that timed out, so that
// they are tried again at once.
//
//	qmail-tcpok
//
// It exits 111 when it cannot. See lib/tcpto.
package main

import (
	"os"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/tcpto"
)

func main() { call.Main(run) }

func run(c *call.Call) int { return exit.Report(c.Err(), "qmail-tcpok", clear()) }

func clear() error {
	if err := os.Chdir(auto.Home); err != nil {
		return exit.Defer("unable to chdir to "+auto.Home, err)
	}
	if err := os.Chdir("queue/lock"); err != nil {
		return exit.Defer("unable to chdir to "+auto.Home+"/queue/lock", err)
	}
	if err := tcpto.IPv4.Clear(tcpto.IPv4.Name()); err != nil {
		return err
	}
	return tcpto.IPv6.Clear(tcpto.IPv6.Name())
}
