package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/account"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
	"goqmail/lib/queue"
)

// Directories of fix, which are there only while it works, and after it found
// strays. Nothing else in qmail looks at them.
const (
	staging queue.Name = "fix"
	strays  queue.Name = "stray"
)

// fixer looks for what is wrong in a queue, and repairs it if it may.
type fixer struct {
	*tool
	uids     map[string]int
	faults   int
	progress progress
	queued   inventory
}

// fix checks the queue. Qmail-send must not run while it is repaired; qmail-queue
// may, because a message that it made has the right names.
func (t *tool) fix() error {
	mutex, err := lockSend()
	switch {
	case err == nil:
		defer mutex.Close()
	case errors.Is(err, syscall.EWOULDBLOCK) && t.do:
		return exit.Defer("qmail-send is running: stop it first", nil)
	case errors.Is(err, syscall.EWOULDBLOCK):
		io.WriteString(t.err, "qmail-q: note: qmail-send is running: what is on its way may look wrong\n")
	case !errors.Is(err, fs.ErrNotExist):
		return exit.Defer("unable to lock "+string(queue.SendMutex), err)
	}
	f := &fixer{tool: t, uids: map[string]int{}, progress: progress{w: t.err, on: isTerminal(2)}}
	if err := f.accounts(); err != nil {
		return err
	}
	for _, e := range t.layout.Tree() {
		f.entry(e)
	}
	f.count()
	f.messages()
	f.emptyDirs()
	f.progress.clear()
	if t.do {
		if err := syncQueue(); err != nil {
			return exit.Defer("unable to sync the queue", err)
		}
	}
	return f.conclude()
}

func (f *fixer) conclude() error {
	n := strconv.Itoa(f.faults) + " faults"
	if f.faults == 1 {
		n = "1 fault"
	}
	switch {
	case f.faults == 0:
		f.out.WriteString("the queue is in order\n")
	case !f.do:
		f.out.WriteString(n + "; qmail-q fix -y repairs what is listed\n")
		f.code = max(f.code, exit.Perm)
	default:
		f.out.WriteString(n + " repaired\n")
	}
	return nil
}

// accounts finds the users and the group that files of the queue belong to.
func (f *fixer) accounts() error {
	for _, e := range f.layout.Tree() {
		uid, err := account.Uid(e.User)
		if err != nil {
			return exit.Defer("unable to find user "+e.User, err)
		}
		f.uids[e.User] = uid
	}
	return nil
}

// fault tells what is wrong with a file and what becomes of it, and does that if it
// may.
func (f *fixer) fault(name queue.Name, what string, repair func() error) {
	f.progress.clear()
	f.out.WriteString(string(name) + ": " + what + "\n")
	f.faults++
	if !f.do {
		return
	}
	if err := repair(); err != nil {
		f.faults--
		f.trouble(name, err)
	}
}

// trouble tells of something that has to be seen to by hand.
func (f *fixer) trouble(name queue.Name, err error) {
	f.progress.clear()
	f.out.Flush()
	io.WriteString(f.err, "qmail-q: warning: "+string(name)+": "+errno.Text(err)+"\n")
	f.code = exit.Temp
}

// entry checks something that every queue has.
func (f *fixer) entry(e queue.Entry) {
	types := map[byte]fs.FileMode{'d': fs.ModeDir, 'f': 0, 'p': fs.ModeNamedPipe}
	path := e.Name.Path()
	st, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.fault(e.Name, "missing: make it", func() error { return f.make(e) })
		return
	case err != nil:
		f.trouble(e.Name, err)
		return
	case st.Mode().Type() != types[e.Type] && e.Type != 'd':
		// Such as a trigger that was copied as a file, which qmail-send reads without end.
		f.astray(e.Name, "not what should be there")
		f.fault(e.Name, "missing: make it", func() error { return f.make(e) })
		return
	case st.Mode().Type() != types[e.Type]:
		f.trouble(e.Name, errors.New("not what should be there"))
		return
	}
	f.rights(e.Name, st, e.User, e.Mode, true)
}

func (f *fixer) make(e queue.Entry) (err error) {
	path := e.Name.Path()
	switch e.Type {
	case 'd':
		err = os.Mkdir(path, 0o700)
	case 'f':
		err = os.WriteFile(path, make([]byte, e.Size), 0o600)
	case 'p':
		err = unix.Mkfifo(path, 0o600)
	}
	if err != nil {
		return err
	}
	return f.own(e.Name, e.User, e.Mode)
}

// rights checks owner and mode. The group matters for directories; of a file of
// qmail-queue's it may be anybody's.
func (f *fixer) rights(name queue.Name, st fs.FileInfo, user string, mode uint32, group bool) {
	sys := st.Sys().(*syscall.Stat_t)
	is := uint32(sys.Mode) & 0o7777
	if int(sys.Uid) == f.uids[user] && is&0o777 == mode && (!group || int(sys.Gid) == f.qmails.gid) {
		return
	}
	what := "belongs to " + strconv.Itoa(int(sys.Uid)) + ":" + strconv.Itoa(int(sys.Gid)) + " with mode " + strconv.FormatUint(uint64(is), 8) +
		": make it " + user + "'s with mode " + strconv.FormatUint(uint64(mode), 8)
	f.fault(name, what, func() error { return f.own(name, user, mode) })
}

// own gives a file owner and mode, but no link.
func (f *fixer) own(name queue.Name, user string, mode uint32) error {
	fd, err := syscall.Open(name.Path(), syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := syscall.Fchown(fd, f.uids[user], f.qmails.gid); err != nil {
		return err
	}
	return syscall.Fchmod(fd, mode)
}

// astray moves a file to where it does no harm. Its name there says where it was.
func (f *fixer) astray(name queue.Name, why string) {
	to := strays + "/" + queue.Name(strings.ReplaceAll(string(name), "/", "."))
	f.fault(name, why+": move it to "+string(to), func() error {
		if err := os.Mkdir(strays.Path(), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return move(name, to)
	})
}

// move renames a file, but does not put it in the place of another.
func move(from, to queue.Name) error {
	if _, err := os.Lstat(to.Path()); err == nil {
		return &fs.PathError{Op: "rename", Path: to.Path(), Err: fs.ErrExist}
	}
	return os.Rename(from.Path(), to.Path())
}

// progress tells on a terminal how far we are.
type progress struct {
	w     io.Writer
	on    bool
	shown bool
	last  time.Time
}

func (p *progress) tell(what string, n int) {
	if p.on && time.Since(p.last) > 200*time.Millisecond {
		p.last, p.shown = time.Now(), true
		io.WriteString(p.w, "\r"+what+" "+strconv.Itoa(n)+"\x1b[K")
	}
}

func (p *progress) clear() {
	if p.shown {
		p.shown = false
		io.WriteString(p.w, "\r\x1b[K")
	}
}
