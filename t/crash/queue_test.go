//go:build linux && amd64

package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/queue"
)

const (
	body     = "Subject: test\n\nhello\n"
	envelope = "Fa@b\x00Tc@d\x00Te@f\x00"
)

// sender queues messages with qmail-queue under the tracer.
type sender struct {
	program string
	home    string
	split   bool
	layout  queue.Layout
}

func newSender(t *testing.T, split bool) *sender {
	home := inMemory(t)
	return &sender{program: Build(t, "qmail-queue", home), home: home, split: split}
}

// run queues a message in a fresh queue. before says what becomes of each
// call.
func (s *sender) run(t *testing.T, before func(*Op) Action) (syscall.WaitStatus, *Disk) {
	t.Helper()
	s.layout = LayQueue(t, s.home, s.split)
	return s.again(t, before)
}

// again queues a message in the queue there is.
func (s *sender) again(t *testing.T, before func(*Op) Action) (syscall.WaitStatus, *Disk) {
	t.Helper()
	mess, env := input(t, body), input(t, envelope+"\x00")
	defer mess.Close()
	defer env.Close()
	return Run(t, s.home+"/queue", Cmd{Path: s.program, Args: []string{"qmail-queue"}, Files: []*os.File{mess, env, os.Stderr}}, before)
}

// input is a pipe that holds s and then ends.
func input(t *testing.T, s string) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString(s); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return r
}

func proceed(*Op) Action { return Action{} }

// failAt has call n fail.
func failAt(n int, errno syscall.Errno) func(*Op) Action {
	return func(op *Op) Action {
		if op.N == n {
			return Action{Fail: errno}
		}
		return Action{}
	}
}

// errorsOf lists errors that a call may have.
func errorsOf(op *Op) []syscall.Errno {
	switch op.Call {
	case "exit":
		return nil
	case "open":
		return []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EMFILE}
	case "write", "fsync", "link", "rename":
		return []syscall.Errno{syscall.ENOSPC, syscall.EIO}
	}
	return []syscall.Errno{syscall.EIO}
}

// calls returns what qmail-queue does when nothing goes wrong.
func (s *sender) calls(t *testing.T) []Op {
	t.Helper()
	var ops []Op
	status, _ := s.run(t, func(op *Op) Action {
		ops = append(ops, *op)
		return Action{}
	})
	if status.ExitStatus() != 0 {
		t.Fatalf("exit %d", status.ExitStatus())
	}
	return ops
}

// whole tells whether a message is in the queue for good: mess and todo are
// there with all their contents.
func whole(v View, m Message) error {
	mess, todo := v[m["mess"]].Data, v[m["todo"]].Data
	if !strings.HasPrefix(mess, "Received: (qmail ") || !strings.HasSuffix(mess, "\n"+body) {
		return fmt.Errorf("mess is %q", mess)
	}
	if !strings.HasPrefix(todo, "u") || !strings.HasSuffix(todo, "\x00"+envelope) {
		return fmt.Errorf("todo is %q", todo)
	}
	return nil
}

