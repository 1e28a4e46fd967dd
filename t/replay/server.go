//go:build linux

package replay

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// peers are the servers of a case: they answer as they are told and write down
// what they read.
type peers struct {
	mu     sync.Mutex
	closed bool
	heard  [][][]string // by server, by connection
	open   []interface{ Close() error }
	asked  []any // DNS questions
}

// startPeers starts the servers; it must be called in the host.
func (r *run) startPeers() error {
	p := &r.peers
	p.heard = make([][][]string, len(r.c.Servers))
	if r.c.DNS != nil {
		if err := p.startDNS(r.c.DNS); err != nil {
			return err
		}
	}
	for i, s := range r.c.Servers {
		p.heard[i] = make([][]string, len(s.Conns))
		l, err := listen(s)
		if err != nil {
			return err
		}
		if s.Mode == "blackhole" {
			if err := p.fill(l, s); err != nil {
				return err
			}
			continue
		}
		ln, err := net.FileListener(l)
		l.Close()
		if err != nil {
			return err
		}
		p.open = append(p.open, ln)
		go p.serve(i, s, ln.(*net.TCPListener))
	}
	return nil
}

func (a address) sockaddr() (*unix.SockaddrInet4, error) {
	v4 := net.ParseIP(a.IP).To4()
	if v4 == nil {
		return nil, fmt.Errorf("address %q is not IPv4", a.IP)
	}
	return &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(v4)}, nil
}

// bound makes a TCP socket with an address.
func bound(a address) (int, error) {
	sa, err := a.sockaddr()
	if err != nil {
		return -1, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err := unix.Bind(fd, sa); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("bind %s port %d: %w", a.IP, a.Port, err)
	}
	return fd, nil
}

func listen(s server) (*os.File, error) {
	fd, err := bound(address{s.Addr, s.Port})
	if err != nil {
		return nil, err
	}
	backlog := 16
	if s.Mode == "blackhole" {
		backlog = 0
	}
	if err := unix.Listen(fd, backlog); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("listen", err)
	}
	return os.NewFile(uintptr(fd), "listener"), nil
}

// fill makes connections until the listener takes no more, so that those that
// come later are never completed.
func (p *peers) fill(l *os.File, s server) error {
	p.open = append(p.open, l)
	to, err := address{s.Addr, s.Port}.sockaddr()
	if err != nil {
		return err
	}
	for range 3 {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return os.NewSyscallError("socket", err)
		}
		p.open = append(p.open, os.NewFile(uintptr(fd), "filler"))
		unix.Connect(fd, to) // in progress
	}
	time.Sleep(100 * time.Millisecond) // there is no sign of a full backlog to wait for
	return nil
}

// serve takes one connection for each script and then listens no more.
func (p *peers) serve(i int, s server, ln *net.TCPListener) {
	for n, steps := range s.Conns {
		c, err := ln.AcceptTCP()
		if err != nil {
			return // the case is over
		}
		p.mu.Lock()
		p.open = append(p.open, c)
		p.heard[i][n] = []string{}
		p.mu.Unlock()
		if n == len(s.Conns)-1 {
			ln.Close()
		}
		talk := &session{c: c, tcp: c, hear: func(what string) { p.hear(i, n, what) }}
		if s.Parallel {
			go talk.run(steps)
		} else {
			talk.run(steps)
		}
	}
}

func (p *peers) hear(i, n int, what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.heard[i][n] = append(p.heard[i][n], what)
	}
}

// session is one connection to a server.
type session struct {
	c    net.Conn     // tcp, or TLS on it
	tcp  *net.TCPConn // closed without a word of TLS
	buf  []byte
	hear func(string)
}

func (s *session) run(steps []step) {
	defer s.tcp.Close()
	for _, st := range steps {
		switch st.Word {
		case "send":
			s.c.Write([]byte(st.Text)) // a peer that does not listen shows in what follows
		case "line":
			s.read(func() int { return after(s.buf, "\n") })
		case "until":
			s.read(func() int { return after(s.buf, string(st.Text)) })
		case "read":
			s.read(func() int { return upTo(s.buf, int(st.Number)) })
		case "netstring":
			s.read(func() int { return netstring(s.buf) })
		case "eof":
			s.read(func() int { return -1 })
		case "sleep":
			time.Sleep(time.Duration(st.Number * 1e9))
		case "peer":
			s.hear(s.tcp.RemoteAddr().(*net.TCPAddr).IP.String())
		case "starttls":
			if !s.starttls(st.TLS) {
				return
			}
		case "rst":
			s.tcp.SetLinger(0)
			return
		case "close":
			return
		case "hang":
			select {}
		default:
			s.hear("unknown step " + st.Word)
			return
		}
	}
}

// starttls hears the name in the client's certificate, if it gave one.
func (s *session) starttls(o *tlsOptions) bool {
	config, err := o.server()
	if err != nil {
		s.hear(err.Error())
		return false
	}
	c := tls.Server(s.tcp, config)
	if err := c.Handshake(); err != nil {
		s.hear("<NO TLS>")
		return false
	}
	name := ""
	if given := c.ConnectionState().PeerCertificates; len(given) > 0 {
		name = " " + given[0].Subject.CommonName
	}
	s.hear("<TLS" + name + ">")
	s.c, s.buf = c, nil
	return true
}

// read reads until end gives the length of what is to be heard, or to the end
// of the connection, and hears it.
func (s *session) read(end func() int) {
	more := make([]byte, 65536)
	n := end()
	for n < 0 {
		k, err := s.c.Read(more)
		s.buf = append(s.buf, more[:k]...)
		n = end()
		if err != nil && n < 0 {
			n = len(s.buf)
		}
	}
	s.hear(string(s.buf[:n]))
	s.buf = s.buf[n:]
}

func after(buf []byte, end string) int {
	i := bytes.Index(buf, []byte(end))
	if i < 0 {
		return -1
	}
	return i + len(end)
}

func upTo(buf []byte, n int) int {
	if len(buf) < n {
		return -1
	}
	return n
}

func netstring(buf []byte) int {
	digits, _, ok := bytes.Cut(buf, []byte(":"))
	n, err := strconv.Atoi(string(digits))
	if !ok || err != nil || len(buf) < len(digits)+1+n+1 {
		return -1
	}
	return len(digits) + 1 + n + 1
}

// end ends all servers and gives what they heard.
func (p *peers) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.open {
		c.Close()
	}
}
