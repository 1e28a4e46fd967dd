package main

import (
	"errors"
	"fmt"
	"strings"
)

const usage = `usage: cyradm [options] [server [port]]
  -u, --user USER          log in as USER
  -z, --authz USER         have the rights of USER
  -a, --auth MECHANISM     log in by MECHANISM: login, PLAIN, CRAM-MD5, ...
  -w, --password PASSWORD  instead of asking for it
  -s, --server SERVER      the same as a server without an option
  -p, --port PORT          its port, 143 if not said
  -e COMMAND               do COMMAND and end; may be given again
      --notls              do not use STARTTLS
  -t, --tlskey FILE        show this certificate, which has its key with it
      --cafile FILE        the server's certificate must be from one of these authorities
      --cadir DIR          the same, for the files of a directory
  -h, --help               this text
`

// options is the command line.
type options struct {
	user, authz, auth, password, server, port string
	tlskey, cafile, cadir                     string
	notls, help                               bool
	commands                                  []string
}

// parseOptions reads the command line. Names of long options may be cut short.
func parseOptions(args []string, getenv func(string) string) (o options, err error) {
	o.port = "143"
	if o.user = getenv("USER"); o.user == "" {
		o.user = getenv("LOGNAME")
	}
	command := ""
	ignored := ""
	values := []struct {
		short, long string
		to          *string
	}{
		{"u", "user", &o.user}, {"z", "authz", &o.authz}, {"a", "auth", &o.auth}, {"w", "password", &o.password},
		{"s", "server", &o.server}, {"p", "port", &o.port}, {"e", "", &command}, {"t", "tlskey", &o.tlskey},
		{"", "cafile", &o.cafile}, {"", "cadir", &o.cadir}, {"", "capath", &o.cadir},
		{"S", "systemrc", &ignored}, {"", "userrc", &ignored},
	}
	switches := map[string]*bool{"notls": &o.notls, "help": &o.help, "rc": new(bool), "norc": new(bool)}
	var rest []string
next:
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			rest = append(rest, args...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			rest = append(rest, arg)
			continue
		}
		if arg == "-h" {
			o.help = true
			continue
		}
		name, value, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		for long, on := range switches {
			if strings.HasPrefix(arg, "--") && name == long {
				*on = true
				continue next
			}
		}
		for _, exact := range []bool{true, false} {
			for _, v := range values {
				long := strings.HasPrefix(arg, "--") && v.long != "" && (v.long == name || !exact && len(name) > 1 && strings.HasPrefix(v.long, name))
				if arg != "-"+v.short && !long {
					continue
				}
				if !given {
					if len(args) == 0 {
						return o, fmt.Errorf("option %s wants a value", arg)
					}
					value, args = args[0], args[1:]
				}
				if *v.to = value; v.to == &command {
					o.commands = append(o.commands, value)
				}
				continue next
			}
		}
		return o, fmt.Errorf("unknown option %s", arg)
	}
	switch {
	case len(rest) > 0 && o.server != "":
		return o, errors.New("the server is named twice")
	case len(rest) > 2:
		return o, errors.New("too many arguments")
	}
	if len(rest) > 0 {
		o.server = rest[0]
	}
	if len(rest) > 1 {
		o.port = rest[1]
	}
	return o, nil
}
