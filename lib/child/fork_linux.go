//go:build linux && (amd64 || arm64)

package child

import (
	"runtime"
	"syscall"
	"unsafe"

	"goqmail/lib/entry"
)

// start is syscall.ForkExec under the limits that this process was started
// with. If there were any, the child sets them itself, between fork and exec:
// set here for the time of the fork, they would leave the runtime without
// memory at any moment at which another goroutine or the garbage collector
// needs some, and that is the end of the process.
func start(path string, args []string, attr *syscall.ProcAttr) (pid int, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	limits := entry.Old()
	if limits == nil {
		return syscall.ForkExec(path, args, attr)
	}
	p, err := newPlan(path, args, attr, limits)
	if err != nil {
		return 0, err
	}
	return p.start()
}

// replace is syscall.Exec under the limits that this process was started with.
// The memory for that is taken before they are set: then there may be none.
func replace(path string, args, env []string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	limits := entry.Old()
	if limits == nil {
		return syscall.Exec(path, args, env)
	}
	p, err := newPlan(path, args, &syscall.ProcAttr{Env: env}, limits)
	if err != nil {
		return err
	}
	return entry.Foreign(p.exec)
}

// plan is what a child does, with all the memory for it.
type plan struct {
	limits    []entry.Limit
	as        *syscall.Credential // nil: as this process
	groups    []uint32            // of as, and one element more, so that there is a first
	dir       *byte               // nil: stay
	path      *byte
	args, env []*byte
	fds       []uintptr // what becomes descriptor 0, 1, ...
	spare     uintptr   // the first descriptor above all those, for shuffling
	report    [2]int    // a pipe: what went wrong
}

const none = ^uintptr(0) // no descriptor

func newPlan(path string, args []string, attr *syscall.ProcAttr, limits []entry.Limit) (*plan, error) {
	p := &plan{limits: limits}
	if attr.Sys != nil && attr.Sys.Credential != nil {
		p.as = attr.Sys.Credential
		p.groups = append(make([]uint32, 0, len(p.as.Groups)+1), p.as.Groups...)[:len(p.as.Groups)+1]
	}
	var err error
	if attr.Dir != "" {
		if p.dir, err = syscall.BytePtrFromString(attr.Dir); err != nil {
			return nil, err
		}
	}
	if p.path, err = syscall.BytePtrFromString(path); err != nil {
		return nil, err
	}
	if p.args, err = syscall.SlicePtrFromStrings(args); err != nil {
		return nil, err
	}
	if p.env, err = syscall.SlicePtrFromStrings(attr.Env); err != nil {
		return nil, err
	}
	p.fds = append(p.fds, attr.Files...)
	for len(p.fds) < 3 {
		p.fds = append(p.fds, none)
	}
	p.spare = uintptr(len(p.fds))
	for _, fd := range p.fds {
		if fd != none {
			p.spare = max(p.spare, fd+1)
		}
	}
	return p, nil
}

func (p *plan) start() (pid int, err error) {
	syscall.ForkLock.Lock()
	if err := syscall.Pipe2(p.report[:], syscall.O_CLOEXEC); err != nil {
		syscall.ForkLock.Unlock()
		return 0, err
	}
	child, errno := p.fork()
	syscall.ForkLock.Unlock()
	syscall.Close(p.report[1])
	defer syscall.Close(p.report[0])
	if errno != 0 {
		return 0, errno
	}
	var failure syscall.Errno
	size := int(unsafe.Sizeof(failure))
	n, err := syscall.Read(p.report[0], unsafe.Slice((*byte)(unsafe.Pointer(&failure)), size))
	for err == syscall.EINTR {
		n, err = syscall.Read(p.report[0], unsafe.Slice((*byte)(unsafe.Pointer(&failure)), size))
	}
	runtime.KeepAlive(p)
	if n < size { // exec has closed the pipe
		return int(child), nil
	}
	Wait(int(child))
	return 0, failure
}

