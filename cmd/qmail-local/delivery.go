package main

import (
	"strconv"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/dotqmail"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
)

// delivery is one message on its way to one user.
type delivery struct {
	call *call.Call
	tell bool // say what to do, but do nothing

	// The arguments, by their names in qmail-local(8).
	user, home, local, dash, ext, host, sender, aliasEmpty string

	env         call.Env // for programs and for qmail-queue
	deliveredTo string   // the line Delivered-To
	returnPath  string   // the line Return-Path
	from        string   // the line From_ of an mbox
	newSender   string   // of forwarded messages

	did    [dotqmail.List]int // how many instructions of each kind were carried out
	queued int                // the process that queued the forwarded message, or 0
}

func (d *delivery) deliver() error {
	if err := syscall.Chdir(d.home); err != nil {
		return deferral("Unable to switch to "+d.home, err, "#4.3.0")
	}
	if err := d.checkHome(); err != nil {
		return err
	}
	d.recipientVariables()
	if !d.tell {
		if err := d.checkLoop(); err != nil {
			return err
		}
	}
	d.senderVariables()
	d.addressVariables()
	file, err := d.search()
	if err != nil {
		return err
	}
	if err := d.chooseSender(); err != nil {
		return err
	}
	if file.content == "" {
		file = dotQmail{content: d.aliasEmpty}
	}
	instructions, err := dotqmail.Parse(file.content)
	if err != nil {
		return exit.Defer("Uh-oh: first line of .qmail file is blank. (#4.2.1)", nil)
	}
	if err := d.follow(instructions, file.forwardOnly); err != nil {
		return err
	}
	d.count()
	return nil
}

// checkHome refuses a home directory that others may write, and puts the
// delivery off while its owner has made it sticky, in order to edit .qmail files.
func (d *delivery) checkHome() error {
	var home syscall.Stat_t
	if err := syscall.Stat(".", &home); err != nil {
		return deferral("Unable to stat home directory", err, "#4.3.0")
	}
	if home.Mode&auto.Patrn != 0 {
		return exit.Defer("Uh-oh: home directory is writable. (#4.7.0)", nil)
	}
	if home.Mode&syscall.S_ISVTX == 0 {
		return nil
	}
	if d.tell {
		d.call.Err().WriteString("Warning: home directory is sticky.\n")
		return nil
	}
	return exit.Defer("Home directory is sticky: user is editing his .qmail file. (#4.2.1)", nil)
}

// count reports how many instructions were carried out.
func (d *delivery) count() {
	files := d.did[dotqmail.Maildir] + d.did[dotqmail.Mbox]
	report := "did " + strconv.Itoa(files) + "+" + strconv.Itoa(d.did[dotqmail.Forward]) + "+" + strconv.Itoa(d.did[dotqmail.Program]) + "\n"
	if d.queued != 0 {
		report += "qp " + strconv.Itoa(d.queued) + "\n"
	}
	d.call.Out().WriteString(report)
}

// deferral is a temporary failure with its reason in qmail's words.
func deferral(text string, err error, status string) error {
	return exit.Defer(text+": "+errno.Text(err)+". ("+status+")", nil)
}
