// Package maildir delivers to maildirs, lists what is in them and cleans them
// up; see maildir(5).
//
// A maildir is a directory with the subdirectories tmp, new and cur. A message
// is written to a file in tmp, and once it is safe there it gets a name in new,
// at one stroke: a reader that looks into new and cur sees whole messages only,
// and nobody needs a lock.
package maildir

import (
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"goqmail/lib/descriptor"
	"goqmail/lib/errno"
	"goqmail/lib/syncdir"
)

// timeout is how long a delivery may take. It is shorter than the time after
// which Clean takes a file in tmp for abandoned.
const timeout = 24 * time.Hour

// Step is a part of a delivery that may fail.
type Step int

// The steps.
const (
	Enter   Step = iota // there is no such directory, or it is closed to us
	Read                // the message cannot be read
	Write               // the file in the maildir cannot be made
	Timeout             // the delivery has taken 24 hours
)

// Error tells why a message was not delivered, and at which step.
type Error struct {
	Step Step
	Err  error // nil for Timeout
}

// Error gives the reason in qmail's words.
func (e *Error) Error() string {
	if e.Err == nil {
		return "timeout on maildir delivery"
	}
	return errno.Text(e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Deliver adds a message to the maildir dir: head, then mess. On success it is
// on disk, under its name in new. On failure, an *Error, nothing of it can be
// seen.
func Deliver(dir, head string, mess io.Reader) error {
	return deliver(dir, head, mess, time.Now().Add(timeout))
}

func deliver(dir, head string, mess io.Reader, deadline time.Time) error {
	if !strings.HasSuffix(dir, "/") {
		dir += "/"
	}
	var st syscall.Stat_t
	if err := syscall.Stat(dir+".", &st); err != nil { // what chdir would say
		step := Enter
		if errno.Temp(err) {
			step = Write
		}
		return &Error{step, err}
	}
	file, name, err := create(dir + "tmp/")
	if err != nil {
		return &Error{Write, err}
	}
	err = fill(file, head, mess, deadline)
	if err == nil {
		err = wrap(Write, file.Sync())
	}
	if closed := file.Close(); err == nil {
		err = wrap(Write, closed) // where a network file system reports a full disk
	}
	if err == nil {
		err = publish(dir, name)
	}
	syscall.Unlink(dir + "tmp/" + name) // if it fails, Clean does it one day
	return err
}

func wrap(step Step, err error) error {
	if err == nil {
		return nil
	}
	return &Error{step, err}
}

// buffers are for fill: a process that delivers again and again needs but one.
var buffers = sync.Pool{New: func() any { return new([16384]byte) }}

// fill writes head and mess to file, a short message at one stroke.
func fill(file descriptor.File, head string, mess io.Reader, deadline time.Time) error {
	space := buffers.Get().(*[16384]byte)
	defer buffers.Put(space)
	buf := append(space[:0], head...)
	for {
		n, err := mess.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if len(buf) == cap(buf) || err != nil {
			if _, err := file.Write(buf); err != nil {
				return &Error{Write, err}
			}
			buf = buf[:0]
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &Error{Read, err}
		}
		if time.Now().After(deadline) {
			return &Error{Step: Timeout}
		}
	}
}

// publish gives the file name in tmp the same name in new, for good.
func publish(dir, name string) error {
	directory, err := syncdir.Open(dir + "new")
	dropBox := err == syscall.EACCES // closed to readers
	if err != nil && !dropBox {
		return &Error{Write, err}
	}
	defer directory.Close()
	if err := syscall.Link(dir+"tmp/"+name, dir+"new/"+name); err != nil {
		return &Error{Write, err}
	}
	if dropBox {
		err = syncDropBox(dir, name)
	} else {
		err = directory.Sync()
	}
	if err != nil {
		syscall.Unlink(dir + "new/" + name) // it will come again
		return &Error{Write, err}
	}
	return nil
}

func syncDropBox(dir, name string) error {
	file, err := descriptor.Open(dir+"tmp/"+name, syscall.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	return syncdir.SyncOf(dir+"new", int(file))
}

// create makes the file to write to, in directory tmp. A name that is taken
// means a clock that went back, or a host name that two machines share: it
// tries again with later times.
func create(tmp string) (file descriptor.File, name string, err error) {
	for try := 0; ; try++ {
		name = uniqueName()
		file, err = descriptor.Open(tmp+name, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL, 0o644)
		if try == 2 || err != syscall.EEXIST {
			return file, name, err
		}
		time.Sleep(2 * time.Second)
	}
}

// deliveries counts the names that this process has used.
var deliveries atomic.Uint64

// uniqueName is a name for a new message: TIME.PID.HOST, with the time in
// seconds. No two processes have one pid in one second, but one process may
// deliver twice in it; its second delivery counts as one by process
// PID + 4194304, a number above the pids of every system, and so on.
func uniqueName() string {
	pid := uint64(os.Getpid()) + (deliveries.Add(1)-1)<<22
	return strconv.FormatInt(time.Now().Unix(), 10) + "." + strconv.FormatUint(pid, 10) + "." + hostName()
}
