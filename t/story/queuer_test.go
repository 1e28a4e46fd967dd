//go:build linux

package story

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/t/site"
)

// awaitDoor waits for the qmail-queue that qmail-send keeps, and returns its process.
func (m *machine) awaitDoor() (pid int) {
	m.t.Helper()
	m.await("a qmail-queue for all", func() bool {
		_, err := m.try("susie", "", nil, "/bin/grep", "-q", "@goqmail", "/proc/net/unix")
		pids := m.Pids("qmail-queue")
		if err != nil || len(pids) != 1 {
			return false
		}
		pid = pids[0]
		return true
	})
	return pid
}

// queuing is a qmail-queue on its way.
type queuing struct {
	*exec.Cmd
	mess, envelope *os.File
}

// queue starts one as a user.
func (m *machine) queue(user string) *queuing {
	m.t.Helper()
	return m.queueBy(user, home+"/bin/qmail-queue")
}

// queueBy is queue by another command.
func (m *machine) queueBy(user, name string, args ...string) *queuing {
	m.t.Helper()
	q := &queuing{Cmd: users.As(user, exec.Command(name, args...))}
	m.in(func() error {
		messIn, mess, err := os.Pipe()
		if err != nil {
			return err
		}
		envelopeIn, envelope, err := os.Pipe()
		if err != nil {
			return err
		}
		q.Stdin, q.Stdout, q.mess, q.envelope = messIn, envelopeIn, mess, envelope
		defer messIn.Close()
		defer envelopeIn.Close()
		return q.Start()
	})
	return q
}

// give gives it a message for dirk, and all of its envelope but for the end.
func (q *queuing) give(subject string) {
	io.WriteString(q.mess, "Subject: "+subject+"\n\nbody\n")
	q.mess.Close()
	io.WriteString(q.envelope, "Fsusie@"+site.Me+"\x00Tdirk@"+site.Me+"\x00")
}

// end ends the envelope.
func (q *queuing) end() {
	q.envelope.Write([]byte{0})
	q.envelope.Close()
}

// code waits for the exit code, -1 after a signal.
func (q *queuing) code() int {
	q.Wait()
	return q.ProcessState.ExitCode()
}

