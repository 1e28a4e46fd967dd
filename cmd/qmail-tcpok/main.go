// Qmail-tcpok clears qmail-remote's notes on hosts that timed out, so that
// they are tried again at once.
//
//	qmail-tcpok
//
// It exits 111 when it cannot. See lib/tcpto.
package main

import (
	"os"
	"syscall"

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
	file, err := os.OpenFile("tcpto", os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return exit.Defer("unable to write "+tcpto.Path(), err)
	}
	defer file.Close()
	if err := tcpto.Lock(file); err != nil {
		return exit.Defer("unable to lock "+tcpto.Path(), err)
	}
	if err := tcpto.Clear(file); err != nil {
		return exit.Defer("unable to clear "+tcpto.Path(), err)
	}
	return nil
}
