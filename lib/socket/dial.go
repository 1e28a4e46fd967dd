package socket

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/ip"
)

// ErrAddress is the error for what Dial does not take for an address.
var ErrAddress = errors.New("neither a path nor an IP address and port")

// Dial connects, within limit, to a server of this host or the net: address is
// the path of a UNIX-domain socket, or an IP address and a port, as
// 127.0.0.1:3310 or [::1]:3310. The error is ErrAddress or as from Connect.
func Dial(address string, limit time.Duration) (*os.File, error) {
	if strings.HasPrefix(address, "/") {
		return connectUnix(address, limit)
	}
	i := strings.LastIndexByte(address, ':')
	if i < 0 {
		return nil, ErrAddress
	}
	host := address[:i]
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	addr, ok := ip.Parse(host)
	port, err := strconv.ParseUint(address[i+1:], 10, 16)
	if !ok || err != nil {
		return nil, ErrAddress
	}
	return Connect(TCP, nil, addr, int(port), limit)
}

// connectUnix waits, in blocking mode, for room in the server's backlog: there
// is no other way to.
func connectUnix(path string, limit time.Duration) (*os.File, error) {
	fd, err := open(syscall.AF_UNIX, TCP)
	if err != nil {
		return nil, err
	}
	wait := syscall.NsecToTimeval(max(limit, time.Microsecond).Nanoseconds()) // 0 is for ever
	err = errors.Join(
		syscall.SetNonblock(fd, false),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &wait),
	)
	for err == nil {
		err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
		if err != syscall.EINTR {
			break
		}
		err = nil
	}
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		syscall.Close(fd)
		if err == syscall.EAGAIN {
			err = os.ErrDeadlineExceeded
		}
		return nil, err
	}
	return os.NewFile(uintptr(fd), "socket"), nil
}
