// Package confine has a process give up what it will not need before it reads
// from whom it need not trust: opening files, running programs, opening sockets.
// Should a defect then give its process to an attacker, that is what he lacks as
// well.
//
// On Linux it is Landlock for files and seccomp for the rest, as far as the kernel
// has them; on OpenBSD it is unveil for files and pledge for programs; elsewhere
// nothing happens. What is open stays open. Whatever the process starts is confined
// with it and, on Linux, gains no rights from a setuid bit: a program that is to
// start qmail-queue cannot be confined. Nor can one that is linked with C.
package confine

import (
	"io/fs"
	"path/filepath"
	"runtime"
)

// Rules are what a process may still do.
type Rules struct {
	Read     []string // files and directories to read, all that is below included
	Write    []string // to write, make and remove files, and to read
	Programs bool     // run programs
	Sockets  bool     // open sockets of the network, and connect any
	Local    bool     // open sockets of this host, and connect them wherever they are
}

// Possible tells whether a system of this kind can confine processes.
const Possible = runtime.GOOS == "linux" || runtime.GOOS == "openbsd"

// Process confines the process, all its threads, for good. What of Rules.Read and
// Rules.Write does not exist is left out. Where the system cannot do it that is no
// error.
func Process(r Rules) error { return process(r) }

// Linked is dir and where symbolic links in it lead, for Rules.Read: a key may be
// elsewhere. Of such a file it is the directory, for a new one in its place.
func Linked(dir string) []string {
	dirs := []string{dir}
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Type() != fs.ModeSymlink {
			return nil // what cannot be looked at cannot be read either
		}
		if to, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(to))
		}
		return nil
	})
	return dirs
}
