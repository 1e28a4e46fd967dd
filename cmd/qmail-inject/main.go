// Qmail-inject takes a message as people and programs write it, completes its
// header and hands it to qmail-queue.
//
//	qmail-inject [ -nNaAhH ] [ -fsender ] [ recip ... ]
//
// It exits 0 once the message is queued, 100 if it was called wrongly, if a
// header field makes no sense or if the queue refuses the message, and 111 if it
// may be tried again. See qmail-inject(8) and, for what becomes of the header,
// qmail-header(5).
package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/control"
	"goqmail/lib/exit"
	"goqmail/lib/rfc822"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	signal.Ignore(syscall.SIGPIPE) // here and in qmail-queue
	sig.Default(sig.Swallowed[:]...)
	err := inject(c)
	var verbatim complaint
	if errors.As(err, &verbatim) {
		io.WriteString(c.Err(), string(verbatim))
		return exit.Perm
	}
	return exit.Report(c.Err(), "qmail-inject", err)
}

func inject(c *call.Call) error {
	in := &injection{start: time.Now(), pid: os.Getpid(), seen: map[string]bool{}}
	in.readEnvironment(c.Env)
	if err := in.readControls(c.Env); err != nil {
		return err
	}
	if err := in.readArguments(c.Args); err != nil {
		return err
	}
	out := bufio.NewWriterSize(c.Out(), 8192)
	mess := rfc822.NewReader(input{c.In(), out})
	if err := in.readHeader(mess); err != nil {
		return err
	}
	if !in.hasSender {
		if err := in.makeSender(); err != nil {
			return err
		}
	}
	if in.printOnly {
		return in.print(out, mess.Body())
	}
	return in.queue(c.Env, c.Err(), mess.Body())
}

// injection is one message under way.
type injection struct {
	start time.Time
	pid   int

	letters letters
	user    user
	rules   rules
	idHost  string
	lists   control.Set // addresses of mailing lists, from QMAILMFTFILE

	printOnly     bool
	useHeader     bool     // send to the recipients in the header
	argRecipients []string // send to these

	sender    string
	hasSender bool
	header    []rfc822.Field  // as it will be sent
	seen      map[string]bool // names of the fields met

	recipients       []string // in To, Cc, Bcc and Apparently-To
	toCc             []string // in To and Cc
	resentRecipients []string // in Resent-To, Resent-Cc and Resent-Bcc
}

// input is the message. What -n has printed so far is written out before each
// read, which may have to wait; it is an error of the read if that fails.
type input struct {
	mess    io.Reader
	printed *bufio.Writer
}

func (i input) Read(p []byte) (int, error) {
	if err := i.printed.Flush(); err != nil {
		return 0, err
	}
	return i.mess.Read(p)
}

// errRead is the error for whatever should be readable: message, control files.
var errRead = exit.Defer("read error", nil)

// complaint is a permanent error that is printed as it stands.
type complaint string

func (c complaint) Error() string { return string(c) }

func unparsable(line string) error {
	return complaint("qmail-inject: fatal: unable to parse this line:\n" + line)
}
