//go:build !linux

package main

import "syscall"

// attributes are how a program is started: in a session of its own, so that a terminal's
// signals come to master alone.
func attributes(as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as, Setsid: true}
}
