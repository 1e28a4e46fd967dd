//go:build linux && amd64

package crash

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/queue"
)

// killed, cut and broken say what becomes of call n of those that qmail-send
// makes itself.
func killed(n int) func(*Op) Action {
	return ofSend(n, func(*Op) Action { return Action{Kill: true} })
}

func cut(n int) func(*Op) Action {
	return ofSend(n, func(*Op) Action { return Action{Halt: true} })
}

// broken has it fail, if it is on a file, with one of the errors that it may
// have.
func broken(n, which int) func(*Op) Action {
	return ofSend(n, func(op *Op) Action {
		errs := errorsOf(op)
		if op.Path == "pipe" || len(errs) == 0 {
			return Action{}
		}
		return Action{Fail: errs[which%len(errs)]}
	})
}

func ofSend(n int, become func(*Op) Action) func(*Op) Action {
	made := 0
	return func(op *Op) Action {
		if op.First {
			made++
			if made == n {
				return become(op)
			}
		}
		return Action{}
	}
}

// onlyChanges counts only calls that change files, and writes to pipes but the log:
// who is killed before another call leaves what he leaves before the next of
// these.
func onlyChanges(become func(*Op) Action) func(*Op) Action {
	return func(op *Op) Action {
		if !op.isChange() {
			return Action{}
		}
		return become(op)
	}
}

func (o *Op) isChange() bool {
	switch o.Call {
	case "open":
		return o.Flags&syscall.O_CREAT != 0
	case "write":
		return o.Path != "pipe" || o.Fd != 0
	case "stat", "access", "read", "getdents":
		return false
	}
	return true
}

// count returns how many calls qmail-send makes when nothing goes wrong, all
// and those that onlyChanges counts. Its threads do not do everything in the same
// order every time, so a call is known by no more than its number.
func (p *post) count(t *testing.T) (all, changing int) {
	t.Helper()
	p.idle = 5 * time.Second
	defer func() { p.idle = 100 * time.Millisecond }()
	status, _ := p.run(t, func(op *Op) Action {
		if op.First {
			all++
			if op.isChange() {
				changing++
			}
		}
		return Action{}
	})
	if status.ExitStatus() != 0 {
		t.Fatalf("exit %d, the log:\n%s", status.ExitStatus(), p.said)
	}
	p.finish(t, "undisturbed")
	return all, changing
}

// sample returns numbers from 1 to n, evenly spread, about as many as wanted; or
// all of them, which takes minutes, if CRASH_ALL is set.
func sample(t *testing.T, what string, n, wanted int) []int {
	if os.Getenv("CRASH_ALL") != "" {
		wanted = n
	}
	stride := max(1, (n+wanted-1)/wanted)
	var numbers []int
	for i := 1; i <= n; i += stride {
		numbers = append(numbers, i)
	}
	t.Logf("%d of %d %s, one in %d", len(numbers), n, what, stride)
	return numbers
}

// Killed before any of its calls, qmail-send leaves a legal queue, in which or
// out of which each recipient has the message, and the next one does the rest.
func TestDeliveryKilled(t *testing.T) {
	eachLayout(t, func(t *testing.T, split bool) {
		p := newPost(t, split)
		_, n := p.count(t)
		missed := 0
		wanted := 100
		if split { // where little differs
			wanted = 30
		}
		for _, i := range sample(t, "changes before which it is killed", n, wanted) {
			var at Op
			status, _ := p.run(t, onlyChanges(noting(&at, killed(i))))
			story := fmt.Sprintf("killed at %v", &at)
			if !status.Signaled() {
				missed++
			}
			v := p.scan(t)
			if err := Legal(v, p.layout); err != nil {
				t.Errorf("%s: %v", story, err)
			}
			p.check(t, story, v)
			p.finish(t, story)
		}
		t.Logf("%d times it had ended before", missed)
	})
}

// noting keeps the call to which something happens.
func noting(at *Op, become func(*Op) Action) func(*Op) Action {
	return func(op *Op) Action {
		action := become(op)
		if action != (Action{}) {
			*at = *op
		}
		return action
	}
}

