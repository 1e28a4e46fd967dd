// Package socket makes TCP and UDP sockets by plain system calls, for programs
// that must stay too small for package net. Addresses are numbers only.
//
// Sockets come as *os.File in non-blocking mode: deadlines work, and waiting
// costs no thread.
package socket

import (
	"errors"
	"os"
	"syscall"
	"time"

	"goqmail/lib/ip"
)

// Kind is a kind of socket.
type Kind int

// The kinds.
const (
	TCP Kind = syscall.SOCK_STREAM
	UDP Kind = syscall.SOCK_DGRAM
)

// ErrFamily is the error for a socket of another family than IP.
var ErrFamily = errors.New("not an Internet socket")

// Connect connects to a port of address to, within limit. With an address in
// from, the connection comes from there. The error is os.ErrDeadlineExceeded
// or the system's.
func Connect(kind Kind, from *ip.Addr, to ip.Addr, port int, limit time.Duration) (*os.File, error) {
	fd, err := open(family(to), kind)
	if err != nil {
		return nil, err
	}
	if from != nil {
		err = syscall.Bind(fd, sockaddr(*from, 0, to.Is4()))
	}
	if err == nil {
		err = syscall.Connect(fd, sockaddr(to, port, to.Is4()))
	}
	if err != nil && err != syscall.EINPROGRESS && err != syscall.EINTR {
		syscall.Close(fd)
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "socket")
	if err != nil {
		if err := connected(f, limit); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// connected waits until a connection under way stands.
func connected(f *os.File, limit time.Duration) error {
	if limit < 0 {
		return syscall.EINVAL
	}
	var result error
	stands := func(fd uintptr) bool {
		var code int
		code, result = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
		if result == nil && code != 0 {
			result = syscall.Errno(code)
		}
		if result != nil {
			return true
		}
		_, err := syscall.Getpeername(int(fd))
		return err == nil // else it is not ready yet
	}
	// Within one machine it does at once, and then the limit does not matter.
	if err := control(f, func(fd int) error {
		if !stands(uintptr(fd)) {
			return syscall.EINPROGRESS
		}
		return nil
	}); err == nil {
		return result
	}
	if err := f.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if err := conn.Write(stands); err != nil {
		return err
	}
	return result
}

// Listen makes a socket that takes TCP connections to a port, 0 for a free one,
// of a local address. With the address :: it takes those of both families.
func Listen(addr ip.Addr, port int) (*os.File, error) {
	fd, err := open(family(addr), TCP)
	if err != nil {
		return nil, err
	}
	// A port is free even while old connections to it linger.
	syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if addr == (ip.Addr{}) {
		syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 0)
	}
	if err := syscall.Bind(fd, sockaddr(addr, port, addr.Is4())); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "socket"), nil
}

// Backlog starts taking connections, of which up to n wait to be accepted.
func Backlog(f *os.File, n int) error {
	return control(f, func(fd int) error { return syscall.Listen(fd, n) })
}

// Accept waits for a connection to f. The error is the system's.
func Accept(f *os.File) (*os.File, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var failed error
	err = conn.Read(func(listening uintptr) bool {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		fd, _, failed = syscall.Accept(int(listening))
		if failed == nil {
			syscall.CloseOnExec(fd)
		}
		return failed != syscall.EAGAIN && failed != syscall.EINTR
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "socket"), nil
}

// Local returns the address and port of this end of a connection, also where f
// is in blocking mode. With ErrFamily it returns 0.0.0.0 and 0.
func Local(f *os.File) (addr ip.Addr, port int, err error) { return name(f, syscall.Getsockname) }

// Peer returns the address and port of the other end.
func Peer(f *os.File) (addr ip.Addr, port int, err error) { return name(f, syscall.Getpeername) }

func name(f *os.File, get func(int) (syscall.Sockaddr, error)) (addr ip.Addr, port int, err error) {
	err = control(f, func(fd int) error {
		sa, err := get(fd)
		if err != nil {
			return err
		}
		switch sa := sa.(type) {
		case *syscall.SockaddrInet4:
			addr, port = ip.V4(sa.Addr[0], sa.Addr[1], sa.Addr[2], sa.Addr[3]), sa.Port
		case *syscall.SockaddrInet6:
			addr, port = sa.Addr, sa.Port
		default:
			addr = ip.V4(0, 0, 0, 0)
			return ErrFamily
		}
		return nil
	})
	return addr, port, err
}

// NoOptions drops the IP options of a connection, such as a source route for
// the packets back. A failure, as for IPv6, means that there are none.
func NoOptions(f *os.File) {
	control(f, func(fd int) error { return syscall.SetsockoptString(fd, syscall.IPPROTO_IP, syscall.IP_OPTIONS, "") })
}

// NoDelay sends what is written at once, without waiting for more to fill a
// packet. A failure costs time, nothing else.
func NoDelay(f *os.File) {
	control(f, func(fd int) error { return syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1) })
}

func control(f *os.File, do func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := conn.Control(func(fd uintptr) { result = do(int(fd)) }); err != nil {
		return err
	}
	return result
}

// open makes a socket that does not pass to other programs by chance.
func open(family int, kind Kind) (fd int, err error) {
	syscall.ForkLock.RLock()
	fd, err = syscall.Socket(family, int(kind), 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

func family(addr ip.Addr) int {
	if addr.Is4() {
		return syscall.AF_INET
	}
	return syscall.AF_INET6
}

func sockaddr(addr ip.Addr, port int, v4 bool) syscall.Sockaddr {
	if v4 {
		return &syscall.SockaddrInet4{Port: port, Addr: addr.As4()}
	}
	return &syscall.SockaddrInet6{Port: port, Addr: addr}
}

// Blocking puts f into blocking mode, as programs expect of the descriptors
// they are started with. Nothing else may be done with f then but to pass it on
// and to close it.
func Blocking(f *os.File) error {
	return control(f, func(fd int) error { return syscall.SetNonblock(fd, false) })
}
