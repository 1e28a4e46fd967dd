//go:build linux && amd64

package crash

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

const (
	old     = "From old Tue Mar 05 03:03:02 2024\n\nold\n\n" // what the mbox holds before
	headers = "Return-Path: <a@b>\nDelivered-To: c@d\n"
)

// message is long enough to be written in parts.
var message = body + strings.Repeat("a line\n", 10000)

// recipient is a user to whom qmail-local delivers under the tracer.
type recipient struct {
	program string
	home    string
}

func newRecipient(t *testing.T) *recipient {
	home := resolved(t)
	return &recipient{program: Build(t, "qmail-local", home), home: home}
}

// lay makes the home directory what it was: with a maildir that is empty, an
// mbox and the message.
func (r *recipient) lay(t *testing.T) {
	t.Helper()
	for _, name := range []string{"Maildir", "mbox", "fresh", "copy"} {
		if err := os.RemoveAll(r.home + "/" + name); err != nil {
			t.Fatal(err)
		}
	}
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(r.home+"/Maildir/"+sub, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range map[string]string{"mbox": old, "mess": message} {
		if err := os.WriteFile(r.home+"/"+name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// run delivers the message by an instruction in a home directory as laid out.
func (r *recipient) run(t *testing.T, instruction string, before func(*Op) Action) (syscall.WaitStatus, *Disk) {
	t.Helper()
	r.lay(t)
	return r.again(t, instruction, before)
}

// again delivers the message in the home directory there is.
func (r *recipient) again(t *testing.T, instruction string, before func(*Op) Action) (syscall.WaitStatus, *Disk) {
	t.Helper()
	disk, err := NewDisk(r.home, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	trace := Tracer{
		Root: r.home,
		Before: func(op *Op) Action {
			action := before(op)
			disk.Before(op, action)
			return action
		},
		After: disk.After,
	}
	mess, err := os.Open(r.home + "/mess")
	if err != nil {
		t.Fatal(err)
	}
	defer mess.Close()
	quiet, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	args := []string{"qmail-local", "c", r.home, "c", "", "", "d", "a@b", r.home + "/" + instruction}
	if strings.HasPrefix(instruction, "|") {
		args[8] = instruction
	}
	status, err := trace.Run(Cmd{Path: r.program, Args: args, Env: []string{"PATH=/bin:/usr/bin"}, Files: []*os.File{mess, quiet, quiet}})
	if err != nil {
		t.Skipf("tracing is not possible here: %v", err)
	}
	return status, disk
}

// calls returns what is done when nothing goes wrong.
func (r *recipient) calls(t *testing.T, instruction string) []Op {
	t.Helper()
	var ops []Op
	status, _ := r.run(t, instruction, func(op *Op) Action {
		ops = append(ops, *op)
		return Action{}
	})
	if status.ExitStatus() != 0 {
		t.Fatalf("exit %d", status.ExitStatus())
	}
	return ops
}

// A mailbox is a place to deliver to, and what may be found there.
type mailbox struct {
	instruction string
	// delivered returns how often the message is there, and an error if there
	// is something that a reader should not see.
	delivered func(View) (int, error)
	// A crash may leave a part of a message.
	torn bool
}

var mailboxes = []mailbox{
	{"Maildir/", inMaildir, false},
	{"mbox", func(v View) (int, error) { return inMbox(v["mbox"].Data, old) }, true},
	{"fresh", func(v View) (int, error) { return inMbox(v["fresh"].Data, "") }, true},
}

func inMaildir(v View) (n int, err error) {
	for name, f := range v {
		if !strings.HasPrefix(name, "Maildir/new/") {
			continue
		}
		n++
		if f.Data != headers+message {
			err = fmt.Errorf("%s has %d bytes of %d", name, len(f.Data), len(headers+message))
		}
	}
	return n, err
}

func inMbox(data, before string) (n int, err error) {
	rest, ok := strings.CutPrefix(data, before)
	for ok && rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if rest, ok = strings.CutPrefix(rest, headers+message+"\n"); ok && strings.HasPrefix(line, "From a@b ") {
			n++
		}
	}
	if !ok {
		err = fmt.Errorf("the mbox ends with %d odd bytes", len(rest))
	}
	return n, err
}

func eachMailbox(t *testing.T, test func(t *testing.T, r *recipient, m mailbox)) {
	r := newRecipient(t)
	for _, m := range mailboxes {
		t.Run(strings.Trim(m.instruction, "/"), func(t *testing.T) { test(t, r, m) })
	}
}

// Killed before any of its calls, or with the power cut there, qmail-local
// leaves a maildir in which each message is whole, and an mbox in which the old
// ones are. What it has reported as done is there for good, and the next
// delivery works.
func TestLocalKilled(t *testing.T) {
	eachMailbox(t, func(t *testing.T, r *recipient, m mailbox) {
		for _, at := range r.calls(t, m.instruction) {
			status, disk := r.run(t, m.instruction, func(op *Op) Action { return Action{Kill: op.N == at.N} })
			if !status.Signaled() {
				t.Errorf("not killed at %v: %v", &at, status)
			}
			now, err := Scan(r.home)
			if err != nil {
				t.Fatal(err)
			}
			cuts := append(disk.Cuts(), Cut{"all", now})
			for _, cut := range append(cuts, disk.WildCuts()...) {
				n, err := m.delivered(cut.View)
				if err != nil && !m.torn {
					t.Errorf("%v, with %s: %v", &at, cut.Story, err)
				}
				if !strings.HasPrefix(cut.View["mbox"].Data, old) {
					t.Errorf("%v, with %s: old messages are lost", &at, cut.Story)
				}
				if at.Call == "exit" && (n != 1 || err != nil) {
					t.Errorf("done, with %s: delivered %d times, %v", cut.Story, n, err)
				}
			}
			if status, _ := r.again(t, m.instruction, proceed); status.ExitStatus() != 0 {
				t.Errorf("killed at %v: the next delivery gets exit %d", &at, status.ExitStatus())
			}
		}
	})
}

// Any call may fail. Then qmail-local either does without it, and the message
// is there for good, or it puts the delivery off, and nothing of the message is
// to be seen.
func TestLocalErrors(t *testing.T) {
	eachMailbox(t, func(t *testing.T, r *recipient, m mailbox) {
		for _, at := range r.calls(t, m.instruction) {
			for _, errno := range errorsOf(&at) {
				status, disk := r.run(t, m.instruction, failAt(at.N, errno))
				now, err := Scan(r.home)
				if err != nil {
					t.Fatal(err)
				}
				switch code := status.ExitStatus(); code {
				case 0:
					for _, cut := range append(disk.Cuts(), disk.WildCuts()...) {
						if n, err := m.delivered(cut.View); n != 1 || err != nil {
							t.Errorf("%v, %v: exit 0, and with %s delivered %d times, %v", &at, errno, cut.Story, n, err)
						}
					}
				case 111:
					if n, err := m.delivered(now); n != 0 || err != nil {
						t.Errorf("%v, %v: exit 111, and delivered %d times, %v", &at, errno, n, err)
					}
					for name := range now {
						if strings.HasPrefix(name, "Maildir/tmp/") {
							t.Errorf("%v, %v: %s is left", &at, errno, name)
						}
					}
				default:
					t.Errorf("%v, %v: exit %d", &at, errno, code)
				}
			}
		}
	})
}

// A program that cannot read all of the message, or cannot write it, fails, and
// so does the delivery: success means a whole copy.
func TestLocalProgram(t *testing.T) {
	r := newRecipient(t)
	instruction := "|cat > copy"
	whole := func() bool {
		data, _ := os.ReadFile(r.home + "/copy") // may not be there
		return string(data) == message
	}
	calls := r.calls(t, instruction)
	if !whole() {
		t.Fatal("no copy")
	}
	for _, at := range calls {
		for _, errno := range errorsOf(&at) {
			status, _ := r.run(t, instruction, failAt(at.N, errno))
			if code := status.ExitStatus(); code != 111 && (code != 0 || !whole()) {
				t.Errorf("%v, %v: exit %d, whole copy: %v", &at, errno, code, whole())
			}
		}
		status, _ := r.run(t, instruction, func(op *Op) Action { return Action{Kill: op.N == at.N} })
		if !status.Signaled() && status.ExitStatus() == 0 && !whole() {
			t.Errorf("killed at %v: exit 0 without a whole copy", &at)
		}
	}
}
