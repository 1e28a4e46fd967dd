package exit

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

func TestCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{Reject("no", nil), 100},
		{Defer("later", nil), 111},
		{&Error{Code: Drop, Text: "done"}, 99},
		{fmt.Errorf("outside: %w", Reject("no", nil)), 100},
		{errors.New("who knows"), 111}, // doubt never loses mail
		{syscall.ENOENT, 111},
	} {
		if got := Code(c.err); got != c.want {
			t.Errorf("%v: got %d, want %d", c.err, got, c.want)
		}
	}
}

func TestReport(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{Reject("no such thing", nil), "qmail-x: fatal: no such thing\n"},
		{Defer("unable to open it", &fs.PathError{Op: "open", Path: "it", Err: syscall.EACCES}), "qmail-x: fatal: unable to open it: access denied\n"},
	} {
		var out strings.Builder
		if code := Report(&out, "qmail-x", c.err); out.String() != c.want || code != Code(c.err) {
			t.Errorf("got %q, %d; want %q", out.String(), code, c.want)
		}
	}
	if !errors.Is(Defer("x", syscall.EIO), syscall.EIO) {
		t.Error("the reason is lost")
	}
}
