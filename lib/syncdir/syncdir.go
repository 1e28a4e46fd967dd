// Package syncdir makes directory entries durable.
//
// A crash may undo a link, unlink or rename until the directory it changed is
// synced; fsync of the file itself does not do that on every file system.
package syncdir

import "syscall"

// Sync makes all changes of directory dir durable.
func Sync(dir string) error {
	d, err := Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// SyncOf is Sync for the directory of a file that is open as fd. If the
// directory cannot be opened, because it may not be read or there are too many
// open files, everything on the file's file system is made durable instead.
func SyncOf(dir string, fd int) error {
	if err := Sync(dir); err != syscall.EACCES && err != syscall.EMFILE && err != syscall.ENFILE {
		return err
	}
	return syncAll(fd)
}

// Dir is a directory opened beforehand, so that after the change only the
// sync itself can fail. It is a bare descriptor: the cost of an os.File counts
// in a program that is started for each message.
type Dir int

// Open opens directory dir.
func Open(dir string) (Dir, error) {
	for {
		fd, err := syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
		if err != syscall.EINTR {
			return Dir(fd), err
		}
	}
}

// Sync makes all changes of the directory durable. A file system that cannot
// sync directories (EINVAL) is taken to write them at once.
func (d Dir) Sync() error {
	for {
		switch err := syscall.Fsync(int(d)); err {
		case syscall.EINTR:
		case syscall.EINVAL:
			return nil
		default:
			return err
		}
	}
}

// Close closes the directory.
func (d Dir) Close() error { return syscall.Close(int(d)) }
