package warm

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"goqmail/lib/child"
)

// patience is how long a process may take to greet, and to end.
const patience = 10 * time.Second

// process is one that stays, seen from its pool.
type process struct {
	pool    *Pool
	program *program
	as      identity

	ready chan struct{} // closed once it has begun, or could not
	over  chan struct{} // closed once it has ended
	conn  *os.File      // from then on: nil if it could not
	pid   int

	// The pool's lock guards these.
	calls   uint32                               // so far
	pending map[uint32]chan<- syscall.WaitStatus // where the ends of those under way go
	retired bool                                 // takes no more
	rests   int64                                // since when there is none under way, in ns since 1970
}

// turn is one call of a process.
type turn struct {
	*process
	num uint32
	end <-chan syscall.WaitStatus // one will come
}

// reserve adds a call to those under way.
func (w *process) reserve() turn {
	end := make(chan syscall.WaitStatus, 1)
	t := turn{w, w.calls, end}
	w.pending[t.num] = end
	w.calls++
	if w.conn != nil {
		w.conn.SetReadDeadline(time.Time{})
	}
	if w.calls == w.pool.Calls {
		w.retire()
	}
	return t
}

// retire lets no more calls come. After the last one under way, the end of the
// socket ends the process.
func (w *process) retire() {
	if w.retired {
		return
	}
	w.retired = true
	w.pool.size--
	w.program.processes = slices.DeleteFunc(w.program.processes, func(other *process) bool { return other == w })
	w.part()
}

// part closes the socket of a process that has nothing left to do.
func (w *process) part() {
	if w.retired && len(w.pending) == 0 && w.conn != nil {
		w.conn.Close()
	}
}

// giveUp is for a turn that was not sent. No more is, if the process is gone.
func (t turn) giveUp(gone bool) {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	if gone {
		t.retire()
	}
	t.done(t.num, 0)
}

// done is the end of a call.
func (w *process) done(num uint32, status syscall.WaitStatus) {
	end, ok := w.pending[num]
	if !ok {
		return
	}
	delete(w.pending, num)
	end <- status
	if len(w.pending) == 0 {
		now := time.Now()
		w.rests = now.UnixNano()
		w.conn.SetReadDeadline(now.Add(w.pool.Idle))
		w.part()
	}
}

// idle is for a process from which nothing has come for a while.
func (w *process) idle() {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	if len(w.pending) == 0 {
		w.retire()
	}
}

// begin starts the process as cmd says and shakes hands.
func (w *process) begin(cmd child.Cmd) {
	if w.pool.Alone {
		cmd.Env = cmd.Env.With(alone, "")
	}
	conn, pid, err := start(w.pool.Classic, cmd)
	if err == nil {
		err = shake(conn)
		if err != nil {
			conn.Close()
			go bury(pid)
		}
	}
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	if err == nil {
		w.program.warm = true
		w.conn, w.pid = conn, pid
		go w.listen()
	} else {
		w.program.classic = w.program.classic || !w.program.warm && err == errClassic
		w.retire()
	}
	close(w.ready)
}

// start starts a process that is to stay.
func start(classic func(child.Cmd) (int, error), cmd child.Cmd) (conn *os.File, pid int, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, 0, err
	}
	defer null.Close()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, 0, err
	}
	syscall.SetNonblock(pair[0], true)
	conn = os.NewFile(uintptr(pair[0]), "")
	theirs := os.NewFile(uintptr(pair[1]), "")
	defer theirs.Close()
	cmd.Args = []string{cmd.Args[0]}
	cmd.Env = cmd.Env.With(Variable, "3")
	cmd.Files = []*os.File{null, null, os.Stderr, socketFD: theirs}
	if pid, err = classic(cmd); err != nil {
		conn.Close()
		return nil, 0, err
	}
	return conn, pid, nil
}

// shake waits for the greeting.
func shake(conn *os.File) error {
	conn.SetReadDeadline(time.Now().Add(patience))
	defer conn.SetReadDeadline(time.Time{})
	buf := make([]byte, len(greeting)+1)
	n, _ := conn.Read(buf)
	if string(buf[:n]) != greeting {
		return errClassic
	}
	return nil
}

// send sends a call, once the process is ready.
func (t turn) send(cmd child.Cmd) error {
	<-t.ready
	if t.conn == nil {
		return errClassic
	}
	r := request{num: t.num, args: cmd.Args, env: cmd.Env}
	var files []*os.File
	for i, f := range cmd.Files {
		if f != nil {
			r.fds, files = append(r.fds, i), append(files, f)
		}
	}
	packet := r.append(nil)
	if len(packet) > maxPacket {
		return errClassic
	}
	conn, err := t.conn.SyscallConn()
	if err != nil {
		return errGone // parted from it
	}
	err = with(files, nil, func(fds []int) error {
		var sent error
		err := conn.Write(func(fd uintptr) bool {
			sent = syscall.Sendmsg(int(fd), packet, syscall.UnixRights(fds...), nil, syscall.MSG_NOSIGNAL)
			return sent != syscall.EAGAIN
		})
		if err == nil {
			err = sent
		}
		return err
	})
	switch err {
	case nil:
		return nil
	case syscall.EPIPE, syscall.ECONNRESET, os.ErrClosed:
		return errGone
	}
	return errClassic
}

// with calls do with the descriptors of files, in whatever mode they are.
func with(files []*os.File, fds []int, do func(fds []int) error) error {
	if len(files) == 0 {
		return do(fds)
	}
	file, err := files[0].SyscallConn()
	if err != nil {
		return err
	}
	inner := file.Control(func(fd uintptr) { err = with(files[1:], append(fds, int(fd)), do) })
	if inner != nil {
		return inner
	}
	return err
}

// listen hears the ends of calls until the process is gone, or what it says has
// no sense.
func (w *process) listen() {
	buf := make([]byte, endSize+1)
	for {
		n, err := w.conn.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			w.idle()
			continue
		}
		if err != nil {
			break
		}
		num, status, err := parseEnd(buf[:n])
		if err != nil {
			break
		}
		w.pool.mu.Lock()
		if num == noMore {
			w.retire()
		} else {
			w.done(num, syscall.WaitStatus(status))
		}
		w.pool.mu.Unlock()
	}
	w.gone()
	bury(w.pid)
}

// gone ends the calls of a process that has died.
func (w *process) gone() {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	w.retire()
	w.conn.Close()
	close(w.over)
	for num, end := range w.pending {
		delete(w.pending, num)
		end <- syscall.WaitStatus(syscall.SIGABRT)
	}
}

// bury waits for a process that is to end, and kills it should it not.
func bury(pid int) {
	kill := time.AfterFunc(patience, func() { syscall.Kill(pid, syscall.SIGKILL) })
	child.Wait(pid)
	kill.Stop()
}
