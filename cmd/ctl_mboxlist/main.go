// Ctl_mboxlist writes and reads the list of mailboxes as text.
//
//	ctl_mboxlist [ -C config ] -d [ -x ] [ -f file ] [ -p partition ]
//	ctl_mboxlist [ -C config ] -u [ -f file ] < dump
//
// See ctl_mboxlist(8).
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"goqmail/lib/entry"
	"goqmail/lib/getopt"
	"goqmail/lib/imapconf"
	"goqmail/lib/mailstore"
	"goqmail/lib/storetool"
)

const program = "ctl_mboxlist"

func main() {
	entry.Setup()
	storetool.Become(program)
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, in io.Reader, out, report io.Writer) int {
	config, list, partition := imapconf.Default, "", ""
	var what byte
	purge, master := false, false
	opts := getopt.New(args, "C:awmdurcxf:p:")
	for option, ok := opts.Next(); ok; option, ok = opts.Next() {
		switch option {
		case 'C':
			config = opts.Arg
		case 'f':
			list = opts.Arg
		case 'p':
			partition = opts.Arg
		case 'x':
			purge = true
		case 'a', 'w':
			master = true
		case 'd', 'u', 'm', 'r', 'c':
			if what != 0 {
				return usage(report)
			}
			what = option
		default:
			return usage(report)
		}
	}
	switch {
	case what == 0, what != 'd' && (purge || partition != ""), what != 'm' && master, len(opts.Rest()) > 0:
		return usage(report)
	case what == 'm': // there is no MUPDATE here, as with Cyrus that is not told of one
		fmt.Fprintln(report, "couldn't connect to mupdate server")
		return 1
	case what == 'r', what == 'c':
		fmt.Fprintf(report, "ctl_mboxlist -%c is deprecated: use ctl_cyrusdb -%c instead\n", what, what)
		return 0
	}
	tool, err := storetool.Open(program, config, list)
	if err != nil {
		return storetool.Report(report, program, err)
	}
	defer tool.Store.Close()
	if what == 'd' {
		return storetool.Report(report, program, dump(tool.Store, out, partition, purge))
	}
	return undump(tool.Store, in, report)
}

func usage(report io.Writer) int {
	fmt.Fprint(report, `DUMP:
  ctl_mboxlist [-C <alt_config>] -d [-x] [-f filename] [-p partition]
UNDUMP:
  ctl_mboxlist [-C <alt_config>] -u [-f filename]    [< mboxlist.dump]
MUPDATE populate:
  ctl_mboxlist [-C <alt_config>] -m [-a] [-w] [-f filename]
`)
	return 1
}

// dump writes a line for each mailbox: its name, its partition and its ACL. With purge
// these are then no longer listed; their messages stay.
func dump(store *mailstore.Store, out io.Writer, partition string, purge bool) error {
	entries, err := store.Below("")
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	var written []string
	for _, e := range entries {
		if partition == "" || e.Partition == partition {
			fmt.Fprintf(w, "%s\t%s\t%s\n", e.Name, e.Partition, e.ACL)
			written = append(written, e.Name)
		}
	}
	if err := w.Flush(); err != nil || !purge {
		return err
	}
	return store.Unlist(written...)
}

// undump lists the mailboxes of a dump. What is none is told of, and no failure.
func undump(store *mailstore.Store, in io.Reader, report io.Writer) int {
	code := 0
	err := parse(in, func(where string, e mailstore.Entry, problem string) {
		name, ok := mailstore.CyrusName(e.Name)
		switch e.Name = name; {
		case problem != "":
		case !ok:
			problem = "a mailbox of a domain that is nobody's"
		case !storetool.Valid(name):
			problem = "mailbox name too long or not a name"
		}
		if problem == "" {
			if err := store.Restore(e); err != nil {
				problem, code = err.Error(), storetool.Failed
			}
		}
		if problem != "" {
			fmt.Fprintf(report, "%s: %s\n", where, problem)
		}
	})
	if err != nil {
		return storetool.Report(report, program, err)
	}
	return code
}
