//go:build !(linux && (amd64 || arm64))

package sig

import "syscall"

func block([]syscall.Signal) (restore func()) { return func() {} }
