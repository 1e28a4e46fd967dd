package main

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/queue"
)

// trusting starts a qmail-send whose qmail-clean has removed one message, number
// 1, so that the next may linger. Removing is told of each
// request to qmail-clean, and has it refused by true.
func trusting(t *testing.T, removing func(l *lab, request string) (refused bool)) *lab {
	l := newLab(t)
	l.removing = func(request string) bool { return removing(l, request) }
	l.arrive(1, "joe@a.example", "john@me.example")
	l.start()
	l.asked("todo/1")
	l.local.asks(l, 0, 1, "joe@a.example", "john@me.example")
	l.local.report("\x00Kok\x00")
	l.asked("foop/1")
	return l
}

// terminate sends TERM, waits for the end and returns what is left of the log.
func (l *lab) terminate() []string {
	lines := l.rest()
	syscall.Kill(os.Getpid(), syscall.SIGTERM)
	<-l.ended
	return <-lines
}

// until reads the log up to a line.
func (l *lab) until(want string) {
	l.Helper()
	for line := ""; line != want+"\n"; {
		var err error
		line, err = l.log.ReadString('\n')
		l.must(err)
	}
}

// next has message 2 arrive.
func (l *lab) next(recipients ...string) {
	l.arrive(2, "joe@a.example", recipients...)
	queue.Pull()
}

// TestLingering: what is delivered at once leaves todo after that, and has no info
// by then.
func TestLingering(t *testing.T) {
	defer func(d time.Duration) { lingerTime = d }(lingerTime)
	lingerTime = time.Hour
	infoGone := make(chan bool, 1)
	l := trusting(t, func(l *lab, request string) bool {
		if request == "todo/2" {
			infoGone <- l.read(l.layout.Info(2)) == "-"
		}
		return false
	})
	l.next("john@me.example")
	l.local.asks(l, 0, 2, "joe@a.example", "john@me.example")
	// Once another is asked for, that one is known to be the last of its message.
	l.arrive(3, "joe@a.example", "john@me.example")
	queue.Pull()
	l.local.asks(l, 1, 3, "joe@a.example", "john@me.example")
	if got := l.read(l.layout.Info(3)) + l.read(l.layout.Local(3)); got != "--" {
		t.Errorf("info and local of a message that lingers: %q", got)
	}
	l.local.report("\x00Kok\x00")
	l.asked("todo/2")
	l.asked("foop/2")
	if !<-infoGone {
		t.Error("todo was removed, and then info")
	}
	l.local.report("\x01Kok\x00")
	l.asked("todo/3")
	l.asked("foop/3")
	if log := l.terminate(); !slices.Contains(log, "end msg 2") {
		t.Errorf("log: %q", log)
	}
}

// TestLingersNoMore: what takes longer is in S5 by then.
func TestLingersNoMore(t *testing.T) {
	l := trusting(t, func(*lab, string) bool { return false })
	l.next("john@me.example", "sue@b.example")
	l.local.asks(l, 0, 2, "joe@a.example", "john@me.example")
	l.remote.asks(l, 0, 2, "joe@a.example", "sue@b.example")
	l.local.report("\x00Kok\x00")
	l.asked("todo/2")
	if got := l.read(l.layout.Info(2)) + l.read(l.layout.Remote(2)); got != "Fjoe@a.example\x00Tsue@b.example\x00" {
		t.Errorf("info and remote: %q", got)
	}
	l.remote.report("\x00Kok\x00")
	l.asked("foop/2")
	l.terminate()
}

