package main

import (
	"io"
	"os"

	"goqmail/lib/child"
	"goqmail/lib/control"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
	"goqmail/lib/rcptd"
)

// cannotRun is the exit code for a program that cannot be run. Programs that are
// run have it, too.
const cannotRun = 120

// programs runs the programs in control/rcptchecks, which decide as RCPTCHECK's
// does. The word realrcptto stands for qmail-rcptcheck-realrcptto, and spares
// its start.
func (q *question) programs() error {
	programs, _, err := control.Lines("rcptchecks")
	if err != nil {
		return exit.Defer("unable to read control/rcptchecks", err)
	}
	for _, program := range programs {
		if program == "realrcptto" {
			err = q.real()
		} else {
			err = q.program(program)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// real asks qmail-rcptd. Who cannot tell has nothing against the recipient.
func (q *question) real() error {
	refuse, err := rcptd.Refuses(q.recipient)
	if err != nil {
		io.WriteString(q.call.Err(), "qmail-rcptcheck: warning: unable to check recipient: "+errno.Text(err)+"\n")
	}
	if refuse {
		return &exit.Error{Code: exit.Perm}
	}
	return nil
}

// program runs a program. It gives a reply itself, or there is the usual one.
func (q *question) program(path string) error {
	cmd := child.Cmd{
		Path: path, Args: []string{path}, Env: q.call.Env,
		Files: []*os.File{q.call.In(), q.call.Out(), q.call.Err()},
	}
	pid, err := cmd.Start()
	if err != nil {
		return &exit.Error{Code: cannotRun, Text: "unable to run " + path, Err: err}
	}
	status, err := child.Wait(pid)
	if err != nil || status.Signaled() {
		return &exit.Error{Code: cannotRun, Text: path + " crashed"}
	}
	switch code := status.ExitStatus(); code {
	case exit.Perm, exit.Temp, cannotRun:
		return &exit.Error{Code: code}
	}
	return nil
}
