package confine

import (
	"errors"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func process(r Rules) error {
	err := all("prctl", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	if errors.Is(err, syscall.ENOTSUP) {
		return nil // it is linked with C, whose threads are not ours
	}
	if err != nil {
		return err
	}
	if err := r.landlock(); err != nil {
		return err
	}
	return r.seccomp()
}

// all does a system call in each thread.
func all(name string, call, a, b uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall(call, a, b, 0); errno != 0 {
		return os.NewSyscallError(name, errno)
	}
	return nil
}

// Rights of Landlock by what they are for. The versions of Landlock added some.
const (
	rightsToRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	rightsToRun   = unix.LANDLOCK_ACCESS_FS_EXECUTE
	rightsToWrite = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	rightsToMove     = unix.LANDLOCK_ACCESS_FS_REFER    // since version 2
	rightsToTruncate = unix.LANDLOCK_ACCESS_FS_TRUNCATE // since version 3
	rightsOfFiles    = rightsToRead&^unix.LANDLOCK_ACCESS_FS_READ_DIR | rightsToRun | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | rightsToTruncate
)

func (r Rules) landlock() error {
	version, _, errno := syscall.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return nil // the kernel lacks it, or whoever runs us in a container does
	}
	if version < 2 && len(r.Write) > 0 {
		return nil // no file could be moved to another directory
	}
	rules := unix.LandlockRulesetAttr{Handled_access_fs: rightsToRead | rightsToRun | rightsToWrite}
	if version >= 2 {
		rules.Handled_access_fs |= rightsToMove
	}
	if version >= 3 {
		rules.Handled_access_fs |= rightsToTruncate
	}
	if version >= 4 && !r.Sockets {
		// A connection that is there could be led elsewhere.
		rules.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 6 {
		rules.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
		// Before this was mended, threads could not signal each other.
		const threadsMaySignal = 1 << 1
		mended, _, errno := syscall.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_ERRATA)
		if errno == 0 && mended&threadsMaySignal != 0 {
			rules.Scoped |= unix.LANDLOCK_SCOPE_SIGNAL
		}
	}
	set, _, errno := syscall.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules), 0)
	if errno != 0 {
		return os.NewSyscallError("landlock_create_ruleset", errno)
	}
	defer syscall.Close(int(set))
	reading := uint64(rightsToRead)
	if r.Programs {
		reading |= rightsToRun
	}
	for _, path := range r.Read {
		if err := allow(int(set), path, reading&rules.Handled_access_fs); err != nil {
			return err
		}
	}
	for _, path := range r.Write {
		if err := allow(int(set), path, rules.Handled_access_fs&^rightsToRun); err != nil {
			return err
		}
	}
	return all("landlock_restrict_self", unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0)
}

// allow gives rights to what is at path and below.
func allow(set int, path string, rights uint64) error {
	fd, err := syscall.Open(path, unix.O_PATH|syscall.O_CLOEXEC, 0)
	if err != nil {
		if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOTDIR) {
			return nil
		}
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		rights &= rightsOfFiles
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, errno := syscall.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(set), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return &os.PathError{Op: "landlock_add_rule", Path: path, Err: errno}
	}
	return nil
}

// seccomp refuses system calls.
func (r Rules) seccomp() error {
	if architecture == 0 {
		return nil
	}
	f := filter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 4}}
	f = f.unless(architecture, unix.SECCOMP_RET_KILL_PROCESS)
	f = append(f, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0})
	// Numbers above are of another convention, x32.
	f = append(f,
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, Jf: 1, K: 0x40000000},
		unix.SockFilter{Code: unix.BPF_RET, K: refuse})
	for _, call := range [...]uint32{
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_SETNS, unix.SYS_UNSHARE,
		unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSMOUNT,
		unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_IO_URING_SETUP,
		unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
		unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_ACCT,
	} {
		f = f.when(call, refuse)
	}
	if !r.Sockets {
		if !r.Local {
			for _, call := range [...]uint32{unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN} {
				f = f.when(call, refuse)
			}
		}
		// A socket can still be asked about the network's interfaces.
		f = f.needs(unix.SYS_SOCKET, 0, unix.BPF_JEQ, unix.AF_UNIX)
		// This connects, too, and Landlock did not know.
		f = f.lacks(unix.SYS_SENDTO, 3, unix.MSG_FASTOPEN).lacks(unix.SYS_SENDMSG, 2, unix.MSG_FASTOPEN).lacks(unix.SYS_SENDMMSG, 3, unix.MSG_FASTOPEN)
	}
	if !r.Programs {
		for _, call := range append([]uint32{unix.SYS_EXECVE, unix.SYS_EXECVEAT}, forks[:]...) {
			f = f.when(call, refuse)
		}
		f = f.when(unix.SYS_CLONE3, unix.SECCOMP_RET_ERRNO|uint32(syscall.ENOSYS))
		f = f.needs(unix.SYS_CLONE, 0, unix.BPF_JSET, unix.CLONE_THREAD)
	}
	f = append(f, unix.SockFilter{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	_, _, errno := syscall.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	switch errno {
	case 0, syscall.ENOSYS, syscall.EINVAL: // EINVAL: the kernel was built without
		return nil
	}
	return os.NewSyscallError("seccomp", errno)
}

const refuse = unix.SECCOMP_RET_ERRNO | uint32(syscall.EPERM)

// filter is a program of the Berkeley packet filter. Its packet has the number of
// the system call at 0, the architecture at 4, and arguments from 16 on.
type filter []unix.SockFilter

// when adds that a loaded value k ends it with verdict.
func (f filter) when(k, verdict uint32) filter {
	return append(f,
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: k},
		unix.SockFilter{Code: unix.BPF_RET, K: verdict})
}

// needs adds that a system call is refused unless a test of an argument with k, of
// which the low half counts, is true.
func (f filter) needs(call uint32, argument int, test uint16, k uint32) filter {
	return f.argument(call, argument, unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, Jt: 1, K: k})
}

// lacks adds that a system call is refused if an argument has a flag.
func (f filter) lacks(call uint32, argument int, flag uint32) filter {
	return f.argument(call, argument, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, Jf: 1, K: flag})
}

// argument adds that a system call is refused unless a test of an argument jumps.
func (f filter) argument(call uint32, argument int, test unix.SockFilter) filter {
	return append(f,
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 4, K: call},
		unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: uint32(16 + 8*argument)},
		test,
		unix.SockFilter{Code: unix.BPF_RET, K: refuse},
		unix.SockFilter{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW})
}

// unless adds that all but a loaded value k end it with verdict.
func (f filter) unless(k, verdict uint32) filter {
	return append(f,
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: k},
		unix.SockFilter{Code: unix.BPF_RET, K: verdict})
}
