// Package descriptor opens files that need nothing of what an os.File does.
//
// To the runtime's poller, which the first os.Open of a process sets up, go two
// descriptors and five system calls; to the types behind os.FileInfo, with
// their formatting of times, goes a tenth of a small program. Programs that
// live for one message can do without. A File has no lock, name or finalizer.
package descriptor

import (
	"io"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// File is the number of an open file.
type File int

// Open opens a file as open(2) does. It does not pass on to programs that this
// one starts. The error is a syscall.Errno.
func Open(name string, flags int, mode uint32) (File, error) {
	for {
		fd, err := syscall.Open(name, flags|syscall.O_CLOEXEC, mode)
		if err != syscall.EINTR {
			return File(fd), err
		}
	}
}

// ReadAll returns the contents of a file.
func ReadAll(name string) ([]byte, error) {
	f, err := Open(name, syscall.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var size int64
	if st, err := f.Stat(); err == nil {
		size = min(st.Size, 1<<20)
	}
	// At the end of a file that has its size, one read more says so.
	for data := make([]byte, 0, size+512); ; data = slices.Grow(data, 512) {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return data, err
		}
	}
}

// Read reads up to len(p) bytes. At the end of the file it returns io.EOF.
func (f File) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(f), p)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write writes all of p, or returns an error. Where a file in non-blocking mode
// takes no more for now, that is syscall.EAGAIN.
func (f File) Write(p []byte) (n int, err error) {
	for n < len(p) {
		done, err := syscall.Write(int(f), p[n:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return n, err
		}
		n += done
	}
	return n, nil
}

// Stat tells what is known of the file.
func (f File) Stat() (st syscall.Stat_t, err error) {
	err = syscall.Fstat(int(f), &st)
	return st, err
}

// Sync makes sure that the content of the file is on disk.
func (f File) Sync() error {
	for {
		if err := syscall.Fsync(int(f)); err != syscall.EINTR {
			return err
		}
	}
}

// Close closes the file. Whatever the error, it is closed then.
func (f File) Close() error { return syscall.Close(int(f)) }

// Room makes room for n descriptors in this process. The kernel would make it
// step by step, each time twice as much, and where there are several threads it
// takes some 20 ms for each step, in which no thread gets another descriptor.
func Room(n int) {
	if fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, n-1); err == nil {
		syscall.Close(fd)
	}
}
