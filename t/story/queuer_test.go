//go:build linux

package story

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"goqmail/t/site"
)

// processes is how many there are of the calls that stand in logs as qps, which
// must differ from each other.
func processes(t *testing.T, qps []string) int {
	t.Helper()
	calls, processes := map[int]bool{}, map[int]bool{}
	for _, qp := range qps {
		n, err := strconv.Atoi(qp)
		if err != nil || calls[n] {
			t.Errorf("qp %s: %v, or not for the first time", qp, err)
		}
		calls[n], processes[n%(1<<22)] = true, true
	}
	return len(processes)
}

// logged are the qps in lines of the log that pattern matches.
func (m *machine) logged(pattern string) (qps []string) {
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(strings.Join(m.log.lines(), ""), -1) {
		qps = append(qps, found[1])
	}
	return qps
}

func TestABurstOfBouncesTakesOneQueuer(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	const messages = 20
	for range messages {
		m.enqueue("lost", "susie@"+site.Me, "nobody-here@"+site.Me)
	}
	m.start()
	m.awaitEmpty()
	qps := m.logged(`bounce msg \d+ qp (\d+)\n`)
	if n := processes(t, qps); len(qps) != messages || n >= messages {
		t.Errorf("%d bounces were taken by %d processes", len(qps), n)
	}
	if n := m.count("susie", " invoked for bounce); "); n != messages {
		t.Errorf("%d bounces arrived, want %d", n, messages)
	}
	m.kill("qmail-send")
	m.awaitCold()
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

func TestABurstOfForwardsTakesFewQueuers(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.control("concurrencylocal", "2\n")
	m.write("/home/dirk/.qmail", "&susie@"+site.Me+"\n", "dirk")
	const messages = 20
	for i := range messages {
		m.enqueue(fmt.Sprintf("message %d", i), "john@"+site.Me, "dirk@"+site.Me)
	}
	m.start()
	m.awaitEmpty()
	qps := m.logged(`success: did_0\+1\+0/qp_(\d+)/\n`)
	if n := processes(t, qps); len(qps) != messages || n >= messages {
		t.Errorf("%d forwards were taken by %d processes", len(qps), n)
	}
	for i := range messages {
		if n := m.count("susie", fmt.Sprintf("Subject: message %d\n", i)); n != 1 {
			t.Errorf("message %d arrived %d times", i, n)
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
	return s
}

func (s *qmtpSession) send(bytes string) {
	s.m.t.Helper()
	if _, err := io.WriteString(s.in, bytes); err != nil {
		s.m.t.Fatal(err)
	}
}

// answer is what the next answer says behind want, which it must start with.
func (s *qmtpSession) answer(want string) string {
	s.m.t.Helper()
	length, err := s.out.ReadString(':')
	n, _ := strconv.Atoi(strings.TrimSuffix(length, ":"))
	answer := make([]byte, n+len(","))
	if err == nil {
		_, err = io.ReadFull(s.out, answer)
	}
	rest, ok := strings.CutPrefix(strings.TrimSuffix(string(answer), ","), want)
	if err != nil || !ok {
		s.m.t.Fatalf("got %q, %v; want %s", answer, err, want)
	}
	return rest
}

// accepted is the qp of the answer.
func (s *qmtpSession) accepted() string {
	s.m.t.Helper()
	_, qp, _ := strings.Cut(s.answer("Kok "), " qp ")
	return qp
}

func TestTheMessagesOfAQMTPSessionShareAQueuer(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	s := m.qmtp()
	mess := func(subject, body string) string {
		return qmtp("\nSubject: "+subject+"\n\n"+body, "susie@"+site.Me, "dirk@"+site.Me)
	}
	// Nobody knows of a second message then, so that the first has its own.
	s.send(mess("one", "body\n"))
	first := s.accepted()
	if n := len(m.Pids("qmail-queue")); n != 0 {
		t.Errorf("%d processes stay after the first message", n)
	}
	s.send(mess("two", "body\n") + mess("three", "body\n"))
	second, third := s.accepted(), s.accepted()
	if n := processes(t, []string{second, third}); n != 1 {
		t.Errorf("qp %s, then %s and %s", first, second, third)
	}
	m.awaitEmpty()

	lost := mess("four", strings.Repeat("half a message\n", 10000))
	s.send(lost[:len(lost)/2])
	m.await("a qmail-queue at work", func() bool { return len(m.queued()) > 0 })
	if n := m.kill("qmail-queue"); n != 1 {
		t.Errorf("%d processes, want 1", n)
	}
	s.send(lost[len(lost)/2:])
	s.answer("Zqq crashed (#4.3.0)")
	s.send(mess("five", "body\n"))
	s.accepted()
	s.in.Close()
	if err := s.cmd.Wait(); err != nil {
		t.Error(err)
	}
	m.awaitMail("dirk", "Subject: five\n")
	m.awaitOut()
	for subject, want := range map[string]int{"one": 1, "two": 1, "three": 1, "four": 0, "five": 1} {
		if n := m.count("dirk", "Subject: "+subject+"\n"); n != want {
			t.Errorf("message %s arrived %d times, want %d", subject, n, want)
		}
	}
}
