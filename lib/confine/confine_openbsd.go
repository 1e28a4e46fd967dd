package confine

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func process(r Rules) error {
	read := "r"
	if r.Programs {
		read = "rx"
	}
	for _, path := range r.Read {
		if err := unveil(path, read); err != nil {
			return err
		}
	}
	for _, path := range r.Write {
		if err := unveil(path, "rwc"); err != nil {
			return err
		}
	}
	if err := unix.UnveilBlock(); err != nil {
		return os.NewSyscallError("unveil", err)
	}
	// To use a connection takes inet, too. What is refused is an error, and no death.
	promises := "error stdio rpath wpath cpath fattr chown flock inet unix dns id sendfd recvfd"
	if r.Programs {
		promises += " proc exec"
	}
	return os.NewSyscallError("pledge", unix.PledgePromises(promises))
}

func unveil(path, how string) error {
	err := unix.Unveil(path, how)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	return &os.PathError{Op: "unveil", Path: path, Err: err}
}
