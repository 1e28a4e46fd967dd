// Ctl_cyrusdb looks after the databases of the mail store.
//
//	ctl_cyrusdb [ -C config ] -c
//	ctl_cyrusdb [ -C config ] -r [ -x ]
//
// See ctl_cyrusdb(8).
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"goqmail/lib/entry"
	"goqmail/lib/getopt"
	"goqmail/lib/imapconf"
	"goqmail/lib/storetool"
)

const program = "ctl_cyrusdb"

func main() {
	entry.Setup()
	storetool.Become(program)
	os.Exit(run(os.Args, os.Stderr))
}

func run(args []string, report io.Writer) int {
	config := imapconf.Default
	recover, checkpoint, extra := false, false, false
	opts := getopt.New(args, "C:rxc")
	for option, ok := opts.Next(); ok; option, ok = opts.Next() {
		switch option {
		case 'C':
			config = opts.Arg
		case 'r':
			recover = true
		case 'c':
			checkpoint = true
		case 'x': // leaves out what is not done here anyway
			extra = true
		default:
			return usage(report)
		}
	}
	if recover == checkpoint || extra && !recover || len(opts.Rest()) > 0 {
		return usage(report)
	}
	tool, err := storetool.Open(program, config, "")
	if err != nil {
		return storetool.Report(report, program, err)
	}
	defer tool.Store.Close()
	if checkpoint {
		return storetool.Report(report, program, backUp(tool))
	}
	// What can be read is put in order even if something cannot.
	return storetool.Report(report, program, errors.Join(tool.Store.Check(), tool.Store.Recover()))
}

func usage(report io.Writer) int {
	fmt.Fprintln(report, "ctl_cyrusdb [-C <altconfig>] -c")
	fmt.Fprintln(report, "ctl_cyrusdb [-C <altconfig>] -r [-x]")
	return 255
}

// backUp makes a checkpoint. The backup before it is kept too.
func backUp(tool *storetool.Tool) error {
	newest := tool.Conf.String("configdirectory", "") + "/db.backup1"
	last := tool.Conf.String("configdirectory", "") + "/db.backup2"
	if err := os.RemoveAll(last); err != nil {
		return err
	}
	if err := os.Rename(newest, last); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return tool.Store.Checkpoint(newest)
}
