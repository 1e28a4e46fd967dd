// Qmail-upq puts the files of the queue where the built-in split wants them, after
// that was changed.
//
//	qmail-upq
//
// Nothing else may use the queue meanwhile. It exits 0, or 111 if something is
// not in its place. See qmail-upq(8).
package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/queue"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	code := exit.OK
	complain := func(err error) {
		io.WriteString(c.Err(), "qmail-upq: "+err.Error()+"\n")
		code = exit.Temp
	}
	for _, kind := range []string{"mess", "info", "local", "remote"} {
		files, err := list(filepath.Join(auto.Home, "queue", kind))
		if err != nil {
			complain(err)
		}
		for _, file := range files {
			if err := place(kind, file); err != nil {
				complain(err)
			}
		}
	}
	return code
}

// list lists the files anywhere below a directory, before any of them moves.
func list(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	return files, err
}

// place moves a file of a message to where it belongs. What is no such file
// stays.
func place(kind, file string) error {
	num, ok := queue.ParseNum(filepath.Base(file))
	if !ok || num.String() != filepath.Base(file) {
		return nil
	}
	layout := queue.Unsplit()
	place := map[string]func(queue.Num) queue.Name{
		"mess": layout.Mess, "info": layout.Info, "local": layout.Local, "remote": layout.Remote,
	}[kind](num).Path()
	if place == file {
		return nil
	}
	if _, err := os.Lstat(place); err == nil {
		return &fs.PathError{Op: "move to", Path: place, Err: fs.ErrExist}
	}
	return os.Rename(file, place)
}
