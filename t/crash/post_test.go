//go:build linux && amd64

package crash

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/queue"
	"goqmail/t/lab"
)

// post is a home in which qmail-send and qmail-clean work under the tracer, and
// qmail-queue for bounces, and in which the test delivers.
type post struct {
	send, clean string
	home        string
	split       bool
	layout      queue.Layout
	mail        []*mail

	mu      sync.Mutex
	arrived map[string][]string // texts of messages by recipient
	failed  map[string]bool     // recipients whose failure was reported
	again   bool                // what was deferred succeeds now
	said    string              // the log of the last qmail-send

	// For how long a qmail-send says nothing that has nothing more to do, or has
	// to wait for longer than the test.
	idle time.Duration
}

// mail is a message that was acknowledged.
type mail struct {
	num        queue.Num
	text       string
	sender     string
	recipients []string
}

func newPost(t *testing.T, split bool) *post {
	home := inMemory(t)
	p := &post{send: Build(t, "qmail-send", home), clean: Build(t, "qmail-clean", home), home: home, split: split}
	for _, dir := range []string{"control", "bin"} {
		if err := os.Mkdir(home+"/"+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(home+"/control/me", []byte("here\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(Build(t, "qmail-queue", home), home+"/bin/qmail-queue"); err != nil {
		t.Fatal(err)
	}
	return p
}

// lay makes a queue with two new messages and one that an earlier qmail-send
// has begun to deliver. The first letter of a recipient tells what happens to
// its delivery: success (k), a failure (d), or a deferral and later success (z).
// Of the bounces one is delivered while it is in todo, and one is not.
func (p *post) lay(t *testing.T) {
	t.Helper()
	p.layout = LayQueue(t, p.home, p.split)
	if err := os.WriteFile(queue.SendMutex.Path(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.mail, p.arrived, p.failed, p.again = nil, map[string][]string{}, map[string]bool{}, false
	p.add(t, "ka@here", "k1@here", "z2@here", "k3@far").queued(t, p.layout)
	p.add(t, "zb@here", "d4@far").queued(t, p.layout)
	m := p.add(t, "kc@here", "k5@here", "k6@far", "d7@here")
	write(t, p.layout.Info(m.num), "Fkc@here\x00")
	write(t, p.layout.Local(m.num), "Dk0@here\x00Tk5@here\x00")
	write(t, p.layout.Remote(m.num), "Tk6@far\x00")
	write(t, p.layout.Bounce(m.num), failure("d7@here"))
	p.failed["d7@here"] = true
}

// failure is what a bounce says on a recipient.
func failure(to string) string { return "<" + to + ">:\nno\n\n" }

func write(t *testing.T, name queue.Name, data string) {
	t.Helper()
	if err := os.WriteFile(name.Path(), []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// add puts a message into mess.
func (p *post) add(t *testing.T, sender string, recipients ...string) *mail {
	t.Helper()
	m := &mail{text: "Received: for " + recipients[0] + "\n" + body, sender: sender, recipients: recipients}
	write(t, "pid/new", m.text)
	var st syscall.Stat_t
	if err := syscall.Stat(queue.Name("pid/new").Path(), &st); err != nil {
		t.Fatal(err)
	}
	m.num = queue.Num(st.Ino)
	if err := os.Rename(queue.Name("pid/new").Path(), p.layout.Mess(m.num).Path()); err != nil {
		t.Fatal(err)
	}
	p.mail = append(p.mail, m)
	return m
}

// queued puts the message's envelope into todo.
func (m *mail) queued(t *testing.T, layout queue.Layout) {
	t.Helper()
	envelope := "u1\x00p1\x00F" + m.sender + "\x00"
	for _, to := range m.recipients {
		envelope += "T" + to + "\x00"
	}
	write(t, layout.Intd(m.num), envelope)
	if err := os.Link(layout.Intd(m.num).Path(), layout.Todo(m.num).Path()); err != nil {
		t.Fatal(err)
	}
}

// delivered tells whether a recipient has the message.
func (p *post) delivered(m *mail, to string) bool {
	return p.has(to, func(text string) bool { return text == m.text })
}

// bounced tells whether the sender was told of a failure.
func (p *post) bounced(m *mail, to string) bool {
	return p.has(m.sender, func(text string) bool {
		return strings.Contains(text, failure(to)) && strings.HasSuffix(text, "\n"+m.text)
	})
}

func (p *post) has(to string, is func(text string) bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range p.arrived[to] {
		if is(text) {
			return true
		}
	}
	return false
}

// plumbing is the pipes between the programs and the test.
type plumbing struct {
	t           *testing.T
	send, clean []*os.File // descriptors of the programs
	ours        []*os.File
	log         *os.File
	work        sync.WaitGroup // for the test's ends
}

func (l *plumbing) pipe() (r, w *os.File) {
	l.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		l.t.Fatal(err)
	}
	return r, w
}

// plumb lays the pipes and has deliveries made by the test.
func (p *post) plumb(t *testing.T) *plumbing {
	t.Helper()
	l := &plumbing{t: t, send: make([]*os.File, 7)}
	l.log, l.send[0] = l.pipe()
	for fd := 1; fd <= 3; fd += 2 {
		requests, w := l.pipe()
		r, reports := l.pipe()
		l.send[fd], l.send[fd+1] = w, r
		l.ours = append(l.ours, requests, reports)
		l.work.Go(func() { p.spawn(bufio.NewReader(requests), reports) })
	}
	asked, w := l.pipe()
	r, answers := l.pipe()
	l.send[5], l.send[6] = w, r
	l.clean = []*os.File{asked, answers, answers}
	l.ours = append(l.ours, l.log)
	return l
}

// started closes the ends that the programs have, so that the end of one is
// seen by the others.
func (l *plumbing) started() {
	for _, f := range append(l.send, l.clean...) {
		f.Close()
	}
}

// close waits until the test has seen the end of the programs.
func (l *plumbing) close() {
	l.started()
	l.work.Wait()
	for _, f := range l.ours {
		f.Close()
	}
}

// spawn plays qmail-lspawn or qmail-rspawn.
func (p *post) spawn(requests *bufio.Reader, reports io.Writer) {
	reports.Write([]byte{120})
	for {
		number, err := requests.ReadByte()
		if err != nil {
			return
		}
		var part [3]string
		for i := range part {
			s, err := requests.ReadString(0)
			if err != nil {
				return
			}
			part[i] = strings.TrimSuffix(s, "\x00")
		}
		report := p.deliver(part[0], part[2])
		reports.Write(append([]byte{number}, report+"\x00"...))
	}
}

// deliver makes a delivery and returns the report.
func (p *post) deliver(mess, to string) string {
	text, err := os.ReadFile(p.home + "/queue/mess/" + mess)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		return "Zno message\n"
	case to[0] == 'd':
		p.failed[to] = true
		return "Dno\n"
	case to[0] == 'z' && !p.again:
		return "Znot now\n"
	}
	p.arrived[to] = append(p.arrived[to], string(text))
	return "Kyes\n"
}

// run lays the queue and runs qmail-send until it has done what it can do, with
// qmail-clean. before says what becomes of the calls.
func (p *post) run(t *testing.T, before func(*Op) Action) (syscall.WaitStatus, *Disk) {
	t.Helper()
	p.lay(t)
	l := p.plumb(t)
	defer l.close()
	var ended sync.WaitGroup
	started := func(pid int) {
		l.started()
		ended.Go(func() { p.watch(l.log, pid) })
	}
	status, disk := RunAll(t, p.home+"/queue", before, started,
		Cmd{Path: p.send, Args: []string{"qmail-send"}, Files: l.send},
		Cmd{Path: p.clean, Args: []string{"qmail-clean"}, Files: l.clean})
	ended.Wait()
	return status, disk
}

// watch reads the log, and sends TERM when two of the messages and one of their two
// bounces are out, or nothing happens any more.
func (p *post) watch(log io.Reader, pid int) {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for r := bufio.NewReader(log); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			lines <- line
		}
	}()
	p.said = ""
	last := time.NewTimer(lab.Patience)
	defer last.Stop()
	left := 3
	var quiet <-chan time.Time // only from the first line on: before it, TERM may find no handler
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return
			}
			p.said += line
			quiet = time.After(p.idle)
			if strings.HasPrefix(line, "end msg ") {
				left--
			}
			if left == 0 {
				syscall.Kill(pid, syscall.SIGTERM)
			}
		case <-quiet:
			syscall.Kill(pid, syscall.SIGTERM)
		case <-last.C:
			p.said += "(killed by the test)\n"
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// finish has a new qmail-send, undisturbed, do what the last one has left, and
// reports what is missing then.
func (p *post) finish(t *testing.T, story string) {
	t.Helper()
	p.again = true
	l := p.plumb(t)
	var programs []*exec.Cmd
	for _, c := range []struct {
		path  string
		files []*os.File
	}{{p.send, l.send}, {p.clean, l.clean}} {
		cmd := exec.Command(c.path)
		cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = c.files[0], c.files[1], c.files[2], c.files[3:]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		programs = append(programs, cmd)
	}
	l.started()
	var said strings.Builder
	log := bufio.NewReader(l.log)
	first, _ := log.ReadString('\n')
	l.work.Go(func() { io.Copy(&said, log) })
	send := programs[0].Process
	emptied := p.emptied(send)
	send.Signal(syscall.SIGTERM)
	for _, cmd := range programs {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: then %s: %v", story, filepath.Base(cmd.Path), err)
		}
	}
	l.close()
	if !emptied {
		t.Fatalf("%s: then the queue does not become empty, the log:\n%s", story, first+said.String())
	}
	p.complete(t, story)
}

// emptied waits until no message that was acknowledged is in the queue.
func (p *post) emptied(send *os.Process) bool {
	for i, end := 0, time.Now().Add(lab.Patience); time.Now().Before(end); i++ {
		if i%20 == 0 {
			send.Signal(syscall.SIGALRM)
		}
		left := 0
		for _, kind := range []string{"todo", "info"} {
			for _, dir := range p.layout.Dirs(kind) {
				queue.Walk(dir.Path(), func(queue.Num) bool {
					left++
					return true
				})
			}
		}
		if left == 0 {
			return true
		}
		time.Sleep(2 * time.Millisecond)
	}
	return false
}

// complete reports what a recipient or a sender has not got, and what is left
// in the queue that should not be.
func (p *post) complete(t *testing.T, story string) {
	t.Helper()
	for _, m := range p.mail {
		for _, to := range m.recipients {
			if to[0] == 'd' && !p.bounced(m, to) || to[0] != 'd' && !p.delivered(m, to) {
				t.Errorf("%s: %s of message %d is lost", story, to, m.num)
			}
		}
	}
	for to, texts := range p.arrived {
		for _, text := range texts {
			if !strings.HasSuffix(text, "\n"+body) {
				t.Errorf("%s: %s got %q", story, to, text)
			}
		}
	}
	for n, m := range Messages(p.scan(t)) {
		if s := m.State(); s != "S2" && s != "S3" {
			t.Errorf("%s: message %d is left: %s", story, n, m)
		}
	}
}

func (p *post) scan(t *testing.T) View {
	t.Helper()
	v, err := Scan(p.home + "/queue")
	if err != nil {
		t.Fatal(err)
	}
	return v
}
