//go:build linux && amd64

package crash

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/queue"
)

// cleaner has qmail-clean work on two messages: one that is preprocessed, and
// one that is delivered.
type cleaner struct {
	program   string
	home      string
	split     bool
	layout    queue.Layout
	new, done queue.Num
}

func newCleaner(t *testing.T, split bool) *cleaner {
	home := inMemory(t)
	return &cleaner{program: Build(t, "qmail-clean", home), home: home, split: split}
}

// run makes a fresh queue and has both requests served, and returns what
// qmail-clean answered.
func (c *cleaner) run(t *testing.T, before func(*Op) Action) (string, syscall.WaitStatus, *Disk) {
	t.Helper()
	c.layout = LayQueue(t, c.home, c.split)
	c.new = LayMessage(t, c.layout, "S4-all-written")
	c.done = LayMessage(t, c.layout, "S3-partial")
	return c.again(t, before)
}

// again has the requests served in the queue there is.
func (c *cleaner) again(t *testing.T, before func(*Op) Action) (string, syscall.WaitStatus, *Disk) {
	t.Helper()
	requests := input(t, string(c.layout.Todo(c.new))+"\x00"+string(c.layout.Foop(c.done))+"\x00")
	defer requests.Close()
	answers, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer answers.Close()
	status, disk := Run(t, c.home+"/queue", Cmd{Path: c.program, Args: []string{"qmail-clean"}, Files: []*os.File{requests, out, os.Stderr}}, before)
	out.Close()
	got, err := io.ReadAll(answers)
	if err != nil {
		t.Fatal(err)
	}
	return string(got), status, disk
}

func (c *cleaner) calls(t *testing.T) []Op {
	t.Helper()
	var ops []Op
	answers, status, _ := c.run(t, func(op *Op) Action {
		ops = append(ops, *op)
		return Action{}
	})
	if answers != "++" || status.ExitStatus() != 0 {
		t.Fatalf("answers %q, exit %d", answers, status.ExitStatus())
	}
	return ops
}

// check reports whether the preprocessed message is still there, in todo or
// in info, and what was answered is true.
func (c *cleaner) check(t *testing.T, story string, v View, answers string) {
	t.Helper()
	all := Messages(v)
	kept, gone := all[c.new], all[c.done]
	if kept["mess"] == "" || kept["todo"] == "" && (v[kept["info"]].Data == "" || kept["local"] == "" || kept["remote"] == "") {
		t.Errorf("%s: the message is lost, only %s is left", story, kept)
	}
	if len(answers) > 0 && answers[0] == '+' && kept.State() != "S5" {
		t.Errorf("%s: preprocessed, but the message is in state %s", story, kept.State())
	}
	if len(answers) > 1 && answers[1] == '+' && gone.State() != "S1" {
		t.Errorf("%s: delivered, but the message is in state %s", story, gone.State())
	}
}

// restart checks that a qmail-clean started afterwards finishes the work.
func (c *cleaner) restart(t *testing.T, story string) {
	t.Helper()
	answers, status, _ := c.again(t, proceed)
	v, err := Scan(c.home + "/queue")
	if err != nil {
		t.Fatal(err)
	}
	if answers != "++" || status.ExitStatus() != 0 {
		t.Errorf("%s: then answers %q, exit %d", story, answers, status.ExitStatus())
	}
	c.check(t, story+": then", v, answers)
}

func TestCleanKilled(t *testing.T) {
	eachLayout(t, func(t *testing.T, split bool) {
		c := newCleaner(t, split)
		for _, at := range c.calls(t) {
			answers, _, _ := c.run(t, func(op *Op) Action { return Action{Kill: op.N == at.N} })
			v, err := Scan(c.home + "/queue")
			if err != nil {
				t.Fatal(err)
			}
			if err := Legal(v, c.layout); err != nil {
				t.Errorf("killed at %v: %v", &at, err)
			}
			c.check(t, at.String(), v, answers)
			c.restart(t, at.String())
		}
	})
}

// A power cut may bring back what was removed, but nothing else.
func TestCleanPowerCut(t *testing.T) {
	c := newCleaner(t, false)
	for _, at := range c.calls(t) {
		_, _, disk := c.run(t, func(op *Op) Action { return Action{Kill: op.N == at.N} })
		for _, cut := range disk.Cuts() {
			if err := Legal(cut.View, c.layout); err != nil {
				t.Errorf("%v, %s: %v", &at, cut.Story, err)
			}
			c.check(t, at.String()+", "+cut.Story, cut.View, "")
		}
		for _, cut := range disk.WildCuts() {
			c.check(t, at.String()+", "+cut.Story, cut.View, "")
		}
		if err := disk.Restore(disk.Cuts()[0]); err != nil {
			t.Fatal(err)
		}
		c.restart(t, at.String())
	}
}

// A call that fails makes an answer ! or the end, and the work can be done later.
func TestCleanErrors(t *testing.T) {
	c := newCleaner(t, true)
	for _, at := range c.calls(t) {
		for _, errno := range errorsOf(&at) {
			answers, status, _ := c.run(t, failAt(at.N, errno))
			v, err := Scan(c.home + "/queue")
			if err != nil {
				t.Fatal(err)
			}
			if err := Legal(v, c.layout); err != nil {
				t.Errorf("%v, %v: %v", &at, errno, err)
			}
			code := status.ExitStatus()
			if code != 0 && code != 100 && code != 111 || at.Call == "unlink" && strings.Count(answers, "!") != 1 {
				t.Errorf("%v, %v: answers %q, exit %d", &at, errno, answers, code)
			}
			c.check(t, at.String(), v, answers)
			c.restart(t, at.String())
		}
	}
}
