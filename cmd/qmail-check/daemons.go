package main

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/queue"
)

// daemons checks that qmail-send runs: it alone listens to the trigger. It does not
// without qmail-lspawn, qmail-rspawn and qmail-clean.
func (c *checker) daemons() {
	f, err := os.OpenFile(queue.TriggerFIFO.Path(), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	switch {
	case err == nil:
		f.Close() // which at most makes it look for new messages
	case errors.Is(err, syscall.ENXIO):
		c.wrong("daemons", "qmail-send does not run, and so nothing is delivered", auto.Home+"/rc &")
	case errors.Is(err, fs.ErrNotExist):
		c.wrong("queue/lock/trigger", "does not exist, and so new messages wait up to 25 minutes", "make setup")
	default:
		c.hidden("daemons", err)
	}
}
