// Qmail-local delivers one message to one local user, as the user's .qmail
// file says or, where that is silent, as the last argument does.
//
//	qmail-local [-nN] user homedir local dash ext domain sender aliasempty
//
// The message is on descriptor 0, which must be a file: it is read once for
// each instruction. With -n, qmail-local only tells what it would do. It exits
// 0 when all is done, 100 if the message should bounce and 111 if it may be
// tried again; descriptors 1 and 2 tell more. See qmail-local(8) and
// dot-qmail(5).
package main

import (
	"errors"
	"io"
	"os/signal"
	"slices"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/getopt"
	"goqmail/lib/sig"
	"goqmail/lib/warm"
)

func main() {
	signal.Ignore(syscall.SIGPIPE)
	sig.Default(sig.Swallowed[:]...)
	sig.Ignore(syscall.SIGXFSZ) // a write that fails is cleaned up after, a death is not
	warm.One(run)
}

func run(c *call.Call) int {
	syscall.Umask(0o077)
	d, err := arguments(c)
	if err == nil {
		err = d.deliver()
	}
	return report(c.Err(), err)
}

// arguments reads the command line.
func arguments(c *call.Call) (*delivery, error) {
	usage := exit.Reject("qmail-local: usage: qmail-local [ -nN ] user homedir local dash ext domain sender aliasempty", nil)
	d := &delivery{call: c, env: slices.Grow(slices.Clone(c.Env), variables)}
	options := getopt.New(c.Args, "nN")
	for {
		option, ok := options.Next()
		if !ok {
			break
		}
		switch option {
		case 'n':
			d.tell = true
		case 'N':
			d.tell = false
		default:
			io.WriteString(c.Err(), options.Problem())
			return nil, usage
		}
	}
	rest := options.Rest()
	if len(rest) != 8 || rest[1] == "" || rest[1][0] != '/' {
		return nil, usage
	}
	d.user, d.home, d.local, d.dash, d.ext = rest[0], rest[1], rest[2], rest[3], rest[4]
	d.host, d.sender, d.aliasEmpty = rest[5], rest[6], rest[7]
	return d, nil
}

// silent is the error of a program that has spoken for itself.
func silent(code int) error { return &exit.Error{Code: code} }

// report writes the text of an error, if it has one, and returns its code. The
// texts are complete: unlike other programs' they end up in a bounce as they
// are, so that no program's name stands in front.
func report(w io.Writer, err error) int {
	var e *exit.Error
	if errors.As(err, &e) && e.Text != "" {
		io.WriteString(w, e.Error()+"\n")
	}
	return exit.Code(err)
}
