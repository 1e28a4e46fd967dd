// Quota reports quotas and their use.
//
//	quota [ -C config ] [ -d domain ] [ -f ] [ root ... ]
//
// See quota(8).
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"goqmail/lib/entry"
	"goqmail/lib/getopt"
	"goqmail/lib/imapconf"
	"goqmail/lib/mailstore"
	"goqmail/lib/storetool"
)

const program = "quota"

func main() {
	entry.Setup()
	storetool.Become(program)
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

func run(args []string, out, report io.Writer) int {
	config, domain, fix := imapconf.Default, "", false
	opts := getopt.New(args, "C:d:f")
	for option, ok := opts.Next(); ok; option, ok = opts.Next() {
		switch option {
		case 'C':
			config = opts.Arg
		case 'd':
			domain = opts.Arg
		case 'f':
			fix = true
		default:
			fmt.Fprintln(report, "usage: quota [-C <alt_config>] [-d <domain>] [-f] [prefix]...")
			return storetool.Usage
		}
	}
	tool, err := storetool.Open(program, config, "")
	if err != nil {
		return storetool.Report(report, program, err)
	}
	defer tool.Store.Close()
	w := bufio.NewWriter(out)
	err = list(tool, w, domain, opts.Rest(), fix)
	if e := w.Flush(); err == nil {
		err = e
	}
	return storetool.Report(report, program, err)
}

// list reports the quotas whose roots are below one of the prefixes, or all.
func list(tool *storetool.Tool, out io.Writer, domain string, prefixes []string, fix bool) error {
	for i, name := range prefixes {
		internal, err := tool.Space.Internal(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		prefixes[i] = internal
	}
	roots, err := tool.Store.QuotaRoots()
	if err != nil {
		return err
	}
	roots = slices.DeleteFunc(roots, func(q mailstore.Quota) bool {
		return domain != "" && !strings.HasPrefix(q.Root, domain+"!") ||
			len(prefixes) > 0 && !slices.ContainsFunc(prefixes, func(p string) bool { return q.Root == p || strings.HasPrefix(q.Root, p+".") })
	})
	if fix {
		for _, q := range roots {
			if err := recount(tool, out, q.Root); err != nil {
				return err
			}
		}
	}
	fmt.Fprintln(out, "   Quota  % Used    Used Root")
	for _, q := range roots {
		q, _, err := tool.Store.QuotaRoot(q.Root)
		if err != nil {
			return err
		}
		used := q.Used / 1024
		switch {
		case q.Limit > 0:
			fmt.Fprintf(out, " %7d %7d", q.Limit, used*100/q.Limit)
		case q.Limit == 0:
			fmt.Fprint(out, "       0        ")
		default:
			fmt.Fprint(out, "                ")
		}
		fmt.Fprintf(out, " %7d %s\n", used, tool.Space.External(q.Root))
	}
	return nil
}

// recount counts anew what is in the mailboxes of a quota.
func recount(tool *storetool.Tool, out io.Writer, root string) error {
	entries, err := tool.Store.Below(root)
	if err != nil {
		return err
	}
	var was, is int64
	for _, e := range entries {
		m, err := tool.Store.OpenMailbox(e.Name)
		if err != nil {
			return err
		}
		before, after, err := m.Recount()
		m.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		was, is = was+before, is+after
	}
	if was != is {
		fmt.Fprintf(out, "%s: usage was %d, now %d\n", tool.Space.External(root), was, is)
	}
	return nil
}
