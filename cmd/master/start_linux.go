package main

import "syscall"

// attributes are how a program is started: in a session of its own, so that a terminal's
// signals come to master alone, and ended with us should we be killed, so that its
// sockets are free for our successor.
func attributes(as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as, Setsid: true, Pdeathsig: syscall.SIGTERM}
}
