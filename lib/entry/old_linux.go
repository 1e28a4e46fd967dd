//go:build linux && (amd64 || arm64)

package entry

import "syscall"

// Limit is a resource limit as setrlimit(2) takes it.
type Limit struct {
	Resource uintptr
	Limit    syscall.Rlimit
}

// files is the limit on open files before the runtime raised it.
var files limit

// resetFiles makes the limit on open files what it was, for this process and, as
// the runtime is to forget the one of 0, for its children.
func resetFiles() {
	if noFiles.max != 0 {
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: files.cur, Max: files.max})
	}
}

// Old returns the limits that were raised since the process was started, as
// they were, or nothing if there was none on address space or data. A child
// that sets them itself before it becomes another program spares this process
// Foreign. The thread is to be locked to the goroutine that forks: it is given
// back the processors that the program was started with.
func Old() (limits []Limit) {
	free()
	if dataChanged != 0 {
		limits = append(limits, Limit{syscall.RLIMIT_DATA, syscall.Rlimit{Cur: data.cur, Max: data.max}})
	}
	if addressSpaceChanged != 0 {
		limits = append(limits, Limit{syscall.RLIMIT_AS, syscall.Rlimit{Cur: addressSpace.cur, Max: addressSpace.max}})
	}
	if limits != nil && files.max != 0 {
		limits = append(limits, Limit{syscall.RLIMIT_NOFILE, syscall.Rlimit{Cur: files.cur, Max: files.max}})
	}
	return limits
}
