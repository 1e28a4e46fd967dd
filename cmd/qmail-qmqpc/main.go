// Qmail-qmqpc stands in for qmail-queue on a machine that has no queue: it takes
// a message and envelope as qmail-queue does and hands them to another machine by
// QMQP.
//
// It takes no arguments, prints nothing, and exits with qmail-queue's codes: 0
// once the other machine has the message. See qmail-qmqpc(8).
package main

import (
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/control"
	"goqmail/lib/ip"
	"goqmail/lib/outgoingip"
	"goqmail/lib/qmail"
	"goqmail/lib/sig"
	"goqmail/lib/socket"
)

func main() { call.Main(run) }

// port is where QMQP servers listen.
const port = 628

// The time to wait for a connection, and then for the server to take some bytes
// or to give some.
const (
	connectLimit = 10 * time.Second
	serverLimit  = 60 * time.Second
)

func run(c *call.Call) int {
	signal.Ignore(syscall.SIGPIPE)
	sig.Default(sig.Swallowed[:]...)
	if qmail.CheckHome() != nil {
		return qmail.ExitHome
	}
	servers, err := readServers()
	if err != nil {
		return qmail.ExitConfig
	}
	source, err := outgoingip.Read()
	if err != nil {
		return qmail.ExitConfig
	}
	m, err := readMail(c.In(), c.Out())
	switch {
	case errors.Is(err, errEnvelope):
		return qmail.ExitEnvelope
	case err != nil:
		return qmail.ExitRead
	}
	return send(servers, source, m)
}

// readServers reads control/qmqpservers. A line without an address at its start
// is passed over.
func readServers() ([]ip.Addr, error) {
	if _, _, err := control.Line("me"); err != nil { // as all who read control files
		return nil, err
	}
	lines, ok, err := control.Lines("qmqpservers")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errors.New("no qmqpservers")
	}
	var servers []ip.Addr
	for _, line := range lines {
		first, _, _ := strings.Cut(line, " ")
		if addr, n := ip.Scan(line); n > 0 {
			servers = append(servers, addr)
		} else if addr, ok := ip.Parse(first); ok {
			servers = append(servers, addr)
		}
	}
	return servers, nil
}

// send hands a message to the first server that can be reached. What that one
// says counts: if it has trouble, the others are not asked.
func send(servers []ip.Addr, source outgoingip.Source, m *mail) (code int) {
	code = qmail.ExitConfig // there is no server
	for _, server := range servers {
		conn, err := socket.Connect(socket.TCP, source.For(server), server, port, connectLimit)
		switch {
		case err == nil:
			defer conn.Close()
			return m.deliver(conn)
		case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
			code = qmail.ExitConnect
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
			return qmail.ExitNetwork
		default:
			code = qmail.ExitRejected
		}
	}
	return code
}
