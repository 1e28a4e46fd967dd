// Imapd lets clients read and keep mail by IMAP. See imapd(8).
//
//	imapd [ -C config ] [ -s ] [ -l address ... ]
//
// Its connections come from the sockets that master hands over, from the addresses of
// -l, or it serves the one that is its descriptor 0. It exits 0 on TERM, 64 if it is
// not called like this and 75 if it cannot work.
package main

import (
	"io"
	"os"

	"goqmail/lib/bounds"
	"goqmail/lib/entry"
	"goqmail/lib/service"
)

func main() {
	entry.Setup()
	os.Exit(run(os.Args, os.Stderr))
}

const usage = service.Usage("imapd [ -C config ] [ -s ] [ -l address ... ]")

func run(args []string, report io.Writer) int {
	o, err := service.Parse(args, usage, "C:sl:DU:T:p:")
	if err == nil {
		err = serve(o)
	}
	return service.Exit("imapd", err, report)
}

func serve(o service.Options) error {
	source, err := service.Open(o.Addresses)
	if err != nil {
		return err
	}
	s, err := open(o)
	if err != nil {
		return err
	}
	defer s.store.Close()
	if err := bounds.Confine(&o, s.settings()); err != nil {
		return err
	}
	source.Serve(&service.Program{
		Serve:  s.serve,
		Ending: s.end,
		Log:    func(err error) { s.log("%v", err) },
		Reload: func() { s.reload(o) },
	})
	return nil
}
