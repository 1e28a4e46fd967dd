package warm

import (
	"os"
	"runtime/debug"
	"sync"
	"syscall"

	"goqmail/lib/call"
	"goqmail/lib/entry"

	"golang.org/x/sys/unix"
)

// One is Main for a program that needs more of the process than a call.Call
// carries, such as its working directory: it serves one call at a time, each
// from the directory that the process was started in.
func One(run func(*call.Call) int) {
	if !Stays() {
		call.Main(run)
	}
	here, err := syscall.Open(".", unix.O_PATH|syscall.O_CLOEXEC, 0)
	if err != nil {
		os.Exit(1)
	}
	serve(run, func(call func()) {
		call()
		syscall.Fchdir(here)
	}, nil)
}

// Many is Main for a program that needs nothing of the process: it serves all
// calls beside each other. In a panic only the call ends.
func Many(run func(*call.Call) int) {
	if !Stays() {
		call.Main(run)
	}
	serve(run, func(call func()) { go call() }, nil)
}

// Door is Many for a program that must be started to stay. It serves, besides its
// caller, whoever connects to listener, a socket of packets that passes credentials:
// processes of the program, which must be setuid, that were started the classic way
// and would do the same for more. Their packet comes with so many files, their descriptors
// from 0 on, and their credentials. The answer is an exit code, in 4 bytes, or 256
// where they have to do it themselves. A process that goes serves all who have
// connected before.
func Door(run func(*call.Call) int, listener, files int, file string) {
	now, err := look(file)
	if err != nil {
		os.Exit(1)
	}
	serve(run, func(call func()) { go call() }, &door{listener: listener, files: files, file: file, version: now})
}

// Stays tells whether the process was started to stay.
func Stays() bool {
	if value, _ := call.Env(os.Environ()).Lookup(Variable); value != "3" {
		return false
	}
	kind, err := syscall.GetsockoptInt(socketFD, syscall.SOL_SOCKET, syscall.SO_TYPE)
	return err == nil && kind == syscall.SOCK_SEQPACKET
}

// Alone tells whether the process was started to stay and to give up, before the
// first call, the rights that its calls will not need.
func Alone() bool {
	_, wanted := call.Env(os.Environ()).Lookup(alone)
	return wanted && Stays()
}

// NoMore lets the caller know that this process is to get no more calls. One that
// is on its way may still come.
func NoMore() {
	// Packets are whole, so that it needs no lock.
	syscall.Sendmsg(socketFD, appendEnd(nil, noMore, 0), nil, nil, syscall.MSG_NOSIGNAL)
}

func serve(run func(*call.Call) int, schedule func(call func()), d *door) {
	debug.SetTraceback("crash")
	entry.Setup()
	w := worker{run: run}
	if w.greet() != nil {
		os.Exit(1)
	}
	if d != nil {
		w.running.Go(func() { w.open(d) })
	}
	w.serve(schedule)
	if d != nil {
		d.shut()
	}
	w.running.Wait()
	os.Exit(0)
}

// worker is the called side of a socket.
type worker struct {
	run     func(*call.Call) int
	running sync.WaitGroup // calls
	mu      sync.Mutex     // for packets back
}

func (w *worker) greet() error {
	syscall.CloseOnExec(socketFD)
	entry.Hide(socketFD)
	return syscall.Sendmsg(socketFD, []byte(greeting), nil, nil, syscall.MSG_NOSIGNAL)
}

// serve serves calls until the other side is gone.
func (w *worker) serve(schedule func(call func())) {
	packet := make([]byte, maxPacket)
	rights := make([]byte, syscall.CmsgSpace(4*maxFiles))
	for {
		n, rightsLen, flags, _, err := syscall.Recvmsg(socketFD, packet, rights, syscall.MSG_CMSG_CLOEXEC)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return
		}
		files := received(rights[:rightsLen])
		r, err := parseRequest(packet[:n])
		if err != nil || len(files) != len(r.fds) || flags&(syscall.MSG_TRUNC|syscall.MSG_CTRUNC) != 0 {
			os.Exit(1) // there is no saying what our caller wants
		}
		w.running.Add(1)
		schedule(func() {
			defer w.running.Done()
			w.end(r.num, w.call(r, files, func(c *call.Call) { c.Pid = callPid(os.Getpid(), r.num) }))
		})
	}
}

// received are the descriptors that came with a packet.
func received(rights []byte) (fds []int) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		if more, err := syscall.ParseUnixRights(&m); err == nil {
			fds = append(fds, more...)
		}
	}
	return fds
}

// call serves one call and returns its wait status. When it returns, nothing in
// this process holds the call's files.
func (w *worker) call(r request, fds []int, identify func(*call.Call)) (status syscall.WaitStatus) {
	files := make(map[int]*os.File, len(fds))
	for i, fd := range fds {
		files[r.fds[i]] = os.NewFile(uintptr(fd), "")
	}
	defer func() {
		if defect := recover(); defect != nil {
			os.Stderr.WriteString(r.args[0] + ": panic: " + text(defect) + "\n" + string(debug.Stack()))
			status = syscall.WaitStatus(syscall.SIGABRT)
		}
		for _, f := range files {
			f.Close()
		}
	}()
	c := call.New(r.args, r.env, files)
	identify(c)
	return syscall.WaitStatus(w.run(c) & 0xff << 8)
}

// text is what a panic says. Package fmt would say it of more, and be the
// largest part of a program.
func text(defect any) string {
	switch defect := defect.(type) {
	case error:
		return defect.Error()
	case string:
		return defect
	}
	return "?"
}

// end reports the end of a call. Should the caller be gone, nobody wants to
// know.
func (w *worker) end(num uint32, status syscall.WaitStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	syscall.Sendmsg(socketFD, appendEnd(nil, num, uint32(status)), nil, nil, syscall.MSG_NOSIGNAL)
}
