// Tcprulescheck tells what qmail-listen or tcpserver would do with a connection.
//
//	tcprulescheck rules.cdb
//
// TCPREMOTEIP (0.0.0.0), TCPREMOTEHOST and TCPREMOTEINFO say whose it is. It
// exits 111 if it cannot read the rules. See tcprulescheck(1).
package main

import (
	"io"
	"os"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/tcprules"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	if len(c.Args) < 2 {
		io.WriteString(c.Err(), "tcprulescheck: usage: tcprulescheck rules.cdb\n")
		return exit.Perm
	}
	client := tcprules.Client{IP: "0.0.0.0", Host: lookup(c.Env, "TCPREMOTEHOST"), Info: lookup(c.Env, "TCPREMOTEINFO")}
	if ip := lookup(c.Env, "TCPREMOTEIP"); ip != nil {
		client.IP = *ip
	}
	rule, ok, err := find(c.Args[1], client)
	if err != nil {
		return exit.Report(c.Err(), "tcprulescheck", exit.Defer("unable to read "+c.Args[1], err))
	}
	io.WriteString(c.Out(), describe(rule, ok))
	return exit.OK
}

func lookup(env call.Env, name string) *string {
	if value, ok := env.Lookup(name); ok {
		return &value
	}
	return nil
}

func find(name string, client tcprules.Client) (tcprules.Rule, bool, error) {
	db, err := os.Open(name)
	if err != nil {
		return tcprules.Rule{}, false, err
	}
	defer db.Close()
	return tcprules.Find(db, client)
}

// describe says what a rule does, and without a rule the same as one that lets
// everybody in.
func describe(rule tcprules.Rule, ok bool) string {
	if !ok {
		return "default:\nallow connection\n"
	}
	text := "rule " + rule.Address + ":\n"
	if rule.Deny {
		return text + "deny connection\n"
	}
	for _, variable := range rule.Environment {
		text += "set environment variable " + variable + "\n"
	}
	return text + "allow connection\n"
}
