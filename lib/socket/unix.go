package socket

import (
	"os"
	"syscall"
)

// ListenUnix makes a socket with a path of its own, which must be free, for the
// programs of this machine. The umask tells who may write it and so connect.
func ListenUnix(path string) (*os.File, error) {
	fd, err := open(syscall.AF_UNIX, TCP)
	if err != nil {
		return nil, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "socket"), nil
}