// sound returns an error if a message that qmail-send would see is not whole.
func sound(v View) error {
	for _, m := range Messages(v) {
		if m["todo"] != "" {
			if err := whole(v, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// queued returns an error unless exactly one message is queued, and is whole.
func queued(v View) error {
	n := 0
	for _, m := range Messages(v) {
		if m["todo"] != "" {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("%d messages are queued", n)
	}
	return sound(v)
}

func eachLayout(t *testing.T, test func(t *testing.T, split bool)) {
	for _, split := range []bool{false, true} {
		t.Run(map[bool]string{false: "flat", true: "split"}[split], func(t *testing.T) { test(t, split) })
	}
}

// Killed before any of its calls, qmail-queue leaves a legal queue, in which
// what qmail-send sees is whole, and in which the next message can be queued.
func TestQueueKilled(t *testing.T) {
	eachLayout(t, func(t *testing.T, split bool) {
		s := newSender(t, split)
		for _, at := range s.calls(t) {
			status, _ := s.run(t, func(op *Op) Action { return Action{Kill: op.N == at.N} })
			if !status.Signaled() {
				t.Errorf("not killed at %v: %v", &at, status)
			}
			v, err := Scan(s.home + "/queue")
			if err != nil {
				t.Fatal(err)
			}
			if err := Legal(v, s.layout); err != nil {
				t.Errorf("killed at %v: %v", &at, err)
			}
			if err := sound(v); err != nil {
				t.Errorf("killed at %v: %v", &at, err)
			}
			if status, _ := s.again(t, proceed); status.ExitStatus() != 0 {
				t.Errorf("killed at %v: the next message gets exit %d", &at, status.ExitStatus())
			}
		}
	})
}

// A power cut before any of its calls leaves a queue like that, whatever the
// file system keeps; and after exit 0 it leaves the message.
func TestQueuePowerCut(t *testing.T) {
	s := newSender(t, false)
	for _, at := range s.calls(t) {
		_, disk := s.run(t, func(op *Op) Action { return Action{Kill: op.N == at.N} })
		check := func(cut Cut) {
			if err := sound(cut.View); err != nil {
				t.Errorf("%v, %s: %v", &at, cut.Story, err)
			}
			if at.Call == "exit" {
				if err := queued(cut.View); err != nil {
					t.Errorf("after exit 0, %s: %v", cut.Story, err)
				}
			}
		}
		for _, cut := range disk.Cuts() {
			check(cut)
			if err := Legal(cut.View, s.layout); err != nil {
				t.Errorf("%v, %s: %v", &at, cut.Story, err)
			}
		}
		for _, cut := range disk.WildCuts() {
			check(cut)
		}
		if err := disk.Restore(disk.Cuts()[0]); err != nil {
			t.Fatal(err)
		}
		if status, _ := s.again(t, proceed); status.ExitStatus() != 0 {
			t.Errorf("%v: the next message gets exit %d", &at, status.ExitStatus())
		}
	}
}

// Any call on the queue may fail. Then qmail-queue either does without it, and
// the message is durably queued, or has an exit code for it, and then the
// message is not queued, but for the one case in which the link is made and
// only its sync fails.
func TestQueueErrors(t *testing.T) {
	s := newSender(t, true)
	for _, at := range s.calls(t) {
		for _, errno := range errorsOf(&at) {
			status, disk := s.run(t, failAt(at.N, errno))
			checkError(t, s, &at, errno, status, disk)
		}
	}
}

func checkError(t *testing.T, s *sender, at *Op, errno syscall.Errno, status syscall.WaitStatus, disk *Disk) {
	t.Helper()
	v, err := Scan(s.home + "/queue")
	if err != nil {
		t.Fatal(err)
	}
	if err := Legal(v, s.layout); err != nil {
		t.Errorf("%v, %v: %v", at, errno, err)
	}
	code := status.ExitStatus()
	if code == 0 {
		for _, cut := range append(disk.Cuts(), disk.WildCuts()...) {
			if err := queued(cut.View); err != nil {
				t.Errorf("%v, %v: exit 0, and with %s %v", at, errno, cut.Story, err)
			}
		}
		return
	}
	if code != 51 && code != 53 && code != 54 && (code < 61 || 66 < code) {
		t.Errorf("%v, %v: exit %d", at, errno, code)
	}
	if queued(v) == nil && (at.Call != "fsync" && at.Call != "open" || filepath.Base(at.Path) != "todo" && filepath.Base(filepath.Dir(at.Path)) != "todo") {
		t.Errorf("%v, %v: exit %d, but it is queued", at, errno, code)
	}
	if at.Call == "write" && len(v) != 1 { // the trigger
		t.Errorf("%v, %v: the queue is not empty", at, errno)
	}
}
