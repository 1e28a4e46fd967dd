package socket

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/ip"
)

func listen(t *testing.T, addr ip.Addr) (*os.File, int) {
	t.Helper()
	l, err := Listen(addr, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if err := Backlog(l, 5); err != nil {
		t.Fatal(err)
	}
	_, port, err := Local(l)
	if err != nil {
		t.Fatal(err)
	}
	return l, port
}

func TestConnection(t *testing.T) {
	home, away := ip.V4(127, 0, 0, 1), ip.V4(127, 1, 2, 3)
	l, port := listen(t, home)
	accepted := make(chan *os.File)
	go func() {
		f, err := Accept(l)
		if err != nil {
			t.Error(err)
		}
		accepted <- f
	}()
	client, err := Connect(TCP, &away, home, port, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server := <-accepted
	defer server.Close()
	if addr, _, err := Peer(server); addr != away || err != nil {
		t.Errorf("peer %v, %v", addr, err)
	}
	if addr, p, err := Local(server); addr != home || p != port || err != nil {
		t.Errorf("local end %v, %d, %v", addr, p, err)
	}
	NoOptions(server)
	NoDelay(server)
	io.WriteString(client, "hello")
	buf := make([]byte, 5)
	if _, err := io.ReadFull(server, buf); err != nil || string(buf) != "hello" {
		t.Errorf("read %q, %v", buf, err)
	}
	server.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := server.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read past the deadline: %v", err)
	}
	if err := Blocking(server); err != nil {
		t.Error(err)
	}
	control(server, func(fd int) error {
		flags, _, _ := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
		if flags&syscall.O_NONBLOCK != 0 {
			t.Error("still in non-blocking mode")
		}
		return nil
	})
}

func TestBothFamilies(t *testing.T) {
	l, err := Listen(ip.Addr{}, 0)
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	defer l.Close()
	if err := Backlog(l, 5); err != nil {
		t.Fatal(err)
	}
	_, port, _ := Local(l)
	for _, to := range []string{"127.0.0.1", "::1"} {
		addr, _ := ip.Parse(to)
		client, err := Connect(TCP, nil, addr, port, time.Minute)
		if err != nil {
			t.Errorf("%s: %v", to, err)
			continue
		}
		server, err := Accept(l)
		if err != nil {
			t.Fatal(err)
		}
		if peer, _, err := Peer(server); peer != addr || err != nil {
			t.Errorf("from %s: %v, %v", to, peer, err)
		}
		client.Close()
		server.Close()
	}
}

func TestRefused(t *testing.T) {
	home := ip.V4(127, 0, 0, 1)
	_, port := listen(t, home)
	if _, err := Listen(home, port); err != syscall.EADDRINUSE {
		t.Errorf("the same port again: %v", err)
	}
	deaf, err := Listen(home, 0) // without Backlog; meanwhile nobody else has the port
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	_, port, _ = Local(deaf)
	if _, err := Connect(TCP, nil, home, port, time.Minute); err != syscall.ECONNREFUSED {
		t.Errorf("where nobody listens: %v", err)
	}
	elsewhere := ip.V4(192, 0, 2, 1)
	if _, err := Connect(TCP, &elsewhere, home, port, time.Minute); err != syscall.EADDRNOTAVAIL {
		t.Errorf("from an address that is not ours: %v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, _, err := Local(r); err != syscall.ENOTSOCK {
		t.Errorf("a pipe: %v", err)
	}
	if _, _, err := Peer(nil); err == nil {
		t.Error("no file has a peer")
	}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[1])
	f := os.NewFile(uintptr(pair[0]), "")
	defer f.Close()
	if addr, port, err := Peer(f); err != ErrFamily || addr != ip.V4(0, 0, 0, 0) || port != 0 {
		t.Errorf("another family: %v, %d, %v", addr, port, err)
	}
}

// A connection that nobody takes fails when the time is over.
func TestTimeout(t *testing.T) {
	home := ip.V4(127, 0, 0, 1)
	l, err := Listen(home, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := Backlog(l, 0); err != nil {
		t.Fatal(err)
	}
	_, port, _ := Local(l)
	for range 10 { // until the system lets no more wait
		f, err := Connect(TCP, nil, home, port, 100*time.Millisecond)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	t.Skip("this system lets any number of connections wait")
}
