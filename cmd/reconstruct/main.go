// Reconstruct makes what the mail store knows of mailboxes agree with their files.
//
//	reconstruct [ -C config ] [ -p partition ] [ -rfxG ] [ mailbox ... ]
//	reconstruct [ -C config ] -m
//
// See reconstruct(8).
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"goqmail/lib/acl"
	"goqmail/lib/entry"
	"goqmail/lib/getopt"
	"goqmail/lib/imapconf"
	"goqmail/lib/mailstore"
	"goqmail/lib/storetool"
)

const program = "reconstruct"

func main() {
	entry.Setup()
	storetool.Become(program)
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

// options is what the command line says.
type options struct {
	partition string // where mailboxes are that are not listed
	recurse   bool   // mailboxes below as well
	find      bool   // list directories below that look like mailboxes
	plain     bool   // without what Cyrus noted of them
	all       bool   // list all directories that look like mailboxes
	digests   bool
}

func run(args []string, out io.Writer, report *os.File) int {
	var o options
	config := imapconf.Default
	opts := getopt.New(args, "C:p:rmfxG")
	for option, ok := opts.Next(); ok; option, ok = opts.Next() {
		switch option {
		case 'C':
			config = opts.Arg
		case 'p':
			o.partition = opts.Arg
		case 'r':
			o.recurse = true
		case 'f':
			o.find = true
		case 'x':
			o.plain = true
		case 'm':
			o.all = true
		case 'G':
			o.digests = true
		default:
			return usage(report)
		}
	}
	names := opts.Rest()
	switch {
	case o.all && len(names) > 0:
		return usage(report)
	case o.partition != "" && len(names) == 0:
		fmt.Fprintln(report, "When using -p, you must specify a mailbox to attempt to reconstruct.")
		return storetool.Usage
	case o.recurse && len(names) == 0:
		fmt.Fprintln(report, "please specify a mailbox to recurse from")
		return storetool.Usage
	}
	tool, err := storetool.Open(program, config, "")
	if err != nil {
		return storetool.Report(report, program, err)
	}
	defer tool.Store.Close()
	r := &reconstruction{tool: tool, options: o, out: out, report: report, done: map[string]bool{}}
	return r.run(names)
}

func usage(report io.Writer) int {
	fmt.Fprintln(report, "usage: reconstruct [-C <alt_config>] [-p partition] [-rfxG] mailbox...")
	fmt.Fprintln(report, "       reconstruct [-C <alt_config>] -m")
	return storetool.Usage
}

type reconstruction struct {
	options
	tool   *storetool.Tool
	out    io.Writer
	report *os.File
	done   map[string]bool
	code   int
}

func (r *reconstruction) run(names []string) int {
	if r.partition != "" && !r.adopt(names) {
		return storetool.Usage
	}
	if r.all {
		for partition := range r.tool.Conf.Partitions() {
			r.discover(partition, "")
		}
	}
	if len(names) == 0 {
		names = []string{"*"}
	}
	for _, name := range names {
		patterns := []string{name}
		if r.recurse {
			patterns = append(patterns, name+string(r.tool.Space.Separator)+"*")
		}
		for _, pattern := range patterns {
			found, err := r.tool.Match(pattern)
			if err != nil {
				r.fail(pattern, err)
			}
			for _, e := range found {
				r.mailbox(e)
				if r.find {
					r.discover(e.Partition, e.Name)
				}
			}
		}
	}
	return r.code
}

// adopt lists mailboxes that are in a partition only.
func (r *reconstruction) adopt(names []string) bool {
	for _, name := range names {
		if strings.ContainsAny(name, "%*") {
			fmt.Fprintln(r.report, "Using wildcards with -p is not supported.")
			return false
		}
		internal, err := r.tool.Space.Internal(name)
		if err != nil {
			r.fail(name, err)
			return false
		}
		if _, err := r.tool.Store.Lookup(internal); err == nil {
			fmt.Fprintf(r.report, "Mailbox %s already exists.  Cannot specify -p.\n", name)
			return false
		}
		found, err := r.tool.Store.Discover(r.partition, internal)
		if err != nil || len(found) == 0 || found[0].Name != internal {
			fmt.Fprintf(r.report, "%s does not appear to be a mailbox in partition %s.\n", name, r.partition)
			return false
		}
		r.list(found[0])
	}
	return true
}

// discover lists what looks like a mailbox, and reconstructs it.
func (r *reconstruction) discover(partition, root string) {
	found, err := r.tool.Store.Discover(partition, root)
	if err != nil {
		r.fail(partition, err)
	}
	for _, e := range found {
		if !storetool.Valid(e.Name) {
			continue
		}
		fmt.Fprintf(r.out, "discovered %s\n", r.tool.Space.External(e.Name))
		r.list(e)
		r.mailbox(e)
	}
}

// list lists a mailbox with the rights that Cyrus noted for it, or else those that it
// would get if it was created now.
func (r *reconstruction) list(e mailstore.Entry) {
	if r.plain || e.ACL == "" {
		e.ACL = r.rights(e.Name)
	}
	if err := r.tool.Store.Restore(e); err != nil {
		r.fail(e.Name, err)
	}
}

// rights returns the ACL of a new mailbox: that of the nearest one above, or all rights
// for its owner.
func (r *reconstruction) rights(name string) string {
	for above := name; ; {
		dot := strings.LastIndexByte(above, '.')
		if dot < 0 {
			break
		}
		above = above[:dot]
		if e, err := r.tool.Store.Lookup(above); err == nil {
			return e.ACL
		}
	}
	if user, ok := strings.CutPrefix(name, "user."); ok {
		user, _, _ = strings.Cut(user, ".")
		return acl.List{{Identifier: strings.ReplaceAll(user, "^", "."), Rights: acl.All}}.String()
	}
	list := acl.List{}
	for words := strings.Fields(r.tool.Conf.String("defaultacl", "anyone lrs")); len(words) >= 2; words = words[2:] {
		rights, _ := acl.Parse(words[1])
		list = list.With(words[0], rights)
	}
	return list.String()
}

// mailbox reconstructs one and prints its name.
func (r *reconstruction) mailbox(e mailstore.Entry) {
	if r.done[e.Name] {
		return
	}
	r.done[e.Name] = true
	name := r.tool.Space.External(e.Name)
	did, err := r.tool.Store.Reconstruct(e.Name, mailstore.Rebuild{Digests: r.digests, Progress: r.progress(name)})
	if err != nil {
		r.fail(name, err)
		return
	}
	if did.Broken {
		fmt.Fprintf(r.report, "%s: the index could not be read; what is left of it is index.db.broken\n", name)
	}
	fmt.Fprintln(r.out, name)
}

// progress shows who watches how far it is.
func (r *reconstruction) progress(name string) func(done, total int) {
	if !storetool.Terminal(r.report) {
		return nil
	}
	return func(done, total int) {
		if total > 1000 {
			end := ""
			if done == total {
				end = "\r\033[K"
			}
			fmt.Fprintf(r.report, "\r%s: %d of %d messages%s", name, done, total, end)
		}
	}
}

func (r *reconstruction) fail(name string, err error) {
	fmt.Fprintf(r.report, "%s: %v\n", name, err)
	r.code = storetool.Failed
}
