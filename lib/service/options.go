package service

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"goqmail/lib/getopt"
	"goqmail/lib/imapconf"
)

// Options are what a service is called with.
type Options struct {
	Config    string   // of -C
	Addresses []string // of -l
	Switches  string   // the other options, by their letters

	// Allow returns an error for a configuration with which the program cannot go on as
	// it is, if it is set.
	Allow func(imapconf.Conf) error
}

// Parse reads the arguments of a service, which are options by the letters, as for
// getopt(3). Cyrus's -D, -U, -T and -p, for a process for each connection, mean nothing
// here.
func Parse(args []string, usage Usage, letters string) (o Options, err error) {
	o.Config = imapconf.Default
	opts := getopt.New(args, letters)
	for {
		option, ok := opts.Next()
		if !ok {
			break
		}
		switch option {
		case 'C':
			o.Config = opts.Arg
		case 'l':
			o.Addresses = append(o.Addresses, opts.Arg)
		case '?':
			return o, usage
		default:
			o.Switches += string(option)
		}
	}
	if len(opts.Rest()) > 0 {
		return o, usage
	}
	return o, nil
}

// Has tells whether an option was given.
func (o Options) Has(letter byte) bool { return strings.IndexByte(o.Switches, letter) >= 0 }

// Read reads the configuration for the service, whose name is the usual one unless
// master(8) knows it by another.
func (o Options) Read(usual string) (conf imapconf.Conf, name string, err error) {
	conf, err = imapconf.Read(o.Config)
	switch {
	case err == nil:
		err = conf.Check()
	case o.Allow != nil && errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("%w: if the right was given up: restart", err)
	}
	name = Name(usual)
	conf = conf.Service(name)
	if err == nil && o.Allow != nil {
		err = o.Allow(conf)
	}
	return conf, name, err
}
