//go:build !(linux && (amd64 || arm64))

package child

import "syscall"

func start(path string, args []string, attr *syscall.ProcAttr) (pid int, err error) {
	return syscall.ForkExec(path, args, attr)
}

func replace(path string, args, env []string) error { return syscall.Exec(path, args, env) }
