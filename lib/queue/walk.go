package queue

import (
	"io"
	"os"
	"syscall"
)

// Walk calls visit with each message number found in the directory with path
// dir, in the order in which the system lists it, until visit returns false.
// Names that are not numbers are skipped. The directory may change meanwhile.
// The error is that of opening or of reading dir.
func Walk(dir string, visit func(Num) bool) error {
	return walk(dir, func(name string) bool {
		n, ok := ParseNum(name)
		return !ok || visit(n)
	})
}

// WalkAll is Walk for all names in a directory. It calls visit with dir/name.
func WalkAll(dir Name, visit func(Name) bool) error {
	return walk(dir.Path(), func(name string) bool { return visit(dir + "/" + Name(name)) })
}

func walk(dir string, visit func(name string) bool) error {
	// O_DIRECTORY, so that what is no directory is refused here and not read.
	d, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(256)
		for _, name := range names {
			if !visit(name) {
				return nil
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
