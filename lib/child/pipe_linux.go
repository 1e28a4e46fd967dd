package child

import "syscall"

func pipe(p []int) error { return syscall.Pipe2(p, syscall.O_CLOEXEC) }
