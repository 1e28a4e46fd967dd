package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/queue"
)

// TestLife: one message to a local, a virtual and a remote recipient goes from
// S4 to S1. The remote one fails.
func TestLife(t *testing.T) {
	l := newLab(t)
	l.control("virtualdomains", "v.example:virt\n")
	l.arrive(457, "joe@a.example", "john@me.example", "ann@v.example", "sue@b.example")
	l.start()
	l.logs(
		"status: local 0/2 remote 0/2",
		"new msg 457",
		"info msg 457: bytes 19 from <joe@a.example> qp 77 uid 1000",
		"starting delivery 1: msg 457 to local john@me.example",
		"status: local 1/2 remote 0/2",
		"starting delivery 2: msg 457 to remote sue@b.example",
		"status: local 1/2 remote 1/2",
		"starting delivery 3: msg 457 to local virt-ann@v.example",
		"status: local 2/2 remote 1/2",
	)
	l.asked("todo/457")
	l.local.asks(l, 0, 457, "joe@a.example", "john@me.example")
	l.local.asks(l, 1, 457, "joe@a.example", "virt-ann@v.example")
	l.remote.asks(l, 0, 457, "joe@a.example", "sue@b.example")
	if got := l.read(l.layout.Info(457)); got != "Fjoe@a.example\x00" {
		t.Errorf("info: %q", got)
	}

	l.local.report("\x01Kdid 1+0+0\n\x00")
	l.logs("delivery 3: success: did_1+0+0/", "status: local 1/2 remote 1/2")
	if got, want := l.read(l.layout.Local(457)), "Tjohn@me.example\x00Dvirt-ann@v.example\x00"; got != want {
		t.Errorf("local: got %q, want %q", got, want)
	}
	l.remote.report("\x00Dno such user\n\x00")
	l.logs("delivery 2: failure: no_such_user/", "status: local 1/2 remote 0/2")
	if got, want := l.read(l.layout.Bounce(457)), "<sue@b.example>:\nno such user\n\n"; got != want {
		t.Errorf("bounce: got %q, want %q", got, want)
	}
	if l.read(l.layout.Remote(457)) != "-" {
		t.Error("remote is still there")
	}
	l.local.report("\x00Kok\x00")
	l.logs("delivery 1: success: ok", "status: local 0/2 remote 0/2")
	if line, err := l.log.ReadString('\n'); !regexp.MustCompile(`^bounce msg 457 qp \d+\n$`).MatchString(line) {
		t.Fatalf("log: got %q, %v", line, err)
	}
	l.logs("end msg 457")
	l.asked("foop/457")
	l.stop()
	for _, dir := range []string{"mess", "info", "local", "remote", "todo", "intd", "bounce"} {
		for _, d := range l.layout.Dirs(dir) {
			if names, _ := os.ReadDir(d.Path()); len(names) > 0 {
				t.Errorf("%s is left in %s", names[0].Name(), d)
			}
		}
	}

	date := regexp.MustCompile(`(?m)^Date: .* -0000$`)
	mess, err := os.ReadFile(auto.Home + "/mess")
	l.must(err)
	golden, err := os.ReadFile(l.testdata + "/bounce")
	l.must(err)
	if got := date.ReplaceAllString(string(mess), "Date: -"); got != string(golden) {
		t.Errorf("bounce: got %q, want %q", got, golden)
	}
	if got, _ := os.ReadFile(auto.Home + "/envelope"); string(got) != "F\x00Tjoe@a.example\x00\x00" {
		t.Errorf("envelope of the bounce: %q", got)
	}
}

