// Mkimap makes the directories that imapd.conf names.
//
//	mkimap [ config ]
//
// See mkimap(8).
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/entry"
	"goqmail/lib/imapconf"
	"goqmail/lib/storetool"
)

func main() {
	entry.Setup()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, out, report io.Writer) int {
	config := imapconf.Default
	switch len(args) {
	case 0:
	case 1:
		config = args[0]
	default:
		fmt.Fprintln(report, "usage: mkimap [config]")
		return storetool.Usage
	}
	fmt.Fprintln(out, "reading configure file...")
	conf, err := imapconf.Read(config)
	if err == nil {
		err = conf.Check()
	}
	if err != nil {
		fmt.Fprintln(report, "mkimap:", err)
		return storetool.Config
	}
	dir := conf["configdirectory"]
	fmt.Fprintf(out, "i will configure directory %s.\n", dir)
	partitions := slices.Compact(slices.Sorted(maps.Values(conf.Partitions())))
	for _, p := range partitions {
		fmt.Fprintf(out, "i saw partition %s.\n", p)
	}
	fmt.Fprintln(out, "done")
	m := maker{-1, -1}
	if os.Geteuid() == 0 {
		if m.uid, m.gid, err = account.User(auto.UserCyrus); err != nil {
			return storetool.Report(report, "mkimap", fmt.Errorf("unable to find user %s: %w", auto.UserCyrus, err))
		}
	}
	fmt.Fprintf(out, "configuring %s...\n", dir)
	err = m.dir(dir, 0o750)
	for _, name := range []string{"proc", "db", "socket", "log", "msg", "ptclient", "quota", "user"} {
		err = errors.Join(err, m.dir(dir+"/"+name, 0o755))
	}
	for _, p := range partitions {
		fmt.Fprintf(out, "creating %s...\n", p)
		err = errors.Join(err, m.dir(p, 0o750), m.dir(p+"/stage.", 0o755))
	}
	if err != nil {
		return storetool.Report(report, "mkimap", err)
	}
	fmt.Fprintln(out, "done")
	return 0
}

// maker makes directories for an owner, unless that is -1.
type maker struct{ uid, gid int }

// dir makes a directory. One that is there stays as it is.
func (m maker) dir(path string, mode fs.FileMode) error {
	err := os.Mkdir(path, 0o700)
	switch {
	case errors.Is(err, fs.ErrExist):
		if st, err := os.Stat(path); err != nil || !st.IsDir() {
			return fmt.Errorf("%s is not a directory", path)
		}
		return nil
	case err != nil:
		return err
	}
	if err := os.Chmod(path, mode); err != nil || m.uid < 0 {
		return err
	}
	return os.Lchown(path, m.uid, m.gid)
}
