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
	"bufio"
	"io"
	"os"
	"os/signal"
	"syscall"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/confine"
	"goqmail/lib/ipme"
	"goqmail/lib/sig"
	"goqmail/lib/warm"
)

func main() {
	if warm.Alone() && confined() != nil {
		os.Exit(1)
	}
	warm.Many(run)
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

func run(c *call.Call) int {
	// A connection that is gone shows as an error of write.
	signal.Ignore(syscall.SIGPIPE)
	sig.Default(sig.Swallowed[:]...)
	reports := bufio.NewWriter(c.Out())
	verdict := deliver(c, reports)
	reports.WriteString(string(verdict) + "\x00")
	reports.Flush() // whoever does not listen learns nothing
	return 0
}

// deliver writes a report on each recipient and returns the verdict on the
// message.
func deliver(c *call.Call, reports io.Writer) verdict {
	if len(c.Args) < 4 {
		return misused
	}
	config, v := readConfig()
	if v != "" {
		return v
	}
	m := message{sender: config.quoteAddress(c.Args[2]), text: c.In()}
	for _, recipient := range c.Args[3:] {
		m.recipients = append(m.recipients, config.quoteAddress(recipient))
	}
	if config.utf8 {
		m.needUTF8()
	}
	hosts, v := config.hostsFor(c.Args[2], c.Args[1])
	if v != "" {
		return v
	}
	for {
		conn, host, rest, v := config.connect(hosts)
		if v != "" {
			return v
		}
		v = newClient(conn, host, config).send(m, reports)
		conn.Close()
		if v != tryNext {
			return v
		}
		hosts = rest
	}
}
