package service

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes of services, of sysexits.h.
const (
	ExitUsage    = 64
	ExitTempFail = 75
)

// Usage is the error of a service that is called with wrong arguments: how to call it.
type Usage string

func (u Usage) Error() string { return "usage: " + string(u) }

// Exit returns the exit code of a service that ends with an error, nil for none, and
// tells of it.
func Exit(name string, err error, report io.Writer) int {
	var usage Usage
	switch {
	case errors.As(err, &usage):
		fmt.Fprintln(report, usage)
		return ExitUsage
	case err != nil:
		fmt.Fprintln(report, name+": fatal:", err)
		return ExitTempFail
	}
	return 0
}

// Source is where a service's connections come from.
type Source struct {
	sockets []net.Listener
	one     net.Conn       // instead of sockets
	hup     chan os.Signal // that came since Open
}

// Open returns the sockets that were handed over and those of addresses, or else the
// connection that is descriptor 0. Then it gives up root, and what the program makes
// from then on is for its user alone. A HUP from then on is for Serve: the program may
// have read the configuration before that.
func Open(addresses []string) (*Source, error) {
	sockets, err := Sockets()
	if err != nil {
		return nil, err
	}
	for _, address := range addresses {
		l, err := Listen(address)
		if err != nil {
			return nil, err
		}
		sockets = append(sockets, l)
	}
	s := &Source{sockets: sockets, hup: make(chan os.Signal, 1)}
	if len(sockets) > 0 {
		signal.Notify(s.hup, syscall.SIGHUP)
	} else if s.one, err = Inherited(); err != nil {
		return nil, err
	}
	syscall.Umask(0o077)
	return s, Identity()
}

// One tells whether there is just one connection.
func (s *Source) One() bool { return s.one != nil }

// Serve has a program serve what comes, to the end.
func (s *Source) Serve(p *Program) {
	if s.One() {
		p.Serve(s.one)
		return
	}
	p.run(s.hup, s.sockets)
}
