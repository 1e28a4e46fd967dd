package syncdir

import "golang.org/x/sys/unix"

func syncAll(fd int) error { return unix.Syncfs(fd) }
