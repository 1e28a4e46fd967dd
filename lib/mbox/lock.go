package mbox

import (
	"sync/atomic"
	"syscall"
	"time"

	"goqmail/lib/descriptor"
)

// lock locks a file as mail readers do. It returns false, but no error, where
// locks do not work: mail is delivered there all the same. After an error, which
// says that the lock was not free in time, lock closes the file.
func lock(file descriptor.File, timeout time.Duration) (bool, error) {
	err := flock(file, syscall.LOCK_EX|syscall.LOCK_NB)
	if err != syscall.EWOULDBLOCK {
		return err == nil, nil
	}
	// flock cannot be called off. After a timeout the call stays behind, and
	// gives the lock up as soon as it has it.
	var decided atomic.Bool
	result := make(chan error, 1)
	timer := time.AfterFunc(timeout, func() {
		if decided.CompareAndSwap(false, true) {
			result <- &Error{Step: Lock}
		}
	})
	go func() {
		err := flock(file, syscall.LOCK_EX)
		if !decided.CompareAndSwap(false, true) {
			file.Close()
			return
		}
		timer.Stop()
		result <- err
	}()
	err = <-result
	if late, ok := err.(*Error); ok {
		return false, late
	}
	return err == nil, nil
}

func flock(file descriptor.File, how int) error {
	for {
		if err := syscall.Flock(int(file), how); err != syscall.EINTR {
			return err
		}
	}
}
