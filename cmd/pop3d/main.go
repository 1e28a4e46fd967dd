// Pop3d lets clients fetch the mail of their INBOX by POP3. See pop3d(8).
//
//	pop3d [ -C config ] [ -s ] [ -l address ... ]
//
// Its connections come from the sockets that master hands over, from the addresses of
// -l, or it serves the one that is its descriptor 0. It exits 0 on TERM, 64 if it is
// not called like this and 75 if it cannot work.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"goqmail/lib/entry"
	"goqmail/lib/getopt"
	"goqmail/lib/imapconf"
	"goqmail/lib/service"
)

func main() {
	entry.Setup()
	os.Exit(run(os.Args, os.Stderr))
}

// Exit codes, of sysexits.h.
const (
	exitUsage    = 64
	exitTempFail = 75
)

var errUsage = errors.New("usage: pop3d [ -C config ] [ -s ] [ -l address ... ]")

// options are what pop3d is called with.
type options struct {
	config    string
	secure    bool // TLS from the first byte
	addresses []string
}

func parse(args []string) (o options, err error) {
	o.config = imapconf.Default
	opts := getopt.New(args, "C:sl:DU:T:p:")
	for {
		option, ok := opts.Next()
		if !ok {
			break
		}
		switch option {
		case 'C':
			o.config = opts.Arg
		case 's':
			o.secure = true
		case 'l':
			o.addresses = append(o.addresses, opts.Arg)
		case 'D', 'U', 'T', 'p': // are for a process for each connection
		default:
			return o, errUsage
		}
	}
	if len(opts.Rest()) > 0 {
		return o, errUsage
	}
	return o, nil
}

func run(args []string, report io.Writer) int {
	o, err := parse(args)
	if err == nil {
		err = serve(o)
	}
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintln(report, err)
		return exitUsage
	case err != nil:
		fmt.Fprintln(report, "pop3d: fatal:", err)
		return exitTempFail
	}
	return 0
}

func serve(o options) error {
	sockets, err := service.Sockets()
	if err != nil {
		return err
	}
	for _, address := range o.addresses {
		l, err := service.Listen(address)
		if err != nil {
			return err
		}
		sockets = append(sockets, l)
	}
	var only net.Conn
	if len(sockets) == 0 {
		if only, err = service.Inherited(); err != nil {
			return err
		}
	}
	if err := service.Identity(); err != nil {
		return err
	}
	s, err := open(o)
	if err != nil {
		return err
	}
	defer s.store.Close()
	if only != nil {
		s.serve(only)
		return nil
	}
	program := service.Program{
		Serve:  s.serve,
		Ending: s.end,
		Log:    func(err error) { s.log("%v", err) },
		Reload: func() { s.reload(o) },
	}
	program.Run(sockets...)
	return nil
}
