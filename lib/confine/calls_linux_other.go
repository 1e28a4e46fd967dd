//go:build linux && !amd64 && !arm64

package confine

// architecture is how seccomp calls this one; 0: not known here.
const architecture = 0

// forks are the old system calls that make a process.
var forks = [...]uint32{}
