//go:build !(linux && (amd64 || arm64))

package child

import "syscall"

func start(path string, args []string, attr *syscall.ProcAttr) (pid int, err error) {
	return syscall.ForkExec(path, args, attr)
}
