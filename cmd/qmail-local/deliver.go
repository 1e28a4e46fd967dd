package main

import (
	"errors"
	"os"
	"syscall"

	"goqmail/lib/child"
	"goqmail/lib/exit"
	"goqmail/lib/maildir"
	"goqmail/lib/mbox"
	"goqmail/lib/qmail"
	"goqmail/lib/sig"
)

func (d *delivery) maildir(dir string) error {
	err := maildir.Deliver(dir, d.returnPath+d.deliveredTo, d.call.In())
	var failure *maildir.Error
	if !errors.As(err, &failure) {
		return err
	}
	switch failure.Step {
	case maildir.Enter:
		return exit.Defer("Unable to chdir to maildir. (#4.2.1)", nil)
	case maildir.Timeout:
		return exit.Defer("Timeout on maildir delivery. (#4.3.0)", nil)
	case maildir.Read:
		return exit.Defer("Unable to read message. (#4.3.0)", nil)
	}
	return exit.Defer("Temporary error on maildir delivery. (#4.3.0)", nil)
}

func (d *delivery) mbox(file string) error {
	err := mbox.Append(file, d.from+d.returnPath+d.deliveredTo, d.call.In())
	var failure *mbox.Error
	if !errors.As(err, &failure) {
		return err
	}
	switch failure.Step {
	case mbox.Open:
		return deferral("Unable to open "+file, failure.Err, "#4.2.1")
	case mbox.Lock:
		return exit.Defer("File has been locked for 30 seconds straight. (#4.3.0)", nil)
	case mbox.Read:
		return deferral("Unable to read message", failure.Err, "#4.3.0")
	}
	return deferral("Unable to write "+file, failure.Err, "#4.3.0")
}

// program runs a command with the message on descriptor 0 and minds its exit
// code; see qmail-command(8).
func (d *delivery) program(command string) error {
	shell := child.Cmd{
		Path: "/bin/sh", Args: []string{"/bin/sh", "-c", command}, Env: d.env,
		Files: []*os.File{d.call.In(), d.call.Out(), d.call.Err()},
	}
	// Commands rely on dying of a broken pipe. The runtime, which run told to
	// ignore the signal, does not notice this moment.
	sig.Default(syscall.SIGPIPE)
	pid, err := shell.Start()
	sig.Ignore(syscall.SIGPIPE)
	switch {
	case err == syscall.EAGAIN || err == syscall.ENOMEM:
		return deferral("Unable to fork", err, "#4.3.0")
	case err != nil:
		return deferral("Unable to run /bin/sh", err, "#4.3.0")
	}
	status, err := child.Wait(pid)
	if err != nil || status.Signaled() {
		return exit.Defer("Aack, child crashed. (#4.3.0)", nil)
	}
	switch status.ExitStatus() {
	case exit.OK:
		return nil
	case exit.Drop:
		return errStop
	case exit.Perm, exit.LocalBug, 64, 65, 70, 76, 77, 78: // 64 to 78 are what sysexits.h has for bad input
		return silent(exit.Perm)
	}
	return silent(exit.Temp)
}

// forward queues the message for new recipients.
func (d *delivery) forward(recipients []string) error {
	if err := d.rewind(); err != nil {
		return err
	}
	queue, err := qmail.Open(d.env, d.call.Err())
	if err != nil {
		return deferral("Unable to fork", err, "#4.3.0")
	}
	queue.WriteString(d.deliveredTo)
	if _, err := queue.ReadFrom(d.call.In()); err != nil {
		queue.Fail()
	}
	queue.From(d.newSender)
	for _, recipient := range recipients {
		queue.To(recipient)
	}
	if err := queue.Close(); err != nil {
		return &exit.Error{Code: exit.Code(err), Text: "Unable to forward message: " + err.Error() + "."}
	}
	d.queued = queue.Pid()
	return nil
}