// Each qmail-queue that is started while qmail-send runs hands its work to the one
// that this keeps, and nobody can tell from what comes of it.
func TestOneQueuerDoesTheWorkOfAll(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.hold()
	m.write("/home/dirk/.qmail", whileHeld+"./Maildir/\n", "dirk")
	m.start()
	door := m.awaitDoor()

	// While that is stopped, nothing goes on.
	syscall.Kill(door, syscall.SIGSTOP)
	m.await("it to stop", func() bool { return stopped(door) })
	q := m.queue("susie")
	q.give("stopped")
	q.end()
	m.await("it to wait for an answer", func() bool { return handed(q.Process.Pid) })
	numbers := strings.Fields(status(q.Process.Pid, "NSpid"))
	syscall.Kill(q.Process.Pid, syscall.SIGINT)
	syscall.Kill(q.Process.Pid, syscall.SIGHUP)
	if n := len(m.queued()); n != 0 {
		t.Errorf("%d messages are queued", n)
	}
	syscall.Kill(door, syscall.SIGCONT)
	if code := q.code(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	var st syscall.Stat_t
	all := m.queued()
	mess := all[slices.IndexFunc(all, func(name string) bool { return strings.HasPrefix(name, "mess/") })]
	m.in(func() error { return syscall.Stat(queue+"/"+mess, &st) })
	if int(st.Gid) != users.PrimaryGid("susie") || st.Mode != syscall.S_IFREG|0o644 {
		t.Errorf("the message has group %d and mode %o", st.Gid, st.Mode)
	}
	m.letGo()
	received := fmt.Sprintf("Received: (qmail %s invoked by uid %d); ", numbers[len(numbers)-1], users.Uid("susie"))
	m.awaitMail("dirk", received)
	m.awaitEmpty()

	// Who is gone gets nothing queued.
	for _, c := range []struct {
		name string
		sig  syscall.Signal
		code int
	}{{"killed", syscall.SIGKILL, -1}, {"timeout", syscall.SIGALRM, 52}} {
		q = m.queue("susie")
		q.give(c.name)
		m.await("it to wait for an answer", func() bool { return handed(q.Process.Pid) })
		m.await("its message", func() bool { return len(m.queued()) > 0 })
		syscall.Kill(q.Process.Pid, c.sig)
		if code := q.code(); code != c.code {
			t.Errorf("%s: exit code %d", c.name, code)
		}
		q.end()
		m.awaitEmpty()
	}

	// The limits of who started it hold.
	q = m.queueBy("susie", "/bin/sh", "-c", "ulimit -f 1; exec "+home+"/bin/qmail-queue")
	q.give(strings.Repeat("x", 5000))
	q.end()
	if code := q.code(); code != 53 {
		t.Errorf("too long for ulimit: exit code %d", code)
	}

	// Without qmail-send each does its own work, and those under way are done.
	q = m.queue("susie")
	q.give("under way")
	m.await("it to wait for an answer", func() bool { return handed(q.Process.Pid) })
	m.Signal(t, "qmail-send", syscall.SIGTERM)
	m.await("qmail-send to end", func() bool { return len(m.Pids("qmail-send")) == 0 })
	m.enqueue("alone", "susie@"+site.Me, "dirk@"+site.Me)
	q.end()
	if code := q.code(); code != 0 {
		t.Errorf("under way: exit code %d", code)
	}
	m.awaitGone()
	m.start()
	m.awaitMail("dirk", "Subject: alone\n")
	m.awaitMail("dirk", "Subject: under way\n")
	m.awaitEmpty()

	// Where it dies in the middle, that is a temporary failure; but not of those that
	// it does not know of.
	door = m.awaitDoor()
	q = m.queue("susie")
	q.give("lost")
	m.await("its message", func() bool { return len(m.queued()) > 0 })
	syscall.Kill(door, syscall.SIGSTOP)
	m.await("it to stop", func() bool { return stopped(door) })
	late := m.queue("susie")
	late.give("late")
	late.end()
	m.await("it to wait for an answer", func() bool { return handed(late.Process.Pid) })
	syscall.Kill(door, syscall.SIGKILL)
	q.end()
	if code := q.code(); code != 81 {
		t.Errorf("lost: exit code %d", code)
	}
	if code := late.code(); code != 0 {
		t.Errorf("late: exit code %d", code)
	}
	m.awaitMail("dirk", "Subject: late\n")
	m.await("that to be gone", func() bool { return len(m.Pids("qmail-queue")) == 0 })
	m.enqueue("after", "susie@"+site.Me, "dirk@"+site.Me)
	m.awaitMail("dirk", "Subject: after\n")
	if n := m.count("dirk", "Subject: lost\n") + m.count("dirk", "Subject: killed\n") + m.count("dirk", "Subject: timeout\n"); n != 0 {
		t.Errorf("%d messages arrived that should not have", n)
	}
}

// What is more than it takes at a time is no less safe.
func TestMoreThanOneQueuerTakes(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.awaitDoor()
	const visits = 100 // see lib/warm
	var all []*queuing
	for range visits {
		q := m.queue("susie")
		q.give("one of many")
		all = append(all, q)
	}
	m.await("all to be taken", func() bool { return len(m.queued()) == 2*visits }) // mess and intd
	q := m.queue("susie")
	q.give("one of many")
	all = append(all, q)
	m.await("one to do its own work", func() bool { return len(m.queued()) > 2*visits })
	if handed(q.Process.Pid) {
		t.Error("the last one waits for an answer")
	}
	for _, q := range all {
		q.end()
		if code := q.code(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	m.awaitEmpty()
	if n := m.count("dirk", "Subject: one of many\n"); n != len(all) {
		t.Errorf("%d messages arrived, want %d", n, len(all))
	}
}

// handed tells whether a qmail-queue waits for the answer of another: it blocks
// the signals that this one ignores.
func handed(pid int) bool { return status(pid, "SigBlk") == "0000000007801007" }

// stopped tells whether all threads of a process are.
func stopped(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	return err == nil && !slices.ContainsFunc(threads, func(thread string) bool {
		data, _ := os.ReadFile(thread)
		return !strings.Contains(string(data), ") T ")
	})
}

// status is a line of /proc/pid/status.
func status(pid int, name string) string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestABounceIsSentThoughItsQueuerMayDieAtAnyMoment(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	const messages = 60
	for i := range messages {
		m.enqueue("lost", "susie@"+site.Me, fmt.Sprintf("nobody-%d-here@%s", i, site.Me))
	}
	m.start()
	killed := 0
	m.await("all bounces to be tried", func() bool {
		time.Sleep(time.Duration(rand.N(5)) * time.Millisecond)
		killed += m.kill("qmail-queue")
		return m.log.count("bounce msg ")+m.log.count("trouble injecting bounce message, will try later") >= messages
	})
	t.Logf("killed: %d; %d bounces put off", killed, m.log.count("trouble injecting"))
	m.stop()
	m.start() // so as not to wait for two minutes
	m.awaitOut()
	for i := range messages {
		if m.count("susie", fmt.Sprintf("<nobody-%d-here@%s>:\n", i, site.Me)) == 0 {
			t.Errorf("no bounce for message %d", i)
		}
	}
}

// qmtpSession is a connection to qmail-qmtpd.
type qmtpSession struct {
	m   *machine
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (m *machine) qmtp() *qmtpSession {
	m.t.Helper()
	s := &qmtpSession{m: m}
	m.in(func() (err error) {
		s.cmd = users.As("qmaild", exec.Command(home+"/bin/qmail-qmtpd"))
		if s.in, err = s.cmd.StdinPipe(); err != nil {
			return err
		}
		out, err := s.cmd.StdoutPipe()
		s.out = bufio.NewReader(out)
		if err != nil {
			return err
		}
		return s.cmd.Start()
	})
	m.t.Cleanup(func() { // or its host does not end
		s.in.Close()
		s.cmd.Wait()
	})
	return s
}

func (s *qmtpSession) send(bytes string) {
	s.m.t.Helper()
	if _, err := io.WriteString(s.in, bytes); err != nil {
		s.m.t.Fatal(err)
	}
}

// answer reads the next answer, which must start with want.
func (s *qmtpSession) answer(want string) {
	s.m.t.Helper()
	length, err := s.out.ReadString(':')
	n, _ := strconv.Atoi(strings.TrimSuffix(length, ":"))
	answer := make([]byte, n+len(","))
	if err == nil {
		_, err = io.ReadFull(s.out, answer)
	}
	if err != nil || !strings.HasPrefix(string(answer), want) {
		s.m.t.Fatalf("got %q, %v; want %s", answer, err, want)
	}
}

func (s *qmtpSession) accepted() { s.m.t.Helper(); s.answer("Kok ") }

func TestAQueuerDiesUnderAQMTPSession(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	s := m.qmtp()
	mess := func(subject, body string) string {
		return qmtp("\nSubject: "+subject+"\n\n"+body, "susie@"+site.Me, "dirk@"+site.Me)
	}
	s.send(mess("one", "body\n"))
	s.accepted()
	m.awaitEmpty()
	lost := mess("four", strings.Repeat("half a message\n", 10000))
	s.send(lost[:len(lost)/2])
	m.await("a qmail-queue at work", func() bool { return len(m.queued()) > 0 })
	m.kill("qmail-queue")
	m.await("those to be gone", func() bool { return len(m.Pids("qmail-queue")) == 0 })
	s.send(lost[len(lost)/2:])
	s.answer("Zqq ") // crashed, or a bug where the one that did its work dies first
	s.send(mess("five", "body\n"))
	s.accepted()
	s.in.Close()
	if err := s.cmd.Wait(); err != nil {
		t.Error(err)
	}
	m.awaitMail("dirk", "Subject: five\n")
	m.awaitOut()
	for subject, want := range map[string]int{"one": 1, "four": 0, "five": 1} {
		if n := m.count("dirk", "Subject: "+subject+"\n"); n != want {
			t.Errorf("message %s arrived %d times, want %d", subject, n, want)
		}
	}
}
