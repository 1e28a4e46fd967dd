package errno

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
)

func TestText(t *testing.T) {
	_, missing := os.Open("/no/such/file")
	for _, c := range []struct {
		err  error
		want string
	}{
		{syscall.ENOENT, "file does not exist"},
		{syscall.EACCES, "access denied"},
		{syscall.EPERM, "permission denied"},
		{syscall.ENOSPC, "out of disk space"},
		{syscall.EAGAIN, "temporary failure"},
		{syscall.Errno(9999), "unknown error"},
		{missing, "file does not exist"}, // wrapped in an os.PathError
		{fmt.Errorf("outside: %w", syscall.EIO), "input/output error"},
		{errors.New("no system error"), "no system error"},
	} {
		if got := Text(c.err); got != c.want {
			t.Errorf("%v: got %q, want %q", c.err, got, c.want)
		}
	}
}

func TestTemp(t *testing.T) {
	for _, err := range []error{
		syscall.ENOMEM, syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN,
		syscall.ETXTBSY, syscall.ECONNREFUSED, syscall.ETIMEDOUT, &os.PathError{Op: "open", Path: "x", Err: syscall.EIO},
	} {
		if !Temp(err) {
			t.Errorf("%v is permanent", err)
		}
	}
	for _, err := range []error{
		syscall.ENOENT, syscall.EACCES, syscall.EPERM, syscall.EISDIR, syscall.ENOTDIR, syscall.EROFS, syscall.ENOEXEC,
		syscall.E2BIG, syscall.ELOOP, syscall.EPIPE, errors.New("text"), nil,
	} {
		if Temp(err) {
			t.Errorf("%v is temporary", err)
		}
	}
}