// TestDoubleBounce: what bounces without a sender goes to the postmaster, and
// from there nowhere.
func TestDoubleBounce(t *testing.T) {
	bounced := func(t *testing.T, sender string) *lab {
		l := newLab(t)
		l.control("doublebounceto", "boss\n")
		l.write(l.layout.Mess(1), "Received: x\n\nhello\n")
		l.write(l.layout.Info(1), "F"+sender+"\x00")
		l.write(l.layout.Bounce(1), "<x@y>:\nno\n\n")
		l.start()
		l.logs("status: local 0/2 remote 0/2")
		return l
	}
	t.Run("double", func(t *testing.T) {
		l := bounced(t, "")
		if line, _ := l.log.ReadString('\n'); !strings.HasPrefix(line, "bounce msg 1 qp ") {
			t.Fatalf("log: got %q", line)
		}
		l.logs("end msg 1")
		l.stop()
		if got, _ := os.ReadFile(auto.Home + "/envelope"); string(got) != "F#@[]\x00Tboss@me.example\x00\x00" {
			t.Errorf("envelope: %q", got)
		}
	})
	t.Run("triple", func(t *testing.T) {
		l := bounced(t, "#@[]")
		l.logs("triple bounce: discarding bounce/1", "end msg 1")
		l.stop()
	})
}

// TestDeferral: a deferred message is tried again at ALRM, and when to try it
// next is noted in the queue.
func TestDeferral(t *testing.T) {
	l := newLab(t)
	l.arrive(23, "", "john@me.example")
	l.start()
	try := func(delivery int, report, logged string) {
		l.logs(fmt.Sprintf("starting delivery %d: msg 23 to local john@me.example", delivery), "status: local 1/2 remote 0/2")
		l.local.asks(l, 0, 23, "", "john@me.example")
		l.local.report(report)
		l.logs(fmt.Sprintf("delivery %d: %s", delivery, logged), "status: local 0/2 remote 0/2")
	}
	l.logs("status: local 0/2 remote 0/2", "new msg 23", "info msg 23: bytes 19 from <> qp 77 uid 1000")
	try(1, "\x00Znot now\n\x00", "deferral: not_now/")
	syscall.Kill(os.Getpid(), syscall.SIGALRM)
	try(2, "\x00Xnonsense\x00", "report mangled, will defer")
	l.local.report("\x01Kwho?\x00")
	l.logs("warning: internal error: delivery report out of range")
	l.stop()
	birth, err := os.Stat(l.layout.Info(23).Path())
	l.must(err)
	next, err := os.Stat(l.layout.Local(23).Path())
	l.must(err)
	if wait := next.ModTime().Unix() - birth.ModTime().Unix(); wait < 100 || wait > 200 {
		t.Errorf("next try %d seconds after arrival, want 100 to 200", wait)
	}
}

// TestLastTry: a message that is too old bounces at the next deferral.
func TestLastTry(t *testing.T) {
	l := newLab(t)
	l.write(l.layout.Mess(5), "")
	l.write(l.layout.Info(5), "Fjoe@a\x00")
	l.write(l.layout.Remote(5), "Dold@b\x00Tsue@b\x00")
	old := time.Now().Add(-8 * 24 * time.Hour)
	l.must(os.Chtimes(l.layout.Info(5).Path(), old, old))
	l.start()
	l.logs("status: local 0/2 remote 0/2", "starting delivery 1: msg 5 to remote sue@b", "status: local 0/2 remote 1/2")
	l.remote.report("\x00Zlater\x00")
	l.logs("delivery 1: failure: laterI'm_not_going_to_try_again;_this_message_has_been_in_the_queue_too_long./")
	l.logs("status: local 0/2 remote 0/2")
	l.asked("foop/5")
	for range 2 {
		l.log.ReadString('\n')
	}
	l.stop()
}

