package main

import (
	"fmt"
	"strings"
)

const usage = `usage: imtest [options] host
  -p PORT       port or service, imap if not said
  -m MECHANISM  log in by MECHANISM, login for the command LOGIN; else the best
  -a USER       log in as USER, else as who runs this
  -u USER       have the rights of USER
  -w PASSWORD   instead of asking for it
  -r REALM      the realm of the password
  -t FILE       use STARTTLS, and show the certificate in FILE; "" for none
  -s            TLS from the start
  -i            no initial response
  -n            do not log in
  -q            do not ask to compress; -k N, -l N, -o NAME=VALUE: taken, without effect
  -f FILE       send FILE after login instead of what is typed
  -v            say more
`

// options is the command line.
type options struct {
	port, mechanism, user, as, password, realm, tlskey, file, host string
	starttls, tls, initial, login, verbose                         bool
}

// parseOptions reads the command line.
func parseOptions(args []string, getenv func(string) string) (o options, err error) {
	o.initial, o.login = true, true
	if o.user = getenv("USER"); o.user == "" {
		o.user = getenv("LOGNAME")
	}
	ignored := ""
	values := map[byte]*string{
		'p': &o.port, 'm': &o.mechanism, 'a': &o.user, 'u': &o.as, 'w': &o.password, 'r': &o.realm, 't': &o.tlskey, 'f': &o.file,
		'k': &ignored, 'l': &ignored, 'o': &ignored, 'z': &ignored, 'C': &ignored, 'X': &ignored, 'I': &ignored,
	}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if len(arg) < 2 || arg[0] != '-' {
			if o.host != "" {
				return o, fmt.Errorf("more than one host")
			}
			o.host = arg
			continue
		}
		for flags := arg[1:]; flags != ""; flags = flags[1:] {
			to, hasValue := values[flags[0]]
			if hasValue {
				*to = flags[1:]
				if *to == "" {
					if len(args) == 0 {
						return o, fmt.Errorf("option -%c wants a value", flags[0])
					}
					*to, args = args[0], args[1:]
				}
				o.starttls = o.starttls || flags[0] == 't'
				break
			}
			switch flags[0] {
			case 's':
				o.tls = true
			case 'i':
				o.initial = false
			case 'n':
				o.login = false
			case 'v':
				o.verbose = true
			case 'q', 'c', 'x':
			default:
				return o, fmt.Errorf("unknown option -%c", flags[0])
			}
		}
	}
	if o.host == "" {
		return o, fmt.Errorf("no host")
	}
	if o.port == "" {
		o.port = "imap"
		if o.tls {
			o.port = "imaps"
		}
	}
	if strings.HasPrefix(o.host, "[") {
		o.host = strings.Trim(o.host, "[]")
	}
	return o, nil
}
