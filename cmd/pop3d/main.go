// Pop3d lets clients fetch the mail of their INBOX by POP3. See pop3d(8).
//
//	pop3d [ -C config ] [ -s ] [ -l address ... ]
//
// Its connections come from the sockets that master hands over, from the addresses of
// -l, or it serves the one that is its descriptor 0. It exits 0 on TERM, 64 if it is
// not called like this and 75 if it cannot work.
package main

import (
	"io"
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

const errUsage = service.Usage("pop3d [ -C config ] [ -s ] [ -l address ... ]")

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
	return service.Exit("pop3d", err, report)
}

func serve(o options) error {
	source, err := service.Open(o.addresses)
	if err != nil {
		return err
	}
	s, err := open(o)
	if err != nil {
		return err
	}
	defer s.store.Close()
	source.Serve(&service.Program{
		Serve:  s.serve,
		Ending: s.end,
		Log:    func(err error) { s.log("%v", err) },
		Reload: func() { s.reload(o) },
	})
	return nil
}
