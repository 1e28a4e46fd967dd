package socket

import (
	"os"
	"syscall"
	"time"
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

// ConnectUnix connects to the socket at a path, within limit. The error is
// os.ErrDeadlineExceeded, when as many wait to be accepted as may, or the system's.
func ConnectUnix(path string, limit time.Duration) (*os.File, error) {
	fd, err := open(syscall.AF_UNIX, TCP)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), "socket"), nil
		case err != syscall.EAGAIN && err != syscall.EINTR:
		case time.Now().After(end):
			err = os.ErrDeadlineExceeded
		default:
			continue
		}
		syscall.Close(fd)
		return nil, err
	}
}

// Pair makes two sockets that are connected with each other. The second is in blocking
// mode, for a program that is started with it.
func Pair() (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	theirs = os.NewFile(uintptr(fds[1]), "socket")
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		syscall.Close(fds[0])
		theirs.Close()
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "socket"), theirs, nil
}

// CloseWrite tells the other end that nothing more comes.
func CloseWrite(f *os.File) error {
	return control(f, func(fd int) error { return syscall.Shutdown(fd, syscall.SHUT_WR) })
}
