// Sasldblistusers2 lists the users who have a password for imapd(8) and its like.
//
//	sasldblistusers2 [ [ -f ] file ]
//
// It exits 0 if it has and 1 if it cannot. See sasldblistusers2(8).
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"goqmail/lib/entry"
	"goqmail/lib/getopt"
	"goqmail/lib/sasldb"
)

func main() {
	entry.Setup()
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

const usage = "sasldblistusers2: usage: sasldblistusers2 [-v] [[-f] sasldb]\n"

func run(args []string, out, report io.Writer) int {
	file := sasldb.Default
	opts := getopt.New(args, "vf:")
	for {
		option, ok := opts.Next()
		if !ok {
			break
		}
		switch option {
		case 'f':
			file = opts.Arg
		case 'v':
			fmt.Fprintln(report, "sasldblistusers2 of goqmail")
			return 0
		default:
			io.WriteString(report, usage)
			return 1
		}
	}
	switch rest := opts.Rest(); len(rest) {
	case 0:
	case 1:
		file = rest[0]
	default:
		io.WriteString(report, usage)
		return 1
	}
	records, err := sasldb.List(file)
	if err != nil {
		fmt.Fprintf(report, "sasldblistusers2: unable to list users: %v\n", err)
		return 1
	}
	w := bufio.NewWriter(out)
	for _, r := range records {
		fmt.Fprintf(w, "%s@%s: %s\n", r.User, r.Realm, r.Property)
	}
	if err := w.Flush(); err != nil {
		fmt.Fprintf(report, "sasldblistusers2: unable to list users: %v\n", err)
		return 1
	}
	return 0
}
