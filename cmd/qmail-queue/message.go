package main

import (
	"bufio"
	"io"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/descriptor"
	"goqmail/lib/qmail"
	"goqmail/lib/queue"
	"goqmail/lib/syncdir"
)

// message is the message on its way into the queue.
type message struct {
	uid, pid int         // of whoever hands it to us, and our own
	dies     time.Time   // when it is too late to go on
	gone     func() bool // whether nobody is there to be told; nil: not known
	received string      // the line that goes on top
	layout   queue.Layout
	num      queue.Num // inode number of mess
	mess     descriptor.File
	intd     descriptor.File   // 0: not created
	nameless []descriptor.File // mess and intd, if they were created before and only lack their names
}

// enqueue takes the message from state S1 to S4 and returns the exit code.
//
// The order of the steps is what makes the queue crash-proof. Where a step
// fails before S4, what exists of the message is removed by discard or left to
// qmail-send's clean-up; it is never taken for mail.
func (m *message) enqueue(now int64, mess, envelope io.Reader) int {
	defer m.close()

	// S1: nothing.
	if code := m.createMess(now); code != 0 {
		return code
	}

	// S2: mess, incomplete.
	if code := m.writeMess(mess); code != 0 {
		return m.discard(code)
	}
	if m.createIntd() != nil {
		return qmail.ExitIntd
	}

	// S3: mess, complete, and intd, incomplete.
	switch code := m.writeIntd(envelope); code {
	case 0:
	case qmail.ExitLong, qmail.ExitEnvelope:
		return code // a fault of the caller's, whose trace stays in the queue for now
	default:
		return m.discard(code)
	}
	if m.sync() != nil {
		return m.discard(qmail.ExitWrite)
	}
	if time.Now().After(m.dies) || m.gone != nil && m.gone() {
		return m.discard(qmail.ExitTimeout)
	}
	if syscall.Link(m.layout.Intd(m.num).Path(), m.layout.Todo(m.num).Path()) != nil {
		return qmail.ExitTodo
	}

	// S4: mess and todo. The message is qmail-send's now, and cannot be
	// taken back; but unless the link is durable we do not vouch for it.
	if m.syncDir(m.layout.Todo(m.num)) != nil {
		return qmail.ExitWrite
	}
	queue.Pull()
	return 0
}

// createMess creates mess and learns the message's number. It returns an exit
// code.
func (m *message) createMess(now int64) int {
	if m.nameless != nil {
		m.mess = m.nameless[0]
		if m.number() != nil {
			return qmail.ExitPid
		}
		if link(m.mess, m.layout.Mess(m.num).Path()) != nil {
			return qmail.ExitMess
		}
		return 0
	}
	pid, ok := m.createPid(now)
	if !ok || m.number() != nil {
		return qmail.ExitPid
	}
	if syscall.Link(pid, m.layout.Mess(m.num).Path()) != nil {
		return qmail.ExitMess
	}
	if syscall.Unlink(pid) != nil {
		return qmail.ExitPid
	}
	return 0
}

// createPid creates the mess file in pid, under a name that no other process
// uses. It returns the file's path.
func (m *message) createPid(now int64) (path string, ok bool) {
	prefix := "pid/" + strconv.Itoa(m.pid) + "." + strconv.FormatInt(now, 10) + "."
	for seq := 1; seq < 10; seq++ {
		path := queue.Name(prefix + strconv.Itoa(seq)).Path()
		f, err := create(path)
		if err == nil {
			m.mess = f
			return path, true
		} // else left by a process with our id in this very second
	}
	return "", false
}

// number learns the message's number.
func (m *message) number() error {
	st, err := m.mess.Stat()
	m.num = queue.Num(st.Ino)
	return err
}

// createIntd creates intd.
func (m *message) createIntd() error {
	path := m.layout.Intd(m.num).Path()
	if m.nameless != nil {
		if err := link(m.nameless[1], path); err != nil {
			return err
		}
		m.intd = m.nameless[1]
		return nil
	}
	f, err := create(path)
	if err == nil {
		m.intd = f
	}
	return err
}

// writeMess copies the message into mess, below the Received line.
func (m *message) writeMess(r io.Reader) int {
	buf := make([]byte, 8<<10) // most messages take no more
	n := copy(buf, m.received)
	for {
		got, err := r.Read(buf[n:])
		if n += got; n == len(buf) || err == io.EOF {
			if _, err := m.mess.Write(buf[:n]); err != nil {
				return qmail.ExitWrite
			}
			if n == 8<<10 {
				buf = make([]byte, 64<<10)
			}
			n = 0
		}
		if err == io.EOF {
			return 0
		}
		if err != nil {
			return qmail.ExitRead
		}
	}
}

// writeIntd writes the envelope into intd.
func (m *message) writeIntd(r io.Reader) int {
	w := bufio.NewWriter(m.intd)
	w.WriteByte(queue.Uid)
	w.WriteString(strconv.Itoa(m.uid))
	w.WriteByte(0)
	w.WriteByte(queue.Pid)
	w.WriteString(strconv.Itoa(m.pid))
	w.WriteByte(0)
	if code := copyEnvelope(w, bufio.NewReader(r)); code != 0 {
		return code
	}
	if w.Flush() != nil {
		return qmail.ExitWrite
	}
	return 0
}

// sync makes durable all that the link in todo will rely on.
func (m *message) sync() error {
	// Both files are on their way to the disk before we wait for anything, so
	// that one commit of the file system's journal serves all. The directory
	// comes first: later, others would have changed it again, and it would have
	// to wait for the commit of that.
	m.mess.StartSync()
	m.intd.StartSync()
	if err := m.syncDir(m.layout.Mess(m.num)); err != nil {
		return err
	}
	if err := m.mess.Sync(); err != nil {
		return err
	}
	return m.intd.Sync()
}

// syncDir makes the name of one of the message's files durable.
func (m *message) syncDir(name queue.Name) error {
	return syncdir.SyncOf(name.Dir().Path(), int(m.mess))
}

// discard takes the message back from S3 or S2 to S1 and returns code. The
// files are emptied first: if one cannot be removed it should not fill the disk.
func (m *message) discard(code int) int {
	if m.intd != 0 {
		syscall.Ftruncate(int(m.intd), 0)
		if syscall.Unlink(m.layout.Intd(m.num).Path()) != nil {
			return code
		}
	}
	syscall.Ftruncate(int(m.mess), 0)
	syscall.Unlink(m.layout.Mess(m.num).Path())
	return code
}

// close closes what was opened here. What had to be durable has been synced
// before.
func (m *message) close() {
	if m.nameless != nil {
		return
	}
	for _, f := range []descriptor.File{m.mess, m.intd} {
		if f > 0 {
			f.Close()
		}
	}
}

// create creates a file that must not exist yet.
func create(path string) (descriptor.File, error) {
	return descriptor.Open(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL, 0o644)
}

// link gives a file that has no name one.
func link(f descriptor.File, path string) error {
	return unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(int(f)), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
}
