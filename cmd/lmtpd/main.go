// Lmtpd takes messages by LMTP and puts them into mailboxes. See lmtpd(8).
//
//	lmtpd [ -C config ] [ -a ] [ -l address ... ]
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
	"syscall"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/delivery"
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

var errUsage = errors.New("usage: lmtpd [ -C config ] [ -a ] [ -l address ... ]")

// options are what lmtpd is called with.
type options struct {
	config    string
	preauth   bool
	addresses []string
}

func parse(args []string) (o options, err error) {
	o.config = imapconf.Default
	opts := getopt.New(args, "C:al:DU:T:")
	for {
		option, ok := opts.Next()
		if !ok {
			break
		}
		switch option {
		case 'C':
			o.config = opts.Arg
		case 'a':
			o.preauth = true
		case 'l':
			o.addresses = append(o.addresses, opts.Arg)
		case 'D', 'U', 'T': // are for a process for each connection
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
		fmt.Fprintln(report, "lmtpd: fatal:", err)
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
	if err := drop(); err != nil {
		return err
	}
	syscall.Umask(0o077) // the files of the store are its owner's alone
	conf, err := imapconf.Read(o.config)
	if err != nil {
		return err
	}
	name := service.Name("lmtpunix")
	conf = conf.Service(name)
	agent, err := delivery.Open(conf, service.Log(conf, name).Printf)
	if err != nil {
		return err
	}
	defer agent.Close()
	s := newServer(agent, o.preauth)
	if only != nil {
		agent.Careful = true // of what an lmtpd did that is no more: see deliver(8)
		s.serve(only)
		return nil
	}
	program := service.Program{Serve: s.serve, Ending: s.end, Log: s.trouble, Reload: func() {
		conf, err := imapconf.Read(o.config)
		if err != nil {
			s.trouble(err)
			return
		}
		s.agent.Store(agent.With(conf.Service(name)))
	}}
	program.Run(sockets...)
	return nil
}

// drop gives up root: what is made in the store must be its owner's.
func drop() error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid, err := account.User(auto.UserCyrus)
	if err != nil {
		return fmt.Errorf("unable to find user %s: %w", auto.UserCyrus, err)
	}
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return err
	}
	if err := syscall.Setgid(gid); err != nil {
		return err
	}
	return syscall.Setuid(uid)
}
