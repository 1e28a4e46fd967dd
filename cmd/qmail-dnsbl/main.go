// Qmail-dnsbl asks whether a client is in lists of hosts that are told by DNS,
// for qmail-smtpd, which is too small for DNS.
//
//	qmail-dnsbl address
//
// It prints one line: what to do with the client, whose list says so, and a text
// for the client. It exits 0, or 111 where there is no telling. See
// qmail-dnsbl(8).
package main

import (
	"io"
	"strings"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/control"
	"goqmail/lib/dns"
	"goqmail/lib/dnsbl"
	"goqmail/lib/exit"
	"goqmail/lib/ip"
)

func main() { call.Main(run) }

// patience is how long all questions together may take. The client waits.
const patience = 60 * time.Second

func run(c *call.Call) int {
	if len(c.Args) != 2 {
		io.WriteString(c.Err(), "qmail-dnsbl: usage: qmail-dnsbl address\n")
		return exit.Perm
	}
	lines, _, err := control.LinesOf(dnsbl.Path(c.Env))
	if err != nil {
		return fail(c, "unable to read "+dnsbl.Path(c.Env)+": "+err.Error())
	}
	lists := make([]dnsbl.List, len(lines))
	for i, line := range lines {
		if lists[i], err = dnsbl.ParseList(line); err != nil {
			return fail(c, dnsbl.Path(c.Env)+": "+err.Error())
		}
	}
	closed, err := failsClosed(c.Env)
	if err != nil {
		return fail(c, "unable to read control/dnsblfailclosed: "+err.Error())
	}
	verdict := dnsbl.Verdict{Result: dnsbl.Pass}
	if address, ok := ip.Parse(c.Args[1]); ok { // a client that is not on the network is in no list
		inquiry := inquiry{
			address: address, name: c.Args[1], asks: dns.New(), closed: closed,
			log: c.Err(), end: time.Now().Add(patience),
		}
		verdict = inquiry.judge(lists)
	}
	if _, err := io.WriteString(c.Out(), verdict.String()+"\n"); err != nil {
		return exit.Temp
	}
	return exit.OK
}

// failsClosed tells whether a list that cannot be asked counts as one that has
// the client: DNSBLFAILCLOSED or dnsblfailclosed is a number other than 0.
func failsClosed(env call.Env) (bool, error) {
	if value, ok := env.Lookup("DNSBLFAILCLOSED"); ok {
		return value != "" && '1' <= value[0] && value[0] <= '9', nil
	}
	n, err := control.Int("dnsblfailclosed", 0)
	return n != 0, err
}

func fail(c *call.Call, why string) int {
	io.WriteString(c.Err(), "qmail-dnsbl: fatal: "+strings.ReplaceAll(why, "\n", " ")+"\n")
	return exit.Temp
}
