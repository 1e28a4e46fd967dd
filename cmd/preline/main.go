// Preline runs a program on the message with the lines put before it that
// mailboxes have and messages on their way do not: the From_ line, Return-Path
// and Delivered-To. It is meant for .qmail files; the environment is
// qmail-local's.
//
//	preline [ -frdFRD ] program [ arg ... ]
//
// It exits with the program's code, 100 if it cannot be run and 111 if that
// may be tried again. See preline(1) and qmail-command(8).
package main

import (
	"io"
	"os/signal"
	"strings"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/getopt"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	lines, program, ok := arguments(c)
	if !ok {
		ignorePipe()
		io.WriteString(c.Err(), "preline: usage: preline cmd [ arg ... ]\n")
		return exit.Perm
	}
	code, err := pipe(c, io.MultiReader(strings.NewReader(lines), c.In()), program)
	if err != nil {
		ignorePipe()
		return exit.Report(c.Err(), "preline", err)
	}
	return code
}

// ignorePipe has the code count where nobody reads the reason for it. It comes
// late because the program that was started is to die of SIGPIPE.
func ignorePipe() { signal.Ignore(syscall.SIGPIPE) }

// arguments returns the lines to put before the message and the program with
// its arguments.
func arguments(c *call.Call) (lines string, program []string, ok bool) {
	from, ok1 := c.Env.Lookup("UFLINE")
	returnPath, ok2 := c.Env.Lookup("RPLINE")
	deliveredTo, ok3 := c.Env.Lookup("DTLINE")
	if !ok1 || !ok2 || !ok3 {
		return "", nil, false
	}
	withFrom, withReturnPath, withDeliveredTo := true, true, true
	options := getopt.New(c.Args, "frdFRD")
	for option, ok := options.Next(); ok; option, ok = options.Next() {
		switch option {
		case 'f', 'F':
			withFrom = option == 'F'
		case 'r', 'R':
			withReturnPath = option == 'R'
		case 'd', 'D':
			withDeliveredTo = option == 'D'
		default:
			ignorePipe()
			io.WriteString(c.Err(), options.Problem())
			return "", nil, false
		}
	}
	if withFrom {
		lines += from
	}
	if withReturnPath {
		lines += returnPath
	}
	if withDeliveredTo {
		lines += deliveredTo
	}
	return lines, options.Rest(), len(options.Rest()) > 0
}