// TestNoRoom: where info and local cannot be made, what is delivered is delivered
// once, and the message ends when they can.
func TestNoRoom(t *testing.T) {
	l := trusting(t, func(*lab, string) bool { return false })
	info := l.layout.Info(2).Dir().Path()
	l.must(os.Rename(info, info+".away"))
	l.next("john@me.example", "jane@me.example")
	l.local.asks(l, 0, 2, "joe@a.example", "john@me.example")
	l.local.asks(l, 1, 2, "joe@a.example", "jane@me.example")
	l.local.report("\x00Kok\x00")
	l.until("warning: unable to create " + string(l.layout.Info(2)))
	l.until("delivery 2: success: ok")
	l.local.report("\x01Zlater\x00")
	l.until("delivery 3: deferral: later")
	syscall.Kill(os.Getpid(), syscall.SIGALRM)
	l.local.asks(l, 0, 2, "joe@a.example", "jane@me.example")
	l.must(os.Rename(info+".away", info))
	l.local.report("\x00Kok\x00")
	l.asked("todo/2")
	l.asked("foop/2")
	l.terminate()
}

// TestFailsWhileLingering: the text of a bounce is written once the message is in
// S5.
func TestFailsWhileLingering(t *testing.T) {
	bounce := make(chan string, 1)
	l := trusting(t, func(l *lab, request string) bool {
		if request == "todo/2" {
			bounce <- l.read(l.layout.Bounce(2))
		}
		return false
	})
	l.next("john@me.example")
	l.local.asks(l, 0, 2, "joe@a.example", "john@me.example")
	l.local.report("\x00Dno\x00")
	l.asked("todo/2")
	l.asked("foop/2")
	if got := <-bounce; got != "-" {
		t.Errorf("bounce when todo was removed: %q", got)
	}
	if got, _ := os.ReadFile(auto.Home + "/envelope"); string(got) != "F\x00Tjoe@a.example\x00\x00" {
		t.Errorf("envelope of the bounce: %q", got)
	}
	l.terminate()
}

// TestBounceLeft: a message has a bounce from before a crash that undid the removal
// of its todo. Though all is delivered now, the sender hears of it.
func TestBounceLeft(t *testing.T) {
	l := trusting(t, func(*lab, string) bool { return false })
	l.write(l.layout.Bounce(2), "<jane@me.example>:\nno\n\n")
	l.next("john@me.example")
	l.local.asks(l, 0, 2, "joe@a.example", "john@me.example")
	l.local.report("\x00Kok\x00")
	l.asked("todo/2")
	l.asked("foop/2")
	if got, _ := os.ReadFile(auto.Home + "/envelope"); string(got) != "F\x00Tjoe@a.example\x00\x00" {
		t.Errorf("envelope of the bounce: %q", got)
	}
	if got := l.read(l.layout.Bounce(2)); got != "-" {
		t.Errorf("bounce: %q", got)
	}
	l.terminate()
}

// TestNobodys: what has neither sender nor recipients is no message that qmail-queue
// made, and is kept.
func TestNobodys(t *testing.T) {
	l := trusting(t, func(*lab, string) bool { return false })
	l.write(l.layout.Mess(2), "Received: x\n\nhello\n")
	l.write(l.layout.Todo(2), "u1000\x00p77\x00")
	queue.Pull()
	l.asked("todo/2")
	log := l.terminate()
	if got := l.read(l.layout.Mess(2)) + l.read(l.layout.Info(2)); got != "Received: x\n\nhello\n" || slices.Contains(log, "end msg 2") {
		t.Errorf("mess and info: %q, log: %q", got, log)
	}
}

// TestTodoStays: where qmail-clean cannot remove todo, deliveries that have begun
// go on, and others wait for it.
func TestTodoStays(t *testing.T) {
	l := trusting(t, func(l *lab, request string) bool { return request == "todo/2" || request == "todo/3" })
	l.next("john@me.example")
	l.local.asks(l, 0, 2, "joe@a.example", "john@me.example")
	l.until("warning: qmail-clean unable to clean up todo/2")
	l.asked("todo/2")
	l.arrive(3, "joe@a.example", "john@me.example")
	queue.Pull()
	l.asked("todo/3")
	l.local.report("\x00Kok\x00")
	log := l.terminate()
	if !slices.Contains(log, "delivery 2: success: ok") {
		t.Errorf("log: %q", log)
	}
	for _, line := range log {
		if strings.HasPrefix(line, "starting delivery ") {
			t.Error(line)
		}
	}
}
