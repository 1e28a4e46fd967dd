// Qmail-smtpds is qmail-smtpd for many connections at a time. Qmail-listen
// starts it, warm, where it is told to run qmail-smtpd; see lib/warm. It keeps a
// qmail-queue for the messages of all.
//
// Called like qmail-smtpd, it does what that does. It is a program of its own
// because qmail-smtpd is to have room under old limits.
package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/qmail"
	"goqmail/lib/sig"
	"goqmail/lib/smtp"
	"goqmail/lib/warm"
)

func main() {
	// A client or a qmail-queue that is gone shows as an error of write.
	signal.Ignore(syscall.SIGPIPE)
	sig.Default(sig.Swallowed[:]...)
	pool := &warm.Pool{
		Classic: func(cmd child.Cmd) (int, error) { return cmd.Start() },
		Many:    true, Size: 1, Calls: 10_000, Idle: time.Minute,
	}
	open := func(env call.Env, stderr *os.File) (*qmail.Queue, error) { return qmail.OpenWarm(pool, env, stderr) }
	warm.Many(func(c *call.Call) int { return smtp.Serve(c, open) })
}
