package main

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/control"
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
	for _, scanner := range []string{"clamd", "spamd"} {
		if address, there, err := control.Line(scanner); there && err == nil && address != "" {
			c.scanner(scanner, address)
		}
	}
}

// scanner checks that one of the daemons of qmail-scan listens.
func (c *checker) scanner(name, address string) {
	network := "tcp"
	if strings.Contains(address, "/") {
		network = "unix"
	}
	conn, err := net.DialTimeout(network, address, 10*time.Second)
	switch {
	case err == nil:
		conn.Close()
	case errors.Is(err, fs.ErrPermission):
		c.hidden(address, err)
	default:
		c.wrong("control/"+name, "nobody listens at "+address+": "+text(err), "service "+map[string]string{"clamd": "clamav-daemon", "spamd": "spamd"}[name]+" start")
	}
}
