// Qmail-smtpd takes mail from the network by SMTP and hands it to qmail-queue.
// It is started for each connection, by tcpserver or qmail-listen, with the
// connection on descriptors 0 and 1 and the variables of tcp-environ(5).
//
// It takes no arguments, and exits 0 after QUIT and 1 when the dialogue ended
// otherwise. See qmail-smtpd(8).
package main

import (
	"os/signal"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/qmail"
	"goqmail/lib/sig"
	"goqmail/lib/smtp"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	// A client or a qmail-queue that is gone shows as an error of write.
	// qmail-queue is started with the signal ignored, too.
	signal.Ignore(syscall.SIGPIPE)
	sig.Default(sig.Swallowed[:]...)
	return smtp.Serve(c, qmail.Open)
}
