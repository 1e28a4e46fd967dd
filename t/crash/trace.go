//go:build linux && amd64

package crash

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Op is a system call on a file below the Tracer's root, on a pipe, or the end
// of the program.
type Op struct {
	N     int    // counted from 1
	Call  string // as open(2) and its like are called, with or without "at"
	Path  string // the file, or "pipe"
	To    string // the second name of link and rename
	Flags uint64 // of open
	Pid   int    // the thread that makes the call
	First bool   // the first program makes it, not another or one it started
	Fd    int    // the descriptor that the call is on, -1 if it is on a name
	Ret   int64  // afterwards: the result, negative for an error
}

// String describes the call for messages of tests.
func (o *Op) String() string {
	s := fmt.Sprintf("call %d, %s of %s", o.N, o.Call, o.Path)
	if o.Path == "pipe" {
		s += fmt.Sprintf(" on descriptor %d", o.Fd)
	}
	if o.To != "" {
		s += " to " + o.To
	}
	return s
}

// Action is what becomes of a system call. The zero value lets it happen.
type Action struct {
	Kill bool          // the program that makes the call, before it
	Halt bool          // all programs
	Fail syscall.Errno // the call, with this error and without effect
}

// Tracer runs programs and the processes that they start. However many threads
// they have, of the calls on files below the root, other than reads, one is made
// at a time.
type Tracer struct {
	Root    string           // absolute, without symbolic links
	Before  func(*Op) Action // called for each Op; may be nil
	After   func(*Op)        // called when it is done; may be nil
	Started func(pid int)    // called when all run, with the first's; may be nil

	n       int
	first   int // the process id of the first program
	threads map[int]*thread
	halting bool  // all are to be killed once no call is being made
	halted  bool  // and were
	busy    int   // the thread that makes a call on a file, 0 if none does
	waiting []int // the ones that are about to
}

// thread is a thread of a traced program.
type thread struct {
	op     *Op           // the call it is in, if it is one of ours
	fail   syscall.Errno // what that call is to fail with
	first  bool          // it is one of the first program
	exists bool          // its first stop has been seen
}

// Cmd is a program to trace.
type Cmd struct {
	Path  string
	Args  []string
	Env   []string
	Files []*os.File
}

// Run runs the programs to their end and returns how the first one ended. The
// error is one of starting them or of tracing: the system may not allow it.
func (t *Tracer) Run(cmds ...Cmd) (end syscall.WaitStatus, err error) {
	runtime.LockOSThread() // who traces is a thread
	defer runtime.UnlockOSThread()
	t.threads = map[int]*thread{}
	for i, cmd := range cmds {
		pid, err := start(cmd)
		if err != nil {
			t.halt()
			t.loop()
			return 0, err
		}
		t.threads[pid] = &thread{exists: true, first: i == 0}
		if i == 0 {
			t.first = pid
		}
	}
	for pid := range t.threads {
		syscall.PtraceSyscall(pid, 0)
	}
	if t.Started != nil {
		t.Started(t.first)
	}
	return t.loop()
}

// start starts a program, which then waits for the tracer.
func start(cmd Cmd) (pid int, err error) {
	fds := make([]uintptr, len(cmd.Files))
	for i, f := range cmd.Files {
		fds[i] = f.Fd()
	}
	pid, err = syscall.ForkExec(cmd.Path, cmd.Args, &syscall.ProcAttr{Env: cmd.Env, Files: fds, Sys: &syscall.SysProcAttr{Ptrace: true}})
	if err != nil {
		return 0, err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, syscall.WALL, nil); err != nil {
		return 0, err
	}
	err = syscall.PtraceSetOptions(pid, syscall.PTRACE_O_TRACESYSGOOD|syscall.PTRACE_O_TRACECLONE|
		syscall.PTRACE_O_TRACEFORK|syscall.PTRACE_O_TRACEVFORK|syscall.PTRACE_O_TRACEEXEC|unix.PTRACE_O_EXITKILL)
	if err != nil {
		syscall.Kill(pid, syscall.SIGKILL)
		syscall.Wait4(pid, &status, syscall.WALL, nil)
	}
	return pid, err
}

// halt kills all programs, and those that they have just started as soon as they are
// seen.
func (t *Tracer) halt() {
	t.halted = true
	for tid := range t.threads {
		syscall.Kill(tid, syscall.SIGKILL)
	}
}