// TestHeld: a recipient that is held waits, and its message stays, until it is
// let go and somebody asks.
func TestHeld(t *testing.T) {
	l := newLab(t)
	l.write(l.layout.Mess(5), "hello\n")
	l.write(l.layout.Info(5), "Fjoe@a\x00")
	l.write(l.layout.Remote(5), "Hsue@b\x00Ttom@b\x00")
	l.write(queue.Retry, "")
	l.start()
	l.logs("status: local 0/2 remote 0/2", "starting delivery 1: msg 5 to remote tom@b", "status: local 0/2 remote 1/2")
	l.remote.report("\x00Kok\x00")
	l.logs("delivery 1: success: ok", "status: local 0/2 remote 0/2")
	l.write(l.layout.Remote(5), "Tsue@b\x00Dtom@b\x00")
	l.must(queue.AskRetries(queue.Retry.Path(), []queue.Num{4, 5}))
	queue.Pull()
	l.logs("starting delivery 2: msg 5 to remote sue@b", "status: local 0/2 remote 1/2")
	if got := l.read(queue.Retry); got != "" {
		t.Errorf("still asked for: %q", got)
	}
	l.remote.report("\x00Kok\x00")
	l.logs("delivery 2: success: ok", "status: local 0/2 remote 0/2", "end msg 5")
	l.asked("foop/5")
	l.stop()
}

