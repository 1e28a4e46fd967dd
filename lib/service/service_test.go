package service

import (
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/auto"
)

// TestMain is also the program that is handed sockets.
func TestMain(m *testing.M) {
	switch os.Getenv("SERVICE_TEST") {
	case "for me", "for me, and told to reload at once":
		os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
		child()
	case "for another":
		os.Setenv("LISTEN_PID", "1")
		child()
	default:
		os.Exit(m.Run())
	}
}

func child() {
	me, err := user.Current()
	if err != nil {
		panic(err)
	}
	auto.UserCyrus = me.Username
	source, err := Open(nil)
	if err != nil {
		io.WriteString(os.Stdout, "error: "+err.Error())
		os.Exit(1)
	}
	if strings.HasSuffix(os.Getenv("SERVICE_TEST"), "at once") {
		syscall.Kill(os.Getpid(), syscall.SIGHUP)
	}
	ending, reloaded := make(chan bool), atomic.Bool{}
	source.Serve(&Program{
		Serve: func(c net.Conn) {
			defer c.Close()
			if reloaded.Load() {
				io.WriteString(c, "reloaded ")
			}
			io.WriteString(c, "hello\n")
			<-ending
			io.WriteString(c, "bye\n")
		},
		Ending: func() { close(ending) },
		Reload: func() { reloaded.Store(true); io.WriteString(os.Stdout, "reloaded\n") },
		Log:    func(error) {},
	})
	io.WriteString(os.Stdout, "ended\n")
	os.Exit(0)
}

func start(t *testing.T, how string, socket *os.File) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SERVICE_TEST="+how, "LISTEN_FDS=1")
	cmd.ExtraFiles = []*os.File{socket}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, out
}

func listener(t *testing.T) (path string, f *os.File) {
	t.Helper()
	path = t.TempDir() + "/socket"
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f, err = l.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	return path, f
}

func expect(t *testing.T, r io.Reader, want string) {
	t.Helper()
	buf := make([]byte, len(want))
	if n, err := io.ReadFull(r, buf); err != nil || string(buf) != want {
		t.Fatalf("got %q, %v, want %q", buf[:n], err, want)
	}
}

func TestSocketIsHandedOver(t *testing.T) {
	path, f := listener(t)
	cmd, out := start(t, "for me", f)
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	expect(t, c, "hello\n")
	cmd.Process.Signal(syscall.SIGHUP)
	expect(t, out, "reloaded\n")
	c2, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c2.Close()
	expect(t, c2, "reloaded hello\n")
	cmd.Process.Signal(syscall.SIGTERM) // conversations come to their end
	expect(t, c, "bye\n")
	expect(t, c2, "bye\n")
	expect(t, out, "ended\n")
	if _, err := os.Stat(path); err != nil {
		t.Error("the socket that was handed over is gone:", err)
	}
}

func TestSocketOfAnother(t *testing.T) {
	_, f := listener(t)
	_, out := start(t, "for another", f)
	expect(t, out, "error: ") // there is nothing else that it could serve
}

// Told to reload while it starts, a program does so as soon as it can.
func TestEarlyReload(t *testing.T) {
	_, f := listener(t)
	_, out := start(t, "for me, and told to reload at once", f)
	expect(t, out, "reloaded\n")
}

func TestListenTakesAPathThatNobodyListensAt(t *testing.T) {
	path := t.TempDir() + "/socket"
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("twice: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	again, err := Listen(path)
	if err != nil {
		t.Fatal("after a crash:", err)
	}
	again.Close()
}

// Of those who take a path at a time, one has it.
func TestListenTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	for range 50 {
		if l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"}); err == nil {
			l.SetUnlinkOnClose(false)
			l.Close() // as of a process that is gone
		}
		var got [4]net.Listener
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() { got[i], _ = Listen(path) })
		}
		all.Wait()
		n := 0
		for _, l := range got {
			if l != nil {
				n++
				l.Close()
			}
		}
		if n != 1 {
			t.Fatalf("%d listen", n)
		}
	}
}

func TestMaxChild(t *testing.T) {
	t.Setenv("MAXCHILD", "1")
	path, f := listener(t)
	start(t, "for me", f)
	dial := func() net.Conn {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(time.Minute))
		return c
	}
	first := dial()
	expect(t, first, "hello\n")
	second := dial()
	second.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // less only makes the test weaker
	if n, err := second.Read(make([]byte, 1)); err == nil {
		t.Errorf("the second connection is served: %d bytes", n)
	}
}

func TestParse(t *testing.T) {
	o, err := Parse([]string{"x", "-s", "-U", "30", "-T60", "-l", "a:1", "-l/b", "-C", "conf", "-p5"}, "x", "C:sal:U:T:p:")
	if err != nil || !o.Has('s') || o.Has('a') || o.Config != "conf" || strings.Join(o.Addresses, " ") != "a:1 /b" {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"x", "-p", "5"}, {"x", "-l"}, {"x", "y"}} {
		if _, err := Parse(args, "x", "sl:"); err != Usage("x") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
