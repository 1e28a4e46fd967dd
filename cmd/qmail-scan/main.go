// Qmail-scan has a message looked at for viruses and spam before it is queued.
//
//	qmail-scan
//
// It stands in for qmail-queue, in QMAILQUEUE: the message is on descriptor 0,
// then the envelope on descriptor 1. It keeps both, asks clamd and spamd, adds
// what they say to the header, and becomes qmail-queue, or the program in
// SCANQUEUE. So until both have had their say nothing is queued, and then the
// exit code and all else that the caller gets is qmail-queue's own.
//
// Mail that is not to pass is refused by exit code 82 with a text on descriptor
// 4 or 6, or by 31; where there is no telling, it may be tried again. See
// qmail-scan(8).
package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/qmail"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	signal.Ignore(syscall.SIGPIPE) // of a log that nobody reads, too
	listener := qmail.Listener(c)
	log := newLog(c)
	if os.Chdir(auto.Home) != nil {
		return qmail.ExitHome
	}
	conf, err := readConfig()
	if err != nil {
		log.say("fatal: " + err.Error())
		return qmail.ExitConfig
	}
	if conf.skip.Client(c.Env) {
		log.say("skipped: ip " + word(log.ip))
		return become(c, log)
	}
	if conf.skipSpam.Client(c.Env) {
		conf.spamd = ""
	}

	// The message comes first: its sender may wait for us to read all of it
	// before there is an envelope.
	mess, err := takeMessage(c.In(), conf.fields())
	if err != nil {
		return log.fail(err)
	}
	envelope, err := takeEnvelope(c.Out())
	if err != nil {
		return log.fail(err)
	}
	log.mess, log.envelope = mess, envelope

	v := conf.judge(mess, envelope, log)
	log.verdict(v)
	if v.refusal != nil {
		return qmail.Refuse(listener, v.refusal)
	}
	if err := mess.prepend(v.header()); err != nil {
		return log.fail(err)
	}
	if err := replace(0, mess.file); err != nil {
		return log.fail(err)
	}
	if err := replace(1, envelope.file); err != nil {
		return log.fail(err)
	}
	return become(c, log)
}

// replace makes f the process's descriptor fd.
func replace(fd int, f *os.File) error {
	if err := unix.Dup2(int(f.Fd()), fd); err != nil {
		return failure{qmail.ExitWrite, err}
	}
	return nil
}

// become turns this process into qmail-queue, whose message and envelope are its
// descriptors 0 and 1. Neither variable may send it back here.
func become(c *call.Call, log *logger) int {
	program, ok := c.Env.Lookup("SCANQUEUE")
	if !ok {
		program = "bin/qmail-queue"
	}
	err := child.Exec(program, []string{program}, c.Env.Without("QMAILQUEUE").Without("SCANQUEUE"))
	log.say("fatal: unable to run " + program + ": " + reason(err))
	return qmail.ExitNoExec
}
