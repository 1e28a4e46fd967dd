// Lmtpd takes messages by LMTP and puts them into mailboxes. See lmtpd(8).
//
//	lmtpd [ -C config ] [ -a ] [ -l address ... ]
//
// Its connections come from the sockets that master hands over, from the addresses of
// -l, or it serves the one that is its descriptor 0. It exits 0 on TERM, 64 if it is
// not called like this and 75 if it cannot work.
package main

import (
	"io"
	"os"

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

const errUsage = service.Usage("lmtpd [ -C config ] [ -a ] [ -l address ... ]")

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
	return service.Exit("lmtpd", err, report)
}

func serve(o options) error {
	source, err := service.Open(o.addresses)
	if err != nil {
		return err
	}
	conf, err := imapconf.Read(o.config)
	if err != nil {
		return err
	}
	name := service.Name("lmtpunix")
	conf = conf.Service(name)
	log := service.Log(conf, name).Printf
	agent, err := delivery.Open(conf, log)
	if err != nil {
		return err
	}
	service.Unknown(conf, log)
	defer agent.Close()
	agent.Careful = source.One() // of what an lmtpd did that is no more: see deliver(8)
	s := newServer(agent, o.preauth)
	source.Serve(&service.Program{Serve: s.serve, Ending: s.end, Log: s.trouble, Reload: func() {
		conf, err := imapconf.Read(o.config)
		if err == nil {
			err = conf.Check()
		}
		if err != nil {
			s.trouble(err)
			return
		}
		s.reload(conf.Service(name))
	}})
	return nil
}
