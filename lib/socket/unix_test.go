package socket

import (
	"io"
	"os"
	"syscall"
	"testing"
	"time"
)

func listenUnix(t *testing.T, backlog int) (path string, l *os.File) {
	t.Helper()
	path = t.TempDir() + "/socket"
	l, err := ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if err := Backlog(l, backlog); err != nil {
		t.Fatal(err)
	}
	return path, l
}

func TestConnectUnix(t *testing.T) {
	path, l := listenUnix(t, 5)
	c, err := ConnectUnix(path, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := Accept(l)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, "hello")
	CloseWrite(c)
	if b, err := io.ReadAll(s); string(b) != "hello" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	if _, err := ConnectUnix(path+"x", time.Minute); err != syscall.ENOENT {
		t.Errorf("no socket: %v", err)
	}
	l.Close()
	if _, err := ConnectUnix(path, time.Minute); err != syscall.ECONNREFUSED {
		t.Errorf("nobody listens: %v", err)
	}
}

// Where as many wait as may, the next one waits, too, but not for ever.
func TestConnectUnixToABusyOne(t *testing.T) {
	path, l := listenUnix(t, 0)
	for {
		c, err := ConnectUnix(path, 0)
		if err == os.ErrDeadlineExceeded {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	connected := make(chan error)
	go func() {
		c, err := ConnectUnix(path, time.Minute)
		if err == nil {
			c.Close()
		}
		connected <- err
	}()
	s, err := Accept(l)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := <-connected; err != nil {
		t.Error(err)
	}
}

func TestPair(t *testing.T) {
	ours, theirs, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	go func() {
		io.WriteString(theirs, "hello")
		theirs.Close()
	}()
	ours.SetDeadline(time.Now().Add(time.Minute))
	if b, err := io.ReadAll(ours); string(b) != "hello" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
}
