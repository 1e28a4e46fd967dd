package main

import (
	"errors"
	"io"

	"goqmail/lib/dotqmail"
	"goqmail/lib/exit"
)

// errStop is the end of the instructions that a program asked for by exiting
// with exit.Drop.
var errStop = errors.New("skip the remaining instructions")

// follow carries out the instructions: files and programs in their order, and
// then all forwarding as one message.
func (d *delivery) follow(instructions []dotqmail.Instruction, forwardOnly bool) error {
	var recipients []string
	for _, i := range instructions {
		if i.Kind == dotqmail.List {
			forwardOnly = true
			continue
		}
		if forwardOnly && i.Kind != dotqmail.Forward {
			return forbidden(i.Kind)
		}
		d.did[i.Kind]++
		if d.tell {
			d.call.Out().WriteString(verb(i.Kind) + " " + i.Text + "\n")
			continue
		}
		if i.Kind == dotqmail.Forward {
			recipients = append(recipients, i.Arg())
			continue
		}
		err := d.obey(i)
		if err == errStop {
			break
		}
		if err != nil {
			return err
		}
	}
	if len(recipients) == 0 {
		return nil
	}
	return d.forward(recipients)
}

// forbidden is the answer to an instruction in a file that may only forward, a
// mailing list whose owner wants no accident to run programs.
func forbidden(kind dotqmail.Kind) error {
	what := "file"
	if kind == dotqmail.Program {
		what = "prog"
	}
	return exit.Defer("Uh-oh: .qmail has "+what+" delivery but has x bit set. (#4.7.0)", nil)
}

func verb(kind dotqmail.Kind) string {
	switch kind {
	case dotqmail.Maildir:
		return "maildir"
	case dotqmail.Mbox:
		return "mbox"
	case dotqmail.Program:
		return "program"
	}
	return "forward"
}

func (d *delivery) obey(i dotqmail.Instruction) error {
	if err := d.rewind(); err != nil {
		return err
	}
	switch i.Kind {
	case dotqmail.Maildir:
		return d.maildir(i.Arg())
	case dotqmail.Mbox:
		return d.mbox(i.Arg())
	}
	return d.program(i.Arg())
}

// rewind goes to the start of the message, which every instruction reads anew.
func (d *delivery) rewind() error {
	if _, err := d.call.In().Seek(0, io.SeekStart); err != nil {
		return exit.Defer("Unable to rewind message. (#4.3.0)", nil)
	}
	return nil
}