// TestFlood: many new messages at once are logged in the order of the
// directory, and each is delivered.
func TestFlood(t *testing.T) {
	const messages = 300
	l := newLab(t)
	for i := range messages {
		l.arrive(queue.Num(1000+i), "joe@a", "john@me.example", "sue@b")
	}
	var want []string
	l.must(queue.Walk(queue.Name("todo").Path(), func(n queue.Num) bool {
		want = append(want, "new msg "+n.String())
		return true
	}))
	l.start()
	log := l.rest()
	go l.local.serve("Kok")
	go l.remote.serve("Kok")
	l.eventually("all messages are gone", func() bool { return len(l.requests) == 2*messages })
	syscall.Kill(os.Getpid(), syscall.SIGTERM)
	var got []string
	ends := map[string]bool{}
	for _, line := range <-log {
		switch {
		case strings.HasPrefix(line, "new msg "):
			got = append(got, line)
		case strings.HasPrefix(line, "end msg "):
			ends[line] = true
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("order of messages: got %v, want %v", got, want)
	}
	if len(ends) != messages {
		t.Errorf("%d messages of %d ended", len(ends), messages)
	}
	if code := <-l.ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestTrigger: a message that arrives later is found at once, and only once.
func TestTrigger(t *testing.T) {
	l := newLab(t)
	l.start()
	l.logs("status: local 0/2 remote 0/2")
	for n := queue.Num(1); n <= 3; n++ {
		l.arrive(n, "", "sue@b")
		queue.Pull()
		l.logs(
			"new msg "+n.String(),
			"info msg "+n.String()+": bytes 19 from <> qp 77 uid 1000",
			fmt.Sprintf("starting delivery %d: msg %d to remote sue@b", n, n), "status: local 0/2 remote 1/2")
		l.remote.report("\x00Kok\x00")
		l.logs(fmt.Sprintf("delivery %d: success: ok", n), "status: local 0/2 remote 0/2", "end msg "+n.String())
		queue.Pull()
	}
	l.stop()
}

// TestReread: HUP changes what is local.
func TestReread(t *testing.T) {
	l := newLab(t)
	l.start()
	l.logs("status: local 0/2 remote 0/2")
	l.control("locals", "new.example\n")
	l.control("virtualdomains", "me.example:virt\n")
	syscall.Kill(os.Getpid(), syscall.SIGHUP)
	// The message may be preprocessed before the signal is seen: try again then.
	for n := queue.Num(1); ; n++ {
		l.arrive(n, "", "john@me.example")
		queue.Pull()
		for range 4 {
			l.log.ReadString('\n')
		}
		l.asked("todo/" + n.String())
		request, err := l.local.requests.ReadString('@')
		l.must(err)
		l.local.requests.ReadString(0)
		l.local.report("\x00Kok\x00")
		for range 3 {
			l.log.ReadString('\n')
		}
		l.asked("foop/" + n.String())
		if strings.HasSuffix(request, "\x00virt-john@") {
			break
		}
	}
	l.control("locals", "")
	l.must(os.Remove(auto.Home + "/control/locals"))
	l.must(os.Mkdir(auto.Home+"/control/locals", 0o700))
	syscall.Kill(os.Getpid(), syscall.SIGHUP)
	l.logs("alert: unable to reread control/locals")
	l.stop()
}

// TestDead: without one of the daemons there is nothing left to do.
func TestDead(t *testing.T) {
	t.Run("spawn", func(t *testing.T) {
		l := newLab(t)
		l.arrive(1, "", "john@me.example", "sue@b")
		l.start()
		for range 7 {
			l.log.ReadString('\n')
		}
		l.local.reports.Close()
		l.logs("alert: oh no! lost spawn connection! dying...")
		l.remote.report("\x00Kok\x00") // that one is still waited for
		l.logs("delivery 2: success: ok", "status: local 1/2 remote 0/2 exitasap")
		l.end()
		if got := l.read(l.layout.Local(1)); got != "Tjohn@me.example\x00" {
			t.Errorf("local: %q", got)
		}
	})
	t.Run("clean", func(t *testing.T) {
		l := newLab(t)
		l.write(l.layout.Mess(1), "")
		l.write(l.layout.Info(1), "F\x00")
		l.answers = nil
		l.start()
		l.logs("status: local 0/2 remote 0/2", "end msg 1", "alert: oh no! lost qmail-clean connection! dying...")
		l.end()
	})
}

// TestDebris: what a qmail-queue left behind long ago is removed, and nothing
// else.
func TestDebris(t *testing.T) {
	l := newLab(t)
	old := time.Now().Add(-37 * time.Hour)
	for n := queue.Num(1); n <= 5; n++ {
		l.write(l.layout.Mess(n), "")
		l.must(os.Chtimes(l.layout.Mess(n).Path(), old, time.Now()))
	}
	l.must(os.Chtimes(l.layout.Mess(2).Path(), time.Now(), old)) // read lately
	l.write(l.layout.Info(3), "Fx\x00")
	l.write(l.layout.Remote(3), "Tx@y\x00")
	future := time.Now().Add(time.Hour)
	l.must(os.Chtimes(l.layout.Remote(3).Path(), future, future))
	l.must(os.Mkdir(l.layout.Todo(4).Path(), 0o700)) // cannot be preprocessed
	l.start()
	l.logs("status: local 0/2 remote 0/2")
	var got []string
	l.eventually("two are removed", func() bool { return len(l.requests) == 2 })
	for range 2 {
		got = append(got, <-l.requests)
	}
	slices.Sort(got)
	if want := []string{"foop/1", "foop/5"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	log := l.rest()
	syscall.Kill(os.Getpid(), syscall.SIGTERM)
	<-log
	<-l.ended
}

// TestCannotStart: each reason is told, and none starts half a qmail-send.
func TestCannotStart(t *testing.T) {
	for _, c := range []struct {
		reason string
		spoil  func(l *lab) error
	}{
		{"unable to switch to home directory", func(l *lab) error { auto.Home += "/none"; return nil }},
		{"unable to read controls", func(l *lab) error { return os.Remove("control/me") }},
		{"unable to read controls", func(l *lab) error { return os.Mkdir("control/virtualdomains", 0o700) }},
		{"unable to switch to queue directory", func(l *lab) error { return os.Rename("queue", "gone") }},
		{"unable to open mutex", func(l *lab) error { return os.Remove("queue/lock/sendmutex") }},
		{"qmail-send is already running", func(l *lab) error {
			f, err := os.Open("queue/lock/sendmutex")
			l.Cleanup(func() { f.Close() })
			if err == nil {
				err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
			}
			return err
		}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			l := newLab(t)
			l.must(c.spoil(l))
			l.start()
			l.logs("alert: cannot start: " + c.reason)
			if code := <-l.ended; code != 111 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}
