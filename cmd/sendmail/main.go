// Sendmail is qmail-inject, or another program of qmail's, under the name and
// with the options that programs on Unix use to send mail.
//
//	sendmail [ -t ] [ -fsender ] [ -Fname ] [ -bp ] [ -bs ] [ arg ... ]
//	mailq
//
// It exits 100 if it was called wrongly and 111 if it cannot run the program
// that does the work; otherwise that program takes its place. See sendmail(8).
package main

import (
	"io"
	"os"
	"strings"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/exit"
	"goqmail/lib/sig"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	sig.Default(sig.Swallowed[:]...)
	if os.Chdir(auto.Home) != nil {
		return exit.Report(c.Err(), "sendmail", exit.Defer("unable to switch to qmail home directory", nil))
	}
	program, complaint := parse(c.Args, c.Env)
	if complaint != "" {
		io.WriteString(c.Err(), complaint)
		return exit.Perm
	}
	child.Exec(program.args[0], program.args, program.env)
	name := strings.TrimPrefix(program.args[0], "bin/")
	return exit.Report(c.Err(), "sendmail", exit.Defer("unable to run "+name, nil))
}
