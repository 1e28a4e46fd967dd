// Qmail-start turns on mail delivery.
//
//	qmail-start [ defaultdelivery [ logger arg ... ] ]
//
// It starts qmail-lspawn, qmail-rspawn and qmail-clean, and a logger if one is
// named, each with the identity and the descriptors it needs, and then becomes
// qmail-send. It exits 111 if it cannot. See qmail-start(8).
package main

import (
	"os"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/exit"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	if reserve() != nil || os.Chdir("/") != nil {
		return exit.Temp
	}
	syscall.Umask(0o077)
	ids, err := lookup()
	if err != nil {
		c.Err().WriteString("fatal: " + err.Error() + "\n")
		return exit.Temp
	}
	// Those that share the queue have its group, and no other.
	if !ids.alone() && setGroup(ids.queueGroup) != nil {
		return exit.Temp
	}
	if c.In() == nil {
		return exit.Temp
	}
	delivery, logger := "./Mailbox", []string(nil)
	if len(c.Args) > 1 {
		delivery, logger = c.Args[1], c.Args[2:]
	}
	s := system{env: c.Env, out: c.Out(), log: c.Out()}
	if len(logger) > 0 {
		err = s.startLogger(logger, ids)
	}
	if err == nil {
		err = s.makePipes()
	}
	if err == nil {
		err = s.startDaemons(delivery, ids)
	}
	if err != nil || syscall.Setuid(ids.send) != nil || s.place() != nil {
		return exit.Temp
	}
	child.ExecFound([]string{"qmail-send"}, c.Env)
	return exit.Temp
}

// setGroup leaves the process in one group only.
func setGroup(gid int) error {
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return err
	}
	return syscall.Setgid(gid)
}
