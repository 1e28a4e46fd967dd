package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
)

// pipe runs a program with mess as its descriptor 0 and returns its exit code.
//
// The program need not read its input as long as that fits the pipe and the
// buffer here; with a longer message it must, or the message counts as not
// delivered. That holds for a program that cannot be run, too.
func pipe(c *call.Call, mess io.Reader, program []string) (code int, err error) {
	in, out, err := child.Pipe()
	if err != nil {
		return 0, exit.Defer("unable to create pipe", err)
	}
	defer out.Close()
	buf := bufio.NewWriterSize(struct{ io.Writer }{out}, 8192) // an *os.File would go around the buffer
	filled, fillErr := fill(out, buf, mess)
	cmd := child.Cmd{Args: program, Env: c.Env, Files: []*os.File{in, c.Out(), c.Err()}}
	pid, startErr := cmd.StartFound()
	in.Close()
	switch {
	case child.ForkFailed(startErr):
		return 0, exit.Defer("unable to fork", startErr)
	case startErr != nil:
		code = unable(c, program[0], startErr)
	}
	if !filled && fillErr == nil {
		_, fillErr = io.Copy(buf, mess)
	}
	if fillErr != nil {
		return 0, exit.Defer("unable to copy input", fillErr)
	}
	buf.Flush() // the program's code says whether it cared
	out.Close()
	if startErr != nil {
		return code, nil
	}
	status, err := child.Wait(pid)
	switch {
	case err != nil:
		return 0, exit.Defer("wait failed", err)
	case status.Signaled():
		return 0, exit.Defer("child crashed", nil)
	}
	return status.ExitStatus(), nil
}

// fill puts into the pipe what it takes while nobody reads it, and up to 8192
// bytes more into buf. A program may end without reading at any moment from its
// start; what is in the pipe by then cannot fail. all is true if that was the
// whole message.
func fill(out *os.File, buf *bufio.Writer, mess io.Reader) (all bool, err error) {
	fd := int(out.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		return false, err
	}
	defer syscall.SetNonblock(fd, false)
	piece := make([]byte, buf.Size())
	for buf.Buffered() == 0 {
		n, err := io.ReadFull(mess, piece)
		switch err {
		case nil:
			written, _ := syscall.Write(fd, piece) // an error shows again
			buf.Write(piece[max(written, 0):])
		case io.EOF, io.ErrUnexpectedEOF:
			buf.Write(piece[:n])
			return true, nil
		default:
			return false, err
		}
	}
	return false, nil
}

func unable(c *call.Call, program string, err error) int {
	ignorePipe()
	failure := &exit.Error{Code: exit.Perm, Text: "unable to run " + program, Err: err}
	_, unread := io.WriteString(c.Err(), "preline: fatal: "+failure.Error()+"\n")
	if errno.Temp(err) || errors.Is(unread, syscall.EPIPE) {
		return exit.Temp // without a reason that anybody reads, doubt
	}
	return exit.Perm
}
