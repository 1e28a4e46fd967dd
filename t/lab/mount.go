//go:build linux

package lab

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The functions of this file work on the mounts of the host they are called
// in, by Host.Do.

// Tmpfs mounts an empty file system on dir, with mode as that of a mount
// option, such as "1777".
func Tmpfs(dir, mode string) error { return mount("tmpfs", dir, "tmpfs", 0, "mode="+mode) }

// Bind makes what is at source visible at target too.
func Bind(source, target string) error { return mount(source, target, "", unix.MS_BIND, "") }

// BindProgram is Bind for programs: nobody can write them, and setuid works
// though the temporary directory they lie in may not allow it.
func BindProgram(source, target string) error {
	if err := Bind(source, target); err != nil {
		return err
	}
	return mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
}

func mount(source, target, fstype string, flags uintptr, options string) error {
	if err := unix.Mount(source, target, fstype, flags, options); err != nil {
		return fmt.Errorf("mount %s on %s: %w", source, target, err)
	}
	return nil
}

// place makes sure that the names are in directory dir, as empty directories
// (with a slash at the end) or files, without touching the machine: if one is
// missing, dir is replaced by a copy that shows everything else in its place.
func place(dir string, names ...string) error {
	missing := false
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			missing = true
		}
	}
	if !missing {
		return nil
	}
	const copied = "/mnt"
	if err := Tmpfs(copied, "755"); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := show(filepath.Join(dir, e.Name()), filepath.Join(copied, e.Name()), e.Type()); err != nil {
			return err
		}
	}
	for _, name := range names {
		path := filepath.Join(copied, name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		os.Remove(path) // a symbolic link to nowhere
		if name[len(name)-1] == '/' {
			err = os.Mkdir(path, 0o755)
		} else {
			err = os.WriteFile(path, nil, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return mount(copied, dir, "", unix.MS_MOVE, "")
}

// show makes source visible at target, which is made for it.
func show(source, target string, kind fs.FileMode) error {
	switch kind {
	case fs.ModeSymlink:
		to, err := os.Readlink(source)
		if err != nil {
			return err
		}
		return os.Symlink(to, target)
	case fs.ModeDir:
		if err := os.Mkdir(target, 0o755); err != nil {
			return err
		}
	default:
		if err := os.WriteFile(target, nil, 0o644); err != nil {
			return err
		}
	}
	return mount(source, target, "", unix.MS_BIND|unix.MS_REC, "")
}

// Dev mounts a /dev of the host's own: the usual devices and nothing else. made
// is an empty directory to make it in.
func Dev(made string) error {
	if err := Tmpfs(made, "755"); err != nil {
		return err
	}
	for name, minor := range map[string]uint32{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9} {
		if err := unix.Mknod(made+"/"+name, unix.S_IFCHR|0o666, int(unix.Mkdev(1, minor))); err != nil {
			return fmt.Errorf("mknod %s: %w", name, err)
		}
		if err := os.Chmod(made+"/"+name, 0o666); err != nil {
			return err
		}
	}
	if err := os.Symlink("/proc/self/fd", made+"/fd"); err != nil {
		return err
	}
	return mount(made, "/dev", "", unix.MS_MOVE, "")
}
