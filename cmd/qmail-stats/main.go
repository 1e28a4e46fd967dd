// Qmail-stats counts what qmail does, from its log on descriptor 0.
//
//	qmail-stats [ -c ] [ -s state ] [ -o metrics ] [ -u socket ] [ -w page ] [ -i seconds ]
//
// It keeps the counts in the file state, and tells them to Prometheus in the file
// metrics or on a socket, and to people on a page in HTML. With -c it copies the
// log to descriptor 1. It exits 0 at the end of the log or after a signal, 100 if
// called wrongly and 111 if it cannot begin. See qmail-stats(8).
package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
	"goqmail/lib/getopt"
)

func main() { call.Main(run) }

const usage = "qmail-stats: usage: qmail-stats [ -c ] [ -s state ] [ -o metrics ] [ -u socket ] [ -w page ] [ -i seconds ]\n"

// options are those of the command line.
type options struct {
	copies                       bool
	state, metrics, socket, page string
	interval                     time.Duration
}

func parseOptions(args []string) (o options, ok bool) {
	o.interval = 15 * time.Second
	letters := getopt.New(args, "cs:o:u:w:i:")
	for {
		letter, more := letters.Next()
		if !more {
			return o, len(letters.Rest()) == 0
		}
		switch letter {
		case 'c':
			o.copies = true
		case 's':
			o.state = letters.Arg
		case 'o':
			o.metrics = letters.Arg
		case 'u':
			o.socket = letters.Arg
		case 'w':
			o.page = letters.Arg
		case 'i':
			n, err := strconv.Atoi(letters.Arg)
			if err != nil || n < 1 || n > 86400 {
				return o, false
			}
			o.interval = time.Duration(n) * time.Second
		default:
			return o, false
		}
	}
}

func run(c *call.Call) int {
	o, ok := parseOptions(c.Args)
	if !ok {
		io.WriteString(c.Err(), usage)
		return exit.Perm
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	counts, problem, err := load(o.state)
	if problem != nil {
		io.WriteString(c.Err(), "qmail-stats: warning: "+o.state+" makes no sense and is now "+o.state+".bad: "+problem.Error()+"\n")
	}
	if err != nil {
		return exit.Report(c.Err(), "qmail-stats", exit.Defer("unable to read "+o.state, err))
	}
	k := &keeper{options: o, counters: counts, catchUp: newCatchUp(counts), complain: func(text string) {
		io.WriteString(c.Err(), "qmail-stats: warning: "+text+"\n")
	}}
	if err := k.write(); err != nil {
		return exit.Report(c.Err(), "qmail-stats", exit.Defer("unable to write "+err.Error(), nil))
	}
	if o.socket != "" {
		stop, err := k.serve()
		if err != nil {
			return exit.Report(c.Err(), "qmail-stats", exit.Defer("unable to listen on "+o.socket, err))
		}
		defer stop()
	}
	copied := io.Discard
	if o.copies {
		copied = c.Out()
	}
	read := make(chan error, 1)
	go func() { read <- k.read(c.In(), copied) }()
	tick := time.NewTicker(o.interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			k.tryWrite()
		case <-signals:
			k.tryWrite()
			return exit.OK
		case err := <-read:
			if werr := k.write(); err == nil {
				err = werr
			}
			return exit.Report(c.Err(), "qmail-stats", err)
		}
	}
}

// maxLine is how much of a line counts.
const maxLine = 16384

// read counts lines until there are no more, and copies them.
func (k *keeper) read(log io.Reader, copied io.Writer) error {
	lines := bufio.NewReaderSize(log, maxLine)
	for {
		text, err := lines.ReadSlice('\n')
		if len(text) > 0 {
			k.line(string(text))
			if _, err := copied.Write(text); err != nil {
				return exit.Defer("unable to copy the log", err)
			}
		}
		// Of a line that is too long, the rest is no line.
		for errors.Is(err, bufio.ErrBufferFull) {
			text, err = lines.ReadSlice('\n')
			if _, err := copied.Write(text); err != nil {
				return exit.Defer("unable to copy the log", err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return exit.Defer("unable to read the log: "+errno.Text(err), nil)
		}
	}
}
