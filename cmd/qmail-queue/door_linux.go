package main

import (
	"encoding/binary"
	"math"
	"os"
	"syscall"
	"time"

	"goqmail/lib/account"
	"goqmail/lib/auto"
)

// door returns a socket that listens for processes of this program: they hand
// their work to this process before their own runtime starts, in
// door_linux_amd64.s and its like. The abstract address is the queue's, by device
// and inode, so that whoever sees another queue at its place gets nowhere; both
// sides make sure that the other one is this program, by its effective user. Of the
// process id and the real user the kernel makes sure.
func door() (listener int, ok bool) {
	// Nobody but qmail-send may hold up the mail of others.
	ids, err := account.Uids(auto.UserS)
	if err != nil || os.Getuid() != ids[0] {
		return 0, false
	}
	// Nor may limits on it, which are not theirs.
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit) != nil || limit.Cur != math.MaxUint64 {
		return 0, false
	}
	var st syscall.Stat_t
	if syscall.Stat(auto.Home+"/queue", &st) != nil || syscall.Access("/proc/self/fd", 0) != nil {
		return 0, false
	}
	address := binary.NativeEndian.AppendUint64([]byte("\x00goqmail"), uint64(st.Dev))
	address = binary.NativeEndian.AppendUint64(address, st.Ino)
	listener, err = syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	bind := func() error { return syscall.Bind(listener, &syscall.SockaddrUnix{Name: string(address)}) }
	err = bind()
	for tries := 50; tries > 0 && err == syscall.EADDRINUSE; tries-- {
		time.Sleep(100 * time.Millisecond) // the one before us is about to go
		err = bind()
	}
	if err != nil || syscall.SetsockoptInt(listener, syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1) != nil ||
		syscall.Listen(listener, 128) != nil {
		syscall.Close(listener)
		return 0, false
	}
	return listener, true
}
