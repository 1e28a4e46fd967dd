//go:build linux && amd64

package crash

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// kind says which arguments of a call name files.
type kind struct {
	call  string
	dir   int // argument with the directory for the name, -1: the working directory
	name  int // argument with the name, -1: none
	dir2  int // the same for the second name, of link and rename
	name2 int
	fd    int // argument with the descriptor, -1: none
	flags int // argument with the flags of open, -1: none
}

func onName(call string, name int) kind        { return kind{call, -1, name, -1, -1, -1, -1} }
func onNameAt(call string) kind                { return kind{call, 0, 1, -1, -1, -1, -1} }
func onFd(call string) kind                    { return kind{call, -1, -1, -1, -1, 0, -1} }
func onOpen(dir, name, flags int) kind         { return kind{"open", dir, name, -1, -1, -1, flags} }
func onTwo(call string, d, n, d2, n2 int) kind { return kind{call, d, n, d2, n2, -1, -1} }

// kindOf tells what a system call is about. ok is false for those that have
// nothing to do with files.
func kindOf(nr uint64) (k kind, ok bool) {
	switch nr {
	case unix.SYS_OPEN:
		return onOpen(-1, 0, 1), true
	case unix.SYS_OPENAT:
		return onOpen(0, 1, 2), true
	case unix.SYS_STAT, unix.SYS_LSTAT:
		return onName("stat", 0), true
	case unix.SYS_NEWFSTATAT:
		return onNameAt("stat"), true
	case unix.SYS_ACCESS:
		return onName("access", 0), true
	case unix.SYS_FACCESSAT, unix.SYS_FACCESSAT2:
		return onNameAt("access"), true
	case unix.SYS_LINK:
		return onTwo("link", -1, 0, -1, 1), true
	case unix.SYS_LINKAT:
		return onTwo("link", 0, 1, 2, 3), true
	case unix.SYS_RENAME:
		return onTwo("rename", -1, 0, -1, 1), true
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		return onTwo("rename", 0, 1, 2, 3), true
	case unix.SYS_UNLINK, unix.SYS_RMDIR:
		return onName("unlink", 0), true
	case unix.SYS_UNLINKAT:
		return onNameAt("unlink"), true
	case unix.SYS_MKDIR:
		return onName("mkdir", 0), true
	case unix.SYS_MKDIRAT:
		return onNameAt("mkdir"), true
	case unix.SYS_CHMOD:
		return onName("chmod", 0), true
	case unix.SYS_FCHMODAT:
		return onNameAt("chmod"), true
	case unix.SYS_UTIMES:
		return onName("utime", 0), true
	case unix.SYS_UTIMENSAT:
		return onNameAt("utime"), true
	case unix.SYS_TRUNCATE:
		return onName("truncate", 0), true
	case unix.SYS_FTRUNCATE:
		return onFd("truncate"), true
	case unix.SYS_READ, unix.SYS_PREAD64, unix.SYS_READV:
		return onFd("read"), true
	case unix.SYS_GETDENTS64:
		return onFd("getdents"), true
	case unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_WRITEV:
		return onFd("write"), true
	case unix.SYS_FSTAT:
		return onFd("stat"), true
	case unix.SYS_FCHMOD:
		return onFd("chmod"), true
	case unix.SYS_FSYNC, unix.SYS_FDATASYNC:
		return onFd("fsync"), true
	case unix.SYS_SYNC_FILE_RANGE:
		return onFd("sync_file_range"), true
	case unix.SYS_SYNCFS:
		return onFd("syncfs"), true
	case unix.SYS_EXIT_GROUP:
		return kind{"exit", -1, -1, -1, -1, -1, -1}, true
	}
	return k, false
}

// decode returns the call that thread tid is about to make, nil if it is not
// for us.
func (t *Tracer) decode(tid int, nr uint64, args [6]uint64) *Op {
	k, ok := kindOf(nr)
	if !ok {
		return nil
	}
	op := &Op{Call: k.call, Pid: tid, Fd: -1}
	switch {
	case k.fd >= 0:
		op.Fd = int(int32(args[k.fd]))
		op.Path = fdPath(tid, op.Fd)
	case k.name >= 0:
		op.Path = namePath(tid, k.dir, k.name, args)
	}
	if k.name2 >= 0 {
		op.To = namePath(tid, k.dir2, k.name2, args)
	}
	if k.flags >= 0 {
		op.Flags = args[k.flags]
	}
	switch {
	case k.call == "exit":
	case strings.HasPrefix(op.Path, "pipe:"):
		op.Path = "pipe"
	case op.Path != t.Root && !strings.HasPrefix(op.Path, t.Root+"/"):
		return nil
	}
	return op
}

// fdPath is the name of the file that a descriptor is open on.
func fdPath(tid, fd int) string {
	name, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, fd))
	return name
}

// namePath is the absolute path of a name that is an argument.
func namePath(tid, dir, name int, args [6]uint64) string {
	path := cString(tid, uintptr(args[name]))
	if strings.HasPrefix(path, "/") {
		return path
	}
	base := fmt.Sprintf("/proc/%d/cwd", tid)
	if dir >= 0 && int32(args[dir]) != unix.AT_FDCWD {
		base = fmt.Sprintf("/proc/%d/fd/%d", tid, int32(args[dir]))
	}
	where, _ := os.Readlink(base)
	if path == "" || path == "." {
		return where
	}
	return where + "/" + path
}

// cString reads a string from the memory of a thread.
func cString(tid int, address uintptr) string {
	var s []byte
	var word [8]byte
	for len(s) < 1<<16 {
		n, err := syscall.PtracePeekData(tid, address+uintptr(len(s)), word[:])
		if err != nil || n == 0 {
			break
		}
		for _, c := range word[:n] {
			if c == 0 {
				return string(s)
			}
			s = append(s, c)
		}
	}
	return string(s)
}
