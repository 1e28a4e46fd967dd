package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/queue"
)

// lab is a qmail-send at work in a home of the test's, whose other programs
// are played by the test.
type lab struct {
	testing.TB
	testdata      string
	layout        queue.Layout
	log           *bufio.Reader
	local, remote *spawner
	answers       *string     // of qmail-clean to each request; nil ends it
	requests      chan string // what qmail-clean was asked for and did
	removing      func(request string) (refused bool)
	ended         chan int // exit code
}

// spawner is the other end of a channel.
type spawner struct {
	requests *bufio.Reader
	reports  *os.File
}

// newLab makes a home with an empty queue. start comes next.
func newLab(t testing.TB) *lab {
	home := auto.Home
	here, _ := os.Getwd()
	t.Chdir(t.TempDir())
	t.Cleanup(func() { auto.Home = home })
	auto.Home, _ = os.Getwd()
	l := &lab{TB: t, testdata: here + "/testdata", requests: make(chan string, 1000), ended: make(chan int, 1)}
	yes := "+"
	l.answers = &yes
	l.layout = queue.Layout{Split: auto.Split()}
	for _, kind := range []string{"mess", "info", "local", "remote", "todo", "intd", "bounce", "pid"} {
		for _, dir := range l.layout.Dirs(kind) {
			l.must(os.MkdirAll("queue/"+string(dir), 0o700))
		}
	}
	for _, dir := range []string{"queue/lock", "control", "bin"} {
		l.must(os.MkdirAll(dir, 0o700))
	}
	l.write(queue.SendMutex, "")
	l.must(syscall.Mkfifo("queue/lock/trigger", 0o600))
	l.control("me", "me.example\n")
	// Stands in for qmail-queue: it keeps what it was given, and says yes.
	l.must(os.WriteFile("bin/qmail-queue", []byte("#!/bin/sh\ncat >mess.$$ && cat <&1 >envelope.$$ && mv mess.$$ mess && mv envelope.$$ envelope\n"), 0o700))
	return l
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lab) control(name, content string) {
	l.Helper()
	l.must(os.WriteFile(auto.Home+"/control/"+name, []byte(content), 0o600))
}

func (l *lab) write(name queue.Name, content string) {
	l.Helper()
	l.must(os.WriteFile(name.Path(), []byte(content), 0o600))
}

// read returns the content of a file, "-" if there is none.
func (l *lab) read(name queue.Name) string {
	b, err := os.ReadFile(name.Path())
	if err != nil {
		return "-"
	}
	return string(b)
}

// arrive puts a message into S4.
func (l *lab) arrive(n queue.Num, sender string, recipients ...string) {
	l.Helper()
	l.write(l.layout.Mess(n), "Received: x\n\nhello\n")
	envelope := queue.AppendRecord([]byte("u1000\x00p77\x00"), queue.Sender, sender)
	for _, r := range recipients {
		envelope = queue.AppendRecord(envelope, queue.ToDo, r)
	}
	l.write(l.layout.Intd(n), string(envelope))
	l.must(os.Link(l.layout.Intd(n).Path(), l.layout.Todo(n).Path()))
}

// start runs qmail-send, with daemons that can do two deliveries each.
func (l *lab) start() {
	l.Helper()
	pipe := func() (r, w *os.File) {
		r, w, err := os.Pipe()
		l.must(err)
		l.Cleanup(func() { r.Close(); w.Close() })
		return r, w
	}
	files := map[int]*os.File{}
	logs, log := pipe()
	l.log, files[0] = bufio.NewReader(logs), log
	spawn := func(to, from int) *spawner {
		requests, w := pipe()
		r, reports := pipe()
		files[to], files[from] = w, r
		reports.Write([]byte{2})
		return &spawner{bufio.NewReader(requests), reports}
	}
	l.local, l.remote = spawn(1, 2), spawn(3, 4)
	asked, w := pipe()
	r, answers := pipe()
	files[5], files[6] = w, r
	go l.clean(bufio.NewReader(asked), answers)

	umask := syscall.Umask(0o077)
	l.Cleanup(func() { syscall.Umask(umask) })
	go func() { l.ended <- run(call.New([]string{"qmail-send"}, nil, files)) }()
}

// clean plays qmail-clean.
func (l *lab) clean(asked *bufio.Reader, answers *os.File) {
	for {
		request, err := asked.ReadString(0)
		if err != nil {
			return
		}
		request = strings.TrimSuffix(request, "\x00")
		kind, number, _ := strings.Cut(request, "/")
		n, _ := queue.ParseNum(number)
		if l.removing != nil && l.removing(request) {
			l.requests <- request
			answers.WriteString("!")
			continue
		}
		os.Remove(l.layout.Intd(n).Path())
		if kind == "todo" {
			os.Remove(l.layout.Todo(n).Path())
		} else {
			os.Remove(l.layout.Mess(n).Path())
		}
		l.requests <- request
		if l.answers == nil {
			answers.Close()
			return
		}
		answers.WriteString(*l.answers)
	}
}

// logs waits for the next lines of the log, which must be these.
func (l *lab) logs(lines ...string) {
	l.Helper()
	for _, want := range lines {
		got, err := l.log.ReadString('\n')
		if err != nil || got != want+"\n" {
			l.Fatalf("log: got %q, %v, want %q", got, err, want)
		}
	}
}

// asked waits for the next request to qmail-clean, which must be this.
func (l *lab) asked(want string) {
	l.Helper()
	if got := <-l.requests; got != want {
		l.Fatalf("qmail-clean: got %q, want %q", got, want)
	}
}

// asks waits for the next delivery that a spawn is asked for.
func (s *spawner) asks(l *lab, number byte, n queue.Num, sender, recipient string) {
	l.Helper()
	want := fmt.Sprintf("%c%s\x00%s\x00%s\x00", number, l.layout.SplitName(n), sender, recipient)
	got := make([]byte, len(want))
	for i := range got {
		b, err := s.requests.ReadByte()
		l.must(err)
		got[i] = b
	}
	if string(got) != want {
		l.Fatalf("request: got %q, want %q", got, want)
	}
}

func (s *spawner) report(text string) { s.reports.WriteString(text) }

// rest reads the log to its end, beside what the test does.
func (l *lab) rest() <-chan []string {
	lines := make(chan []string, 1)
	go func() {
		var all []string
		for {
			line, err := l.log.ReadString('\n')
			if err != nil || line == "status: exiting\n" {
				lines <- all
				return
			}
			all = append(all, strings.TrimSuffix(line, "\n"))
		}
	}()
	return lines
}

// serve reports the same for every delivery.
func (s *spawner) serve(report string) {
	for {
		number, err := s.requests.ReadByte()
		for range 3 {
			s.requests.ReadBytes(0)
		}
		if err != nil {
			return
		}
		s.reports.Write(append([]byte{number}, report+"\x00"...))
	}
}

// stop sends TERM and waits for the end.
func (l *lab) stop() {
	l.Helper()
	syscall.Kill(os.Getpid(), syscall.SIGTERM)
	l.end()
}

// end waits for a proper end.
func (l *lab) end() {
	l.Helper()
	l.logs("status: exiting")
	if code := <-l.ended; code != 0 {
		l.Errorf("exit code %d", code)
	}
}

// eventually waits until something is so.
func (l *lab) eventually(what string, so func() bool) {
	l.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			l.Fatal("not in a minute: ", what)
		}
	}
}
