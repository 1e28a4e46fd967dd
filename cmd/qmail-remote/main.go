// Qmail-remote sends one message to recipients at another host by SMTP.
//
//	qmail-remote host sender recipient ...
//
// The message is on descriptor 0. On descriptor 1 it reports on each recipient
// that it could name to the other host, in order, and at the end on the message
// as a whole; each report ends with a NUL. It always exits 0. See
// qmail-remote(8).
package main

import (
	"bytes"
	"os"
	"os/signal"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/confine"
	"goqmail/lib/control"
	"goqmail/lib/descriptor"
	"goqmail/lib/ipme"
	"goqmail/lib/sig"
	"goqmail/lib/warm"
)

func main() {
	var p process
	if warm.Alone() {
		if confined() != nil {
			os.Exit(1)
		}
		p.controls = &control.Kept[*config]{Files: controls}
		const each = 4 // a call's own, and a connection
		go descriptor.Room(each * auto.Spawn())
	}
	// A connection that is gone shows as an error of write.
	signal.Ignore(syscall.SIGPIPE)
	sig.Default(sig.Swallowed[:]...)
	warm.Many(p.run)
}

// confined gives up, before another host has said anything, all but what
// deliveries need: sockets, the control files, and the notes on hosts that could
// not be reached.
func confined() error {
	ipme.Keep()
	return confine.Process(confine.Rules{
		Read:    append(confine.Linked(auto.Home+"/control"), "/etc/resolv.conf"),
		Write:   []string{auto.Home + "/queue/lock"},
		Sockets: true,
	})
}

// process is what the messages of one process have in common.
type process struct {
	controls *control.Kept[*config] // nil where there is one message
	kept     kept
}

func (p *process) run(c *call.Call) int {
	d := delivery{process: p}
	verdict := d.deliver(c)
	d.reports.WriteString(string(verdict) + "\x00")
	c.Out().Write(d.reports.Bytes()) // whoever does not listen learns nothing
	return 0
}

// delivery is one message on its way.
type delivery struct {
	*process
	*config
	message message
	reports bytes.Buffer // on recipients
}

// deliver returns the verdict on the message.
func (d *delivery) deliver(c *call.Call) (v verdict) {
	if len(c.Args) < 4 {
		return misused
	}
	if d.config, v = d.readConfig(); v != "" {
		return v
	}
	d.message = message{sender: d.quoteAddress(c.Args[2]), text: c.In()}
	for _, recipient := range c.Args[3:] {
		d.message.recipients = append(d.message.recipients, d.quoteAddress(recipient))
	}
	if d.utf8 {
		d.message.needUTF8()
	}
	targets, v := d.hostsFor(c.Args[2], c.Args[1])
	if v != "" {
		return v
	}
	for _, t := range targets {
		if v := d.sendTo(t); v != tryNext {
			return v
		}
	}
	return noAnswer
}

// sendTo sends the message to one target, if that answers.
func (d *delivery) sendTo(t target) verdict {
	w := d.way(t, d.message.utf8)
	c := d.kept.enter(w)
	defer d.kept.exit(w)
	if c != nil {
		if v := d.sendBy(c); v != startOver {
			return v
		}
		d.reports.Reset()
	}
	conn, v := d.connect(t)
	if v != "" {
		return v
	}
	return d.sendBy(newClient(conn, w, d.extensions, &d.kept))
}

// sendBy sends the message over a connection, and closes or keeps that.
func (d *delivery) sendBy(c *client) verdict {
	v := c.send(d.message, &d.reports)
	if c.stays {
		d.kept.keep(c)
	} else {
		c.close()
	}
	return v
}
