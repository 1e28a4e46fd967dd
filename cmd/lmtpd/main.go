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

	"goqmail/lib/bounds"
	"goqmail/lib/delivery"
	"goqmail/lib/entry"
	"goqmail/lib/service"
)

func main() {
	entry.Setup()
	os.Exit(run(os.Args, os.Stderr))
}

const usage = service.Usage("lmtpd [ -C config ] [ -a ] [ -l address ... ]")

func run(args []string, report io.Writer) int {
	o, err := service.Parse(args, usage, "C:al:DU:T:")
	if err == nil {
		err = serve(o)
	}
	return service.Exit("lmtpd", err, report)
}

func serve(o service.Options) error {
	source, err := service.Open(o.Addresses)
	if err != nil {
		return err
	}
	conf, name, err := o.Read(usualName)
	if err != nil {
		return err
	}
	log := service.Log(conf, name).Printf
	agent, err := delivery.Open(conf, log)
	if err != nil {
		return err
	}
	service.Review(conf, log)
	defer agent.Close()
	agent.Careful = source.One() // of what an lmtpd did that is no more: see deliver(8)
	s := newServer(agent, o.Has('a'))
	if err := bounds.Confine(&o, conf); err != nil {
		return err
	}
	source.Serve(&service.Program{Serve: s.serve, Ending: s.end, Log: s.trouble, Reload: func() { s.reload(o) }})
	return nil
}
