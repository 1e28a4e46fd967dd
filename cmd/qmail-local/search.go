package main

import (
	"io"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/descriptor"
	"goqmail/lib/dotqmail"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
)

// dotQmail is what a .qmail file says.
type dotQmail struct {
	content     string
	forwardOnly bool // it has the x bit set
}

// search reads the user's .qmail file. There need not be one for the user's own
// address.
func (d *delivery) search() (dotQmail, error) {
	for _, candidate := range dotqmail.Search(d.dash, d.ext) {
		file, ok, err := read(candidate.Name)
		if !ok && err == nil {
			continue
		}
		if candidate.IsDefault {
			d.set("DEFAULT", candidate.Default)
		}
		return file, err
	}
	if d.dash != "" {
		return dotQmail{}, exit.Reject("Sorry, no mailbox here by that name. (#5.1.1)", nil)
	}
	return dotQmail{}, nil
}

// read reads a .qmail file. ok is false when there is no regular file of that
// name. One that is there but cannot be opened is an error: to go on without it
// would put the mail somewhere else.
func read(name string) (file dotQmail, ok bool, err error) {
	f, err := descriptor.Open(name, syscall.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		if errno.Temp(err) || err == syscall.EACCES || err == syscall.EPERM {
			return file, false, deferral("Unable to open "+name, err, "#4.3.0")
		}
		return file, false, nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return file, false, deferral("Unable to open "+name, err, "#4.3.0")
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return file, false, nil
	}
	if st.Mode&auto.Patrn != 0 {
		return file, false, exit.Defer("Uh-oh: .qmail file is writable. (#4.7.0)", nil)
	}
	content, err := io.ReadAll(f)
	if err != nil {
		return file, false, exit.Defer("Out of memory. (#4.3.0)", nil) // that is what qmail-local calls it
	}
	return dotQmail{string(content), st.Mode&syscall.S_IXUSR != 0}, true, nil
}

// chooseSender finds out who gets the bounces of forwarded messages: the list's
// owner if there is a .qmail file for one. The sender "#@[]" means that there
// must not be a bounce, and stays; so does the empty one of a bounce.
func (d *delivery) chooseSender() error {
	d.newSender = d.sender
	defer func() { d.set("NEWSENDER", d.newSender) }()
	if d.sender == "" || d.sender == "#@[]" {
		return nil
	}
	owner := dotqmail.Name(d.dash, d.ext) + "-owner"
	found, err := exists(owner)
	if err != nil || !found {
		return err
	}
	d.newSender = d.local + "-owner@" + d.host
	// With an address for each recipient's bounces, qmail-send is asked for
	// variable envelope return paths.
	found, err = exists(owner + "-default")
	if found {
		d.newSender = d.local + "-owner-@" + d.host + "-@[]"
	}
	return err
}

// exists tells whether there is a .qmail file, be it readable or not.
func exists(name string) (bool, error) {
	var st syscall.Stat_t
	err := syscall.Stat(name, &st)
	if errno.Temp(err) {
		return false, deferral("Unable to open "+name, err, "#4.3.0")
	}
	return err == nil, nil
}
