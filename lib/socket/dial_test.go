package socket

import (
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/ip"
)

func TestDial(t *testing.T) {
	path := t.TempDir() + "/socket"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			io.WriteString(conn, "hello")
			conn.Close()
		}
	}()
	f, err := Dial(path, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Errorf("no deadline: %v", err)
	}
	if data, err := io.ReadAll(f); string(data) != "hello" || err != nil {
		t.Errorf("read %q, %v", data, err)
	}

	home := ip.V4(127, 0, 0, 1)
	_, port := listen(t, home)
	f, err = Dial("127.0.0.1:"+strconv.Itoa(port), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if addr, p, err := Peer(f); addr != home || p != port || err != nil {
		t.Errorf("connected to %v, %d, %v", addr, p, err)
	}
	f.Close()
}

func TestDialNobody(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", dir+"/gone")
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	_, port := listen(t, ip.V4(127, 0, 0, 1)) // of one family only
	for address, want := range map[string]error{
		dir + "/none":                      syscall.ENOENT,
		dir + "/gone":                      syscall.ECONNREFUSED,
		"/" + strings.Repeat("x", 200):     syscall.EINVAL,
		"[::1]:" + strconv.Itoa(port):      nil, // refused, or unreachable
		"":                                 ErrAddress,
		"localhost:3310":                   ErrAddress,
		"127.0.0.1":                        ErrAddress,
		"127.0.0.1:":                       ErrAddress,
		"127.0.0.1:65536":                  ErrAddress,
		"127.0.0.1:-1":                     ErrAddress,
		"127.0.0.1 :1":                     ErrAddress,
		"relative/path":                    ErrAddress,
		"[127.0.0.1:" + strconv.Itoa(port): ErrAddress,
	} {
		f, err := Dial(address, time.Minute)
		if err == nil {
			f.Close()
			t.Errorf("%q: connected", address)
		}
		if want != nil && !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", address, err, want)
		}
	}
}

// A server that takes no more connections is waited for, but not for ever.
func TestDialBusy(t *testing.T) {
	path := t.TempDir() + "/socket"
	fd, err := open(syscall.AF_UNIX, TCP)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		f, err := Dial(path, 10*time.Millisecond)
		switch {
		case err == nil:
			defer f.Close()
		case err != os.ErrDeadlineExceeded && err != syscall.ECONNREFUSED: // the latter in the BSDs
			t.Fatal(err)
		default:
			return
		}
	}
	t.Error("a full backlog took ten connections")
}
