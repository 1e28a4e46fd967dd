// Qmail-rspawn starts remote deliveries.
//
//	qmail-rspawn
//
// It reads requests from descriptor 0 and writes reports to descriptor 1; see
// lib/spawn. For each request it runs qmail-remote, or the program that
// QMAILREMOTE names, with its own rights, those of qmailr. It exits 0 when
// descriptor 0 ends and all deliveries have.
package main

import (
	"os"
	"slices"
	"strings"
	"time"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
	"goqmail/lib/spawn"
	"goqmail/lib/tcpto"
	"goqmail/lib/warm"
)

func main() { call.Main(run) }

// rspawn is what all deliveries have in common.
type rspawn struct {
	env     call.Env
	program string // qmail-remote
	start   spawn.Start
}

func run(c *call.Call) int {
	if os.Chdir(auto.Home) != nil || os.Chdir("queue/mess") != nil {
		return exit.Temp
	}
	queue, err := account.Uid(auto.UserQ)
	if err != nil {
		c.Err().WriteString("fatal: unable to find user " + auto.UserQ + "\n")
		return exit.Temp
	}
	tcpto.Forgive()
	spawn.Signals()
	r := &rspawn{env: c.Env, program: "qmail-remote"}
	r.start = spawn.Warm(&warm.Pool{
		Many: true, Size: 1, Calls: 100_000, Idle: 10 * time.Second,
		Alone: true, Watch: []string{auto.Home + "/control", "/etc/resolv.conf"},
	})
	if program, ok := c.Env.Lookup("QMAILREMOTE"); ok {
		r.program, r.start = program, spawn.Classic
	}
	server := spawn.Server{Queue: queue, Deliver: r.deliver}
	server.Serve(c.In(), c.Out())
	return exit.OK
}

// deliver is a spawn.Deliver.
func (r *rspawn) deliver(q spawn.Request, mess *os.File) string {
	_, host := q.Address()
	ended, err := r.start.Run(child.Cmd{
		Args: []string{r.program, host, q.Sender, q.Recipient},
		Env:  r.env,
	}, mess, spawn.AtMost(outputMax))
	switch {
	case err == nil:
		return report(ended)
	case spawn.Refused(err) != "":
		return spawn.Refused(err)
	case errno.Temp(err) || r.incomplete():
		return "ZUnable to run qmail-remote.\n"
	}
	return "DUnable to run qmail-remote.\n"
}

// incomplete tells whether a qmail-remote that cannot be run means that the
// installation is damaged, or just being changed. That must not bounce mail.
// Where QMAILREMOTE or PATH lead to some other program, they do it for good.
func (r *rspawn) incomplete() bool {
	info, err := os.Stat(auto.Home + "/bin/qmail-remote")
	if err != nil || info.Mode()&0o111 == 0 {
		return true
	}
	_, replaced := r.env.Lookup("QMAILREMOTE")
	return !replaced && slices.Contains(strings.Split(r.env.Get("PATH"), ":"), auto.Home+"/bin")
}