// loop handles stops until all processes have ended. It returns how the first
// one did.
func (t *Tracer) loop() (end syscall.WaitStatus, err error) {
	for {
		var status syscall.WaitStatus
		tid, err := syscall.Wait4(-1, &status, syscall.WALL|unix.WNOTHREAD, nil)
		if err == syscall.EINTR {
			continue
		}
		if err == syscall.ECHILD { // not when there are no threads: one may be new
			return end, nil
		}
		if err != nil {
			return end, fmt.Errorf("wait: %w", err)
		}
		if status.Exited() || status.Signaled() {
			if tid == t.first {
				end = status
			}
			delete(t.threads, tid)
			t.done(tid)
			continue
		}
		t.stopped(tid, status)
	}
}

// stopped handles a stop of a thread.
func (t *Tracer) stopped(tid int, status syscall.WaitStatus) {
	th := t.threads[tid]
	if th == nil {
		_, err := os.Stat(fmt.Sprintf("/proc/%d/task/%d", t.first, tid))
		th = &thread{first: err == nil}
		t.threads[tid] = th
		if t.halted {
			syscall.Kill(tid, syscall.SIGKILL)
		}
	}
	signal := 0
	switch s := status.StopSignal(); {
	case s == syscall.SIGTRAP|0x80:
		t.syscall(tid, th)
		return
	case status>>16 != 0: // a new thread, process or program
	case s == syscall.SIGSTOP && !th.exists: // how new ones begin
	default:
		signal = int(s)
	}
	th.exists = true
	t.resume(tid, signal)
}

// resume lets a thread go on to its next stop. This fails if it was killed, and
// then it is waited for.
func (t *Tracer) resume(tid, signal int) { syscall.PtraceSyscall(tid, signal) }

// info is struct ptrace_syscall_info, for which the libraries have nothing.
type info struct {
	op     uint8 // 1 at the entry to a call, 2 at its end
	_      [3]uint8
	arch   uint32
	ip, sp uint64
	nr     uint64 // at the end: the result
	args   [6]uint64
	_      [32]uint8
}

// syscall handles a stop at a call's entry or end.
func (t *Tracer) syscall(tid int, th *thread) {
	const getSyscallInfo = 0x420e
	var i info
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, getSyscallInfo, uintptr(tid), unsafe.Sizeof(i), uintptr(unsafe.Pointer(&i)), 0, 0)
	const entry, end = 1, 2
	th.exists = true
	switch {
	case errno != 0: // killed meanwhile
	case i.op == entry && t.halting:
		return
	case i.op == entry:
		th.op, th.fail = t.decode(tid, i.nr, i.args), 0
		if th.op != nil && t.alone(th.op) {
			if t.busy != 0 {
				t.waiting = append(t.waiting, tid)
				return
			}
			t.busy = tid
		}
		t.enter(tid, th)
		if t.halting {
			return
		}
	case i.op == end && th.op != nil:
		th.op.Ret = int64(i.nr)
		if th.fail != 0 {
			th.op.Ret = -int64(th.fail)
			setRegister(tid, func(r *syscall.PtraceRegs) { r.Rax = uint64(th.op.Ret) })
		}
		if t.After != nil {
			t.After(th.op)
		}
		th.op = nil
		t.done(tid)
	}
	t.resume(tid, 0)
}

// alone tells whether a call is one of those of which one is made at a time:
// none that may take long.
func (t *Tracer) alone(op *Op) bool {
	return op.Path != "pipe" && op.Call != "exit" && op.Call != "read"
}

// enter lets a thread make the call that it has stopped at, or not.
func (t *Tracer) enter(tid int, th *thread) {
	if th.op == nil {
		return
	}
	t.n++
	th.op.N, th.op.First = t.n, th.first
	if t.Before == nil {
		return
	}
	action := t.Before(th.op)
	if action.Fail != 0 {
		th.fail = action.Fail
		setRegister(tid, func(r *syscall.PtraceRegs) { r.Orig_rax = ^uint64(0) }) // no such call
	}
	if action.Kill {
		syscall.Kill(tid, syscall.SIGKILL)
	}
	if action.Halt {
		t.halting = true
		if t.busy == 0 || t.busy == tid { // else it is not known what that call has done
			t.halt()
		}
	}
}

// done notes that a thread no longer makes a call, and lets the next one do so.
func (t *Tracer) done(tid int) {
	if t.busy != tid {
		return
	}
	t.busy = 0
	if t.halting {
		t.halt()
		return
	}
	for t.busy == 0 && len(t.waiting) > 0 {
		next := t.waiting[0]
		t.waiting = t.waiting[1:]
		if th := t.threads[next]; th != nil {
			t.busy = next
			t.enter(next, th)
			t.resume(next, 0)
		}
	}
}

func setRegister(tid int, change func(*syscall.PtraceRegs)) {
	var regs syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &regs) == nil {
		change(&regs)
		syscall.PtraceSetRegs(tid, &regs)
	}
}
