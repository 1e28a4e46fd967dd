package main

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/queue"
)

// channels are the two ways of delivery, in the order of a message's lists.
var channels = [2]string{"local", "remote"}

// message is a message in S4 or S5, as it was when it was opened.
type message struct {
	num        queue.Num
	fresh      bool // in S4: qmail-send has yet to sort its recipients
	bouncing   bool // there is text of a bounce
	arrived    time.Time
	size       int64
	sender     string
	recipients []recipient

	mess  *os.File // keeps the number from being given to another message
	info  *os.File // nil in S4
	lists [2]*os.File
}

// recipient is a record of todo, local or remote.
type recipient struct {
	list    int // index in channels, -1 in todo
	state   byte
	address string
	pos     int64 // of the state in the list
}

func (r recipient) channel() string {
	if r.list < 0 {
		return "new"
	}
	return channels[r.list]
}

// What may be with a number.
var (
	errGone     = errors.New("no such message")
	errNoInode  = errors.New("the file in mess has another inode number: see qmail-q fix")
	errUnfinish = errors.New("being queued, or left behind by a qmail-queue that was")
	errGarbled  = errors.New("its files are damaged: see qmail-q fix")
)

// open opens a message. mode is os.O_RDONLY, or os.O_RDWR to change its lists.
// Close comes last, also after an error.
func (t *tool) open(n queue.Num, mode int) (m *message, err error) {
	m = &message{num: n}
	// The mess file comes first: what has the number while it is open, and is
	// what it was when it was opened, is of this message.
	if m.mess, err = openFile(t.layout.Mess(n), os.O_RDONLY); err != nil {
		return m, gone(err, errGone)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(m.mess.Fd()), &st); err != nil {
		return m, err
	}
	if queue.Num(st.Ino) != n {
		return m, errNoInode
	}
	m.size = st.Size
	todo, err := openFile(t.layout.Todo(n), os.O_RDONLY)
	if err == nil {
		m.fresh = true
		defer todo.Close()
		return m, m.read(todo, -1)
	}
	if err != syscall.ENOENT {
		return m, err
	}
	if m.info, err = openFile(t.layout.Info(n), os.O_RDONLY); err != nil {
		return m, gone(err, errUnfinish)
	}
	if err := m.read(m.info, -1); err != nil {
		return m, err
	}
	m.recipients = nil // should info have any
	for i, name := range [2]queue.Name{t.layout.Local(n), t.layout.Remote(n)} {
		m.lists[i], err = openFile(name, mode)
		if err == syscall.ENOENT {
			continue
		}
		if err == nil {
			err = m.read(m.lists[i], i)
		}
		if err != nil {
			return m, err
		}
	}
	m.bouncing = syscall.Stat(t.layout.Bounce(n).Path(), new(syscall.Stat_t)) == nil
	return m, nil
}

// gone is err, or instead if err says that there is no such file.
func gone(err, instead error) error {
	if err == syscall.ENOENT {
		return instead
	}
	return err
}

// openFile opens a regular file of the queue. The error is a syscall.Errno.
func openFile(name queue.Name, mode int) (*os.File, error) {
	fd, err := syscall.Open(name.Path(), mode|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), string(name)), nil
}

// read reads todo or info for the sender and recipients, or a list.
func (m *message) read(f *os.File, list int) error {
	if list < 0 {
		st, err := f.Stat()
		if err != nil {
			return err
		}
		m.arrived = st.ModTime()
	}
	sender := list >= 0
	for records := queue.NewReader(f); ; {
		record, err := records.Next()
		switch {
		case err == io.EOF && sender:
			return nil
		case err == io.EOF:
			return errGarbled
		case err != nil:
			return err
		}
		switch record.Type {
		case queue.Sender:
			m.sender, sender = record.Text, true
		case queue.ToDo, queue.Done, queue.Held:
			m.recipients = append(m.recipients, recipient{list, record.Type, record.Text, record.Pos})
		case queue.Uid, queue.Pid:
		default:
			return errGarbled
		}
	}
}

func (m *message) close() {
	for _, f := range []*os.File{m.mess, m.info, m.lists[0], m.lists[1]} {
		if f != nil {
			f.Close()
		}
	}
}

// count is how many recipients are in a state.
func (m *message) count(state byte) (n int) {
	for _, r := range m.recipients {
		if r.state == state {
			n++
		}
	}
	return n
}
