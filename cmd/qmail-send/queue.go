package main

import (
	"time"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/warm"
)

// keepQueue keeps a qmail-queue running, for as long as this process lives, that
// does the work of all others; see qmail-queue(8). Without it each does its own.
func keepQueue(home string, env call.Env) {
	if _, off := env.Lookup(warm.Variable); off {
		return
	}
	program := home + "/bin/qmail-queue"
	for {
		process, ok := warm.Begin(child.Cmd{Path: program, Args: []string{program}, Env: env, Dir: home})
		if ok {
			<-process.Over()
		}
		time.Sleep(time.Minute) // there may be another program then
	}
}