// A power cut loses what was not synced, but no recipient. It may have
// qmail-send do work again.
func TestDeliveryPowerCut(t *testing.T) {
	p := newPost(t, false)
	_, n := p.count(t)
	for _, i := range sample(t, "changes before which the power is cut", n, 50) {
		var at Op
		_, disk := p.run(t, onlyChanges(noting(&at, cut(i))))
		cuts := disk.Cuts()
		for _, c := range cuts {
			story := fmt.Sprintf("%v, %s", &at, c.Story)
			if err := Legal(c.View, p.layout); err != nil {
				t.Errorf("%s: %v", story, err)
			}
			p.check(t, story, c.View)
		}
		for _, c := range disk.WildCuts() {
			p.check(t, fmt.Sprintf("%v, %s", &at, c.Story), c.View)
		}
		c := cuts[i%len(cuts)]
		if err := disk.Restore(c); err != nil {
			t.Fatal(err)
		}
		p.finish(t, fmt.Sprintf("%v, %s", &at, c.Story))
	}
}

// Any call may fail, and with it what it was for, but no recipient is lost: the
// same qmail-send does it later, or the next one.
func TestDeliveryErrors(t *testing.T) {
	p := newPost(t, true)
	n, changing := p.count(t)
	try := func(become func(*Op) Action) {
		var at Op
		var errno syscall.Errno
		status, _ := p.run(t, func(op *Op) Action {
			action := become(op)
			if action.Fail != 0 {
				at, errno = *op, action.Fail
			}
			return action
		})
		story := fmt.Sprintf("%v, %v", &at, errno)
		if code := status.ExitStatus(); code != 0 && (code != 111 || !strings.Contains(p.said, "alert: cannot start: ")) {
			t.Errorf("%s: exit %d, the log:\n%s", story, code, p.said)
		}
		v := p.scan(t)
		if err := Legal(v, p.layout); err != nil {
			t.Errorf("%s: %v", story, err)
		}
		p.check(t, story, v)
		p.finish(t, story)
	}
	for which, i := range sample(t, "changes that fail", changing, 50) {
		try(onlyChanges(broken(i, which)))
	}
	for which, i := range sample(t, "calls of any kind that fail", n, 50) {
		try(broken(i, which))
	}
}

// check reports recipients that neither had the message nor will have it when a
// qmail-send finds the queue like this.
func (p *post) check(t *testing.T, story string, v View) {
	t.Helper()
	all := Messages(v)
	for _, m := range p.mail {
		for _, to := range m.recipients {
			if p.delivered(m, to) || p.waits(v, all[m.num], m, to) || p.failed[to] && p.told(v, all, m, to) {
				continue
			}
			t.Errorf("%s: %s does not get message %d; left are %v, delivered %q", story, to, m.num, all, p.arrived)
		}
	}
}

// waits tells whether the message, whole, is in the queue for a recipient.
func (p *post) waits(v View, files Message, m *mail, to string) bool {
	if v[files["mess"]].Data != m.text {
		return false
	}
	record := "T" + to + "\x00"
	if files["todo"] != "" {
		return strings.Contains(v[files["todo"]].Data, record)
	}
	lists := v[files["local"]].Data + v[files["remote"]].Data
	return v[files["info"]].Data == "F"+m.sender+"\x00" && strings.Contains(lists, record)
}

// told tells whether the sender knows, or will, that a delivery failed: the
// text for the bounce is there with what names its receiver, or there is the
// bounce, in the queue or delivered.
func (p *post) told(v View, all map[queue.Num]Message, m *mail, to string) bool {
	about := failure(to)
	files := all[m.num]
	if files["info"] != "" && strings.Contains(v[files["bounce"]].Data, about) && v[files["mess"]].Data == m.text {
		return v[files["info"]].Data == "F"+m.sender+"\x00"
	}
	for _, files := range all {
		bounce := v[files["mess"]].Data
		lists := v[files["todo"]].Data + v[files["local"]].Data
		if strings.Contains(bounce, about) && strings.HasSuffix(bounce, m.text) && strings.Contains(lists, "T"+m.sender+"\x00") {
			return true
		}
	}
	return p.bounced(m, to)
}
