// Predate runs a program, such as sendmail, on the message on descriptor 0
// with a Date field in the local time zone put before it. qmail-inject would
// write the date in UTC.
//
//	predate program [ arg ... ]
//
// It exits with the program's code, 100 without a program and 111 if it cannot
// be run. See predate(1).
package main

import (
	"bufio"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/exit"
	"goqmail/lib/localtime"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	if len(c.Args) < 2 {
		ignorePipe()
		io.WriteString(c.Err(), "predate: usage: predate child\n")
		return exit.Perm
	}
	code, err := predate(c, c.Args[1:])
	if err != nil {
		ignorePipe()
		return exit.Report(c.Err(), "predate", err)
	}
	return code
}

// ignorePipe has the code count where nobody reads the reason for it. It comes
// late because the program that was started is to die of SIGPIPE.
func ignorePipe() { signal.Ignore(syscall.SIGPIPE) }

func predate(c *call.Call, program []string) (code int, err error) {
	in, out, err := child.Pipe()
	if err != nil {
		return 0, exit.Defer("unable to create pipe", err)
	}
	defer out.Close()
	cmd := child.Cmd{Args: program, Env: c.Env, Files: []*os.File{in, c.Out(), c.Err()}}
	pid, err := cmd.StartFound()
	in.Close()
	switch {
	case child.ForkFailed(err):
		return 0, exit.Defer("unable to fork", err)
	case err != nil:
		return 0, exit.Defer("unable to run "+program[0], err)
	}
	now := time.Now()
	buf := bufio.NewWriter(out)
	buf.WriteString(dateField(now, localtime.Load(c.Env)))
	io.Copy(buf, c.In()) // what the program makes of a message cut short is its business
	buf.Flush()
	out.Close()
	status, err := child.Wait(pid)
	switch {
	case err != nil:
		return 0, exit.Defer("wait failed", err)
	case status.Signaled():
		return 0, exit.Defer("child crashed", nil)
	}
	return status.ExitStatus(), nil
}

// dateField gives t as a clock in zone shows it. The zone is told in minutes
// (RFC 822, section 5.1), rounded.
func dateField(t time.Time, zone localtime.Zone) string {
	offset := zone.Offset(t)
	sign := "+"
	if offset < 0 {
		sign = "-"
	}
	minutes := (max(offset, -offset) + 30) / 60
	hhmm := strconv.Itoa(10000 + minutes/60*100 + minutes%60)[1:]
	t = zone.Clock(t)
	return "Date: " + strconv.Itoa(t.Day()) + t.Format(" Jan 2006 15:04:05 ") + sign + hhmm + "\n"
}
