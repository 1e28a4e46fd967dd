// Imtest logs in to an IMAP server, shows what is said, and then connects the user with it.
//
//	imtest [option ...] host
//
// It exits 0 after a session, 1 if it cannot log in. See imtest(1).
package main

import (
	"errors"
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
		fmt.Fprintf(os.Stderr, "imtest: %v\n%s", err, usage)
		return 2
	}
	s := &session{options: o, in: os.Stdin, out: os.Stdout, password: func() (string, error) { return askpass.Ask("Please enter your password: ", os.Stdin) }}
	return show(s)
}

// show shows a session from its beginning to its end.
func show(s *session) int {
	err := s.begin()
	var refused errLogin
	switch {
	case errors.As(err, &refused):
		fmt.Fprintf(s.out, "Authentication failed. %v\n", refused.error)
	case err != nil:
		fmt.Fprintf(os.Stderr, "imtest: %v\n", err)
		return 1
	}
	s.goOn()
	if err != nil {
		return 1
	}
	return 0
}