// exec becomes the program. In Foreign, nothing may allocate.
func (p *plan) exec() error {
	beforeExec()
	defer afterExec()
	for i := range p.limits {
		syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, p.limits[i].Resource, uintptr(unsafe.Pointer(&p.limits[i].Limit)), 0, 0, 0)
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(p.path)),
		uintptr(unsafe.Pointer(&p.args[0])), uintptr(unsafe.Pointer(&p.env[0])))
	return errno
}

// What package syscall does around an exec and a fork.

//go:linkname beforeExec syscall.runtime_BeforeExec
func beforeExec()

//go:linkname afterExec syscall.runtime_AfterExec
func afterExec()

//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()

// fork returns in the parent only. In the child there is one thread, of a
// runtime that may have been in the middle of anything: from beforeFork on,
// nothing may allocate, grow the stack or wait for another goroutine.
//
//go:noinline
//go:norace
func (p *plan) fork() (pid uintptr, errno syscall.Errno) {
	var (
		i, fd  uintptr
		report = uintptr(p.report[1])
		spare  = p.spare
		bare   = uintptr(0)
	)
	beforeFork()
	pid, _, errno = syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if pid != 0 || errno != 0 {
		afterFork()
		return pid, errno
	}
	afterForkInChild()

	for i = 0; i < uintptr(len(p.limits)); i++ {
		_, _, errno = syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, p.limits[i].Resource, uintptr(unsafe.Pointer(&p.limits[i].Limit)), 0, 0, 0)
		if errno != 0 {
			goto failed
		}
	}
	if p.as != nil {
		if !p.as.NoSetGroups {
			_, _, errno = syscall.RawSyscall(syscall.SYS_SETGROUPS, uintptr(len(p.groups)-1), uintptr(unsafe.Pointer(&p.groups[0])), 0)
			if errno != 0 {
				goto failed
			}
		}
		_, _, errno = syscall.RawSyscall(syscall.SYS_SETGID, uintptr(p.as.Gid), 0, 0)
		if errno != 0 {
			goto failed
		}
		_, _, errno = syscall.RawSyscall(syscall.SYS_SETUID, uintptr(p.as.Uid), 0, 0)
		if errno != 0 {
			goto failed
		}
	}
	if p.dir != nil {
		_, _, errno = syscall.RawSyscall(syscall.SYS_CHDIR, uintptr(unsafe.Pointer(p.dir)), 0, 0)
		if errno != 0 {
			goto failed
		}
	}

	// Descriptors that others would overwrite go out of their way first.
	if report < spare {
		_, _, errno = syscall.RawSyscall(syscall.SYS_DUP3, report, spare, syscall.O_CLOEXEC)
		if errno != 0 {
			goto failed
		}
		report = spare
		spare++
	}
	for i = 0; i < uintptr(len(p.fds)); i++ {
		if fd = p.fds[i]; fd >= i { // or none
			continue
		}
		if spare == report {
			spare++
		}
		_, _, errno = syscall.RawSyscall(syscall.SYS_DUP3, fd, spare, syscall.O_CLOEXEC)
		if errno != 0 {
			goto failed
		}
		p.fds[i] = spare
		spare++
	}
	for i = 0; i < uintptr(len(p.fds)); i++ {
		switch fd = p.fds[i]; fd {
		case none:
			syscall.RawSyscall(syscall.SYS_CLOSE, i, 0, 0)
			continue
		case i:
			_, _, errno = syscall.RawSyscall(syscall.SYS_FCNTL, i, syscall.F_SETFD, 0)
		default:
			_, _, errno = syscall.RawSyscall(syscall.SYS_DUP3, fd, i, 0)
		}
		if errno != 0 {
			goto failed
		}
	}
	_, _, errno = syscall.RawSyscall(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(p.path)),
		uintptr(unsafe.Pointer(&p.args[0])), uintptr(unsafe.Pointer(&p.env[0])))

failed:
	syscall.RawSyscall(syscall.SYS_WRITE, report, uintptr(unsafe.Pointer(&errno)), unsafe.Sizeof(errno))
	for {
		syscall.RawSyscall(syscall.SYS_EXIT, 253, bare, bare)
	}
}
