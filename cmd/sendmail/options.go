package main

import (
	"strings"

	"goqmail/lib/call"
	"goqmail/lib/getopt"
)

const usage = "sendmail: usage: sendmail [ -t ] [ -fsender ] [ -Fname ] [ -bp ] [ -bs ] [ arg ... ]\n"

// program is what to run in sendmail's place.
type program struct {
	args []string // the file, relative to the home directory, and its arguments
	env  call.Env
}

// parse understands a command line of sendmail's. Instead of a program it may
// return a complaint. Options about modes that qmail does not have are taken
// and mean nothing.
func parse(args []string, env call.Env) (p program, complaint string) {
	source := "-a"
	var sender []string
	options := getopt.New(args, "vimte:f:p:o:B:F:EJxb:")
	for option, ok := options.Next(); ok; option, ok = options.Next() {
		switch option {
		case 't':
			source = "-H"
		case 'f':
			sender = []string{"-f", options.Arg}
		case 'F':
			env = env.With("MAILNAME", options.Arg)
		case 'E', 'J': // with an argument at most in the same word
			options.Skip()
		case 'b':
			switch (options.Arg + " ")[0] {
			case 'm':
			case 'p':
				return queueList(env), ""
			case 's':
				return session(env), ""
			default:
				return program{}, usage
			}
		case '?':
			return program{}, options.Problem() + usage
		}
	}
	switch options.Name() {
	case "mailq":
		return queueList(env), ""
	case "newaliases":
		return program{}, "sendmail: fatal: please use fastforward/newaliases instead\n"
	}
	if sender != nil {
		env = withAuthor(env, sender[1])
	}
	inject := append([]string{"bin/qmail-inject", source}, sender...)
	return program{append(append(inject, "--"), options.Rest()...), env}, ""
}

func queueList(env call.Env) program { return program{[]string{"bin/qmail-qread"}, env} }

// session runs an SMTP server for whoever is on descriptors 0 and 1. Unless
// something like tcpserver has told who that is, it is someone on this machine,
// who may relay.
func session(env call.Env) program {
	if _, ok := env.Lookup("PROTO"); !ok {
		env = env.With("RELAYCLIENT", "").With("DATABYTES", "0").With("PROTO", "TCP").
			With("TCPLOCALIP", "127.0.0.1").With("TCPLOCALHOST", "localhost").
			With("TCPREMOTEIP", "127.0.0.1").With("TCPREMOTEHOST", "localhost").
			With("TCPREMOTEINFO", "sendmail-bs")
	}
	return program{[]string{"bin/qmail-smtpd"}, env}
}

// withAuthor makes the envelope sender the author in a From field that
// qmail-inject adds, as people expect of -f. A name in the environment, or given
// with -F, would be somebody else's.
func withAuthor(env call.Env, sender string) call.Env {
	for _, name := range []string{"QMAILNAME", "MAILNAME", "NAME", "QMAILHOST", "MAILHOST"} {
		env = env.Without(name)
	}
	box := sender
	if at := strings.LastIndexByte(sender, '@'); at >= 0 {
		box = sender[:at]
		env = env.With("QMAILHOST", sender[at+1:])
	}
	return env.With("QMAILUSER", box)
}
