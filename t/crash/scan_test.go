//go:build linux && amd64

package crash

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/queue"
)

// scanner queues messages with qmail-scan, which becomes qmail-queue, under the
// tracer. Its clamd finds nothing.
type scanner struct {
	program string
	home    string
	layout  queue.Layout
}

func newScanner(t *testing.T) *scanner {
	t.Helper()
	home := inMemory(t)
	s := &scanner{program: Build(t, "qmail-scan", home), home: home}
	for _, dir := range []string{"bin", "control", "tmp"} {
		if err := os.Mkdir(home+"/"+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(Build(t, "qmail-queue", home), home+"/bin/qmail-queue"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(home+"/control/clamd", []byte(home+"/clamd\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", home+"/clamd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			clean(conn)
			conn.Close()
		}
	}()
	return s
}

// clean reads a message as clamd does, and finds nothing in it.
func clean(conn net.Conn) {
	in := bufio.NewReader(conn)
	in.ReadString(0)
	for size := uint32(1); size > 0; in.Discard(int(size)) {
		if binary.Read(in, binary.BigEndian, &size) != nil {
			return
		}
	}
	io.WriteString(conn, "stream: OK\x00")
}

// run hands over a message, with a fresh queue. It returns the call that decide
// did something to, if any, and what the queue holds then.
func (s *scanner) run(t *testing.T, decide func(*Op) Action) (status syscall.WaitStatus, at *Op, v View) {
	t.Helper()
	s.layout = LayQueue(t, s.home, false)
	mess, env := input(t, body), input(t, envelope+"\x00")
	defer mess.Close()
	defer env.Close()
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	trace := Tracer{Root: s.home, Before: func(op *Op) Action {
		action := decide(op)
		if action != (Action{}) {
			at = op
		}
		return action
	}}
	status, err = trace.Run(Cmd{Path: s.program, Args: []string{"qmail-scan"}, Env: []string{"TMPDIR=" + s.home + "/tmp"}, Files: []*os.File{mess, env, log}})
	if err != nil {
		t.Skipf("tracing is not possible here: %v", err)
	}
	if v, err = Scan(s.home + "/queue"); err != nil {
		t.Fatal(err)
	}
	if err := Legal(v, s.layout); err != nil {
		t.Errorf("%v: %v", at, err)
	}
	if err := sound(v); err != nil {
		t.Errorf("%v: %v", at, err)
	}
	return status, at, v
}

// Killed before any call, of its own or of the qmail-queue that it became, it
// leaves a queue with the whole message or without it, and no copy elsewhere.
func TestScanKilled(t *testing.T) {
	s := newScanner(t)
	n, before := 1, 0 // calls, and those before the queue was touched
	for ; ; n++ {
		status, at, v := s.run(t, func(op *Op) Action { return Action{Kill: op.N == n} })
		if at == nil {
			if err := queued(v); status.ExitStatus() != 0 || err != nil {
				t.Errorf("not killed: %v, %v", status, err)
			}
			break
		}
		if !status.Signaled() {
			t.Errorf("not killed at %v: %v", at, status)
		}
		if len(Messages(v)) == 0 {
			before = n
		}
		// A file has its name for one moment only, and nothing in it.
		left, _ := filepath.Glob(s.home + "/tmp/*")
		for _, name := range left {
			if data, err := os.ReadFile(name); len(data) > 0 || err != nil || len(left) > 1 {
				t.Errorf("killed at %v: %q left, %v", at, name, err)
			}
			os.Remove(name)
		}
	}
	if before < 10 || n-before < 10 {
		t.Errorf("of %d calls, %d were before the queue was touched", n, before)
	}
}

// Whatever call fails, the message is queued and the exit code 0, or it is not
// queued and may be tried again.
func TestScanErrors(t *testing.T) {
	s := newScanner(t)
	var calls []*Op
	s.run(t, func(op *Op) Action {
		calls = append(calls, op)
		return Action{}
	})
	for _, call := range calls {
		for _, errno := range errorsOf(call) {
			status, at, v := s.run(t, failAt(call.N, errno))
			if at == nil {
				continue // its threads took turns differently
			}
			code, err := status.ExitStatus(), queued(v)
			switch {
			case code == 0 && err != nil:
				t.Errorf("%v, %v: exit 0, but %v", at, errno, err)
			case code != 0 && err == nil && !strings.Contains(at.Path, "/todo"): // see TestQueueErrors
				t.Errorf("%v, %v: exit %d, but it is queued", at, errno, code)
			case status.Exited() && 11 <= code && code <= 40:
				t.Errorf("%v, %v: exit %d, for good", at, errno, code)
			}
		}
	}
}
