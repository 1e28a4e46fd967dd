//go:build linux

// Up runs a whole mail system in private and shows mail going through it.
//
//	up
//
// It is what `make up` runs after building. Where namespaces are to be had (as
// root), the system is a host of the lab: its own mounts, processes and
// network, with port 25 inside and a port of the machine's loopback that leads
// there. Elsewhere it is the same system in a home directory below t/.up, on a
// high port, and what that gives up is said.
//
// It brings up the two domains of the examples with their users and, in private, the mail
// store and what looks at mail: clamd before the queue, the sanitizer and SpamAssassin before
// the mailboxes. What of that is not installed is named and left out. It sends messages
// through SMTP, clean ones and others, shows where they end, and John's mailboxes by IMAP,
// and stays until it gets INT or TERM. With UP_ONCE set it stops after showing; with UP_PLAIN
// set it does without namespaces. It exits 0 if all messages went where they should, 1
// otherwise.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"goqmail/t/lab"
)

func main() { os.Exit(run()) }

func run() int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)

	why := lab.Refused()
	if os.Getenv("UP_PLAIN") != "" {
		why = fmt.Errorf("not asked for")
	}
	var sys *system
	var err error
	if why == nil {
		sys, err = private()
	} else {
		fmt.Printf("No private system (%v); a plain one instead.\n", why)
		sys, err = plain()
	}
	if sys != nil {
		defer sys.stop()
	}
	if err == nil {
		shown := make(chan error, 1)
		go func() { shown <- sys.show() }()
		select {
		case err = <-shown:
		case <-stop: // from a terminal the programs get it, too, and what is sent arrives nowhere
			err = errors.New("interrupted")
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "up:", err)
		return 1
	}
	if os.Getenv("UP_ONCE") == "" {
		fmt.Println("\nUp. Ctrl-C stops it and takes everything away.")
		<-stop
	}
	return 0
}
