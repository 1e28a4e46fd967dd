// Qmail-lspawn starts local deliveries.
//
//	qmail-lspawn defaultdelivery
//
// It reads requests from descriptor 0 and writes reports to descriptor 1; see
// lib/spawn. For each request it finds out who controls the address, from
// users/cdb or else from qmail-getpw, and runs qmail-local as that user with
// defaultdelivery as what to do without a .qmail file. It runs as root, the
// only program to do so as long as mail flows, and exits 0 when descriptor 0
// ends and all deliveries have.
package main

import (
	"os"
	"time"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/owner"
	"goqmail/lib/spawn"
	"goqmail/lib/warm"
)

func main() { call.Main(run) }

// lspawn is what all deliveries have in common.
type lspawn struct {
	env             call.Env
	defaultdelivery string
	program         string // qmail-local
	start           spawn.Start
	owners          *owner.Finder
}

func run(c *call.Call) int {
	// Programs start in the home directory, our own from then on.
	if os.Chdir(auto.Home+"/queue/mess") != nil || os.Chdir(auto.Home) != nil {
		return exit.Temp
	}
	if len(c.Args) < 2 {
		return exit.Perm
	}
	l := &lspawn{env: c.Env, defaultdelivery: c.Args[1], program: "bin/qmail-local"}
	l.start = spawn.Warm(&warm.Pool{Size: auto.Spawn(), Calls: 1000, Idle: 2 * time.Second})
	if program, ok := c.Env.Lookup("QMAILLOCAL"); ok {
		l.program, l.start = program, spawn.Classic
	}
	queue, err := account.Uid(auto.UserQ)
	missing := "user " + auto.UserQ
	if err == nil {
		l.owners, missing = owner.NewFinder(c.Env, c.Err())
	}
	if missing != "" {
		c.Err().WriteString("fatal: unable to find " + missing + "\n")
		return exit.Temp
	}
	spawn.Signals()
	server := spawn.Server{Queue: queue, Deliver: l.deliver}
	server.Serve(c.In(), c.Out())
	return exit.OK
}
