package confine

import "golang.org/x/sys/unix"

// architecture is how seccomp calls this one; 0: not known here.
const architecture = unix.AUDIT_ARCH_X86_64

// forks are the old system calls that make a process.
var forks = [...]uint32{unix.SYS_FORK, unix.SYS_VFORK}
