// Cyradm administers mailboxes.
//
//	cyradm [option ...] [server [port]]
//
// It logs in to the server and then takes commands, from a terminal with line editing,
// history and completion, or from its input. It exits 0, 1 if it cannot log in or, for
// commands of -e, if one fails. See cyradm(1).
package main

import (
	"fmt"
	"os"

	"goqmail/lib/askpass"
	"goqmail/lib/entry"
)

func main() {
	entry.Setup()
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	o, err := parseOptions(args, os.Getenv)
	if err != nil {
		fmt.Fprintf(os.Stderr, "cyradm: %v\n%s", err, usage)
		return 1
	}
	if o.help {
		fmt.Print(usage)
		return 0
	}
	ask := func() (string, error) { return askpass.Ask("Password: ", os.Stdin) }
	s := &shell{options: o, out: os.Stdout, errs: os.Stderr, password: ask}
	if o.server != "" {
		if err := s.connect(o.server, o.port); err != nil {
			fmt.Fprintf(os.Stderr, "cyradm: cannot connect to server: %v\n", err)
			return 1
		}
		if err := s.authenticate(o); err != nil {
			fmt.Fprintf(os.Stderr, "cyradm: cannot authenticate to server%s as %s: %v\n", with(o.auth), o.user, err)
			return 1
		}
	}
	defer s.disconnect()
	if len(o.commands) == 0 {
		return s.interact(os.Stdin)
	}
	for _, line := range o.commands {
		if s.line(line); s.ended || s.failed {
			break
		}
	}
	return s.code()
}

func with(mechanism string) string {
	if mechanism == "" {
		return ""
	}
	return " with " + mechanism
}
