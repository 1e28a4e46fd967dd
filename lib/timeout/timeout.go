// Package timeout reads and writes connections to the network that must not
// be waited for without end.
//
// A connection arrives as a descriptor, a socket or a pipe, in whatever mode
// the program that started us left it. Where the runtime can wait for it,
// waiting costs no thread; otherwise poll(2) waits.
package timeout

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Reader reads from File and gives up where nothing comes for Limit.
type Reader struct {
	File  *os.File
	Limit time.Duration
}

// Read is File's Read, but its error is os.ErrDeadlineExceeded when there was
// nothing to read for Limit.
func (r Reader) Read(p []byte) (int, error) {
	if err := prepare(r.File, r.File.SetReadDeadline, unix.POLLIN, r.Limit); err != nil {
		return 0, err
	}
	return r.File.Read(p)
}

// Writer writes to File and gives up where nothing can be written for Limit.
type Writer struct {
	File  *os.File
	Limit time.Duration
}

// Write is File's Write, but its error is os.ErrDeadlineExceeded when nothing
// could be written for Limit. In blocking mode that holds for the first byte
// only: write p in small pieces.
func (w Writer) Write(p []byte) (int, error) {
	if err := prepare(w.File, w.File.SetWriteDeadline, unix.POLLOUT, w.Limit); err != nil {
		return 0, err
	}
	return w.File.Write(p)
}

// prepare sets a deadline for the next operation on f or, where f can have none,
// waits until that operation will not block.
func prepare(f *os.File, setDeadline func(time.Time) error, event int16, limit time.Duration) error {
	if limit > 0 { // else what is there at once still counts
		if err := setDeadline(time.Now().Add(limit)); err == nil {
			return nil
		}
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var waited error
	if err := conn.Control(func(fd uintptr) { waited = Poll(int(fd), event, limit) }); err != nil {
		return err
	}
	return waited
}

// Poll waits until event, unix.POLLIN or unix.POLLOUT, or an error is there on
// fd. After limit it returns os.ErrDeadlineExceeded.
func Poll(fd int, event int16, limit time.Duration) error {
	if limit < 0 {
		return syscall.EINVAL
	}
	end := time.Now().Add(limit)
	for {
		// Rounded up, so that it never ends early and asks again.
		left := max(0, time.Until(end)+time.Millisecond-1).Milliseconds()
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: event}}, int(min(left, 1<<31-1)))
		switch {
		case n > 0:
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return err
		case err == nil && time.Now().Compare(end) >= 0:
			return os.ErrDeadlineExceeded
		}
	}
}
