//go:build linux

package story

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// warm are the programs that stay; see lib/warm.
var warm = []string{"qmail-getpw", "qmail-local", "qmail-queue", "qmail-remote", "qmail-smtpds"}

// awaitCold waits until none of them runs.
func (m *machine) awaitCold() {
	m.t.Helper()
	m.await("all warm programs to be gone", func() bool {
		return !slices.ContainsFunc(m.Processes(), func(p lab.Process) bool { return slices.Contains(warm, p.Name) })
	})
}

// kill kills all processes of a name that there are, and tells how many.
func (m *machine) kill(name string) int {
	pids := m.Pids(name)
	for _, pid := range pids {
		syscall.Kill(pid, syscall.SIGKILL) // or it has just ended
	}
	return len(pids)
}

func TestADeliveryThatIsKilledIsTriedAgain(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.hold()
	m.write("/home/olaf/.qmail", "./Maildir/\n"+whileHeld, "olaf")
	m.start()
	m.send("susie", "twice", "olaf@"+site.Me)
	m.awaitMail("olaf", "Subject: twice\n")
	if m.kill("qmail-local") == 0 {
		t.Fatal("no qmail-local runs")
	}
	m.letGo()
	m.awaitLog("deferral: qmail-local_crashed.")
	m.alarm()
	m.awaitEmpty()
	if n := m.count("olaf", "Subject: twice\n"); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}

// At whatever moments the warm programs die, no message is lost.
func TestWarmProgramsMayDieAtAnyMoment(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.listen()
	victims := []string{"qmail-local", "qmail-getpw", "qmail-queue", "qmail-smtpds"}
	const messages = 100
	sent := make(chan struct{})
	killed := make(chan map[string]int)
	go func() {
		count := map[string]int{}
		for {
			select {
			case <-sent:
				killed <- count
				return
			case <-time.After(time.Duration(rand.N(20)) * time.Millisecond):
				victim := victims[rand.N(len(victims))]
				count[victim] += m.kill(victim)
			}
		}
	}()
	var accepted []string
	for i := range messages {
		subject := fmt.Sprintf("message %d", i)
		if m.offer(subject, "dirk@"+site.Me) {
			accepted = append(accepted, subject)
		}
	}
	close(sent)
	t.Logf("killed: %v; accepted %d of %d", <-killed, len(accepted), messages)
	m.awaitOut()
	for _, subject := range accepted {
		if m.count("dirk", "Subject: "+subject+"\n") == 0 {
			t.Errorf("%s was accepted and is lost", subject)
		}
	}
	for _, mess := range m.mail("dirk") {
		if !strings.HasSuffix(mess, "\nbody\n") {
			t.Errorf("half a message: %q", mess)
		}
	}
}

// offer sends a message by SMTP and tells whether it was accepted.
func (m *machine) offer(subject, recipient string) bool {
	conn := m.connect("127.0.0.1", "25")
	if conn == nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(lab.Patience))
	said, _ := io.WriteString(conn, "HELO a\r\nMAIL FROM:<susie@"+site.Me+">\r\nRCPT TO:<"+recipient+">\r\nDATA\r\n"+
		"Subject: "+subject+"\r\n\r\nbody\r\n.\r\nQUIT\r\n")
	replies, _ := io.ReadAll(conn)
	return said > 0 && strings.Contains(string(replies), "\n250 ok ") && strings.Contains(string(replies), " qp ")
}

// Whoever calls warm programs may die. They see the calls under way through,
// and end.
func TestWarmProgramsEndWithTheirCallers(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.hold()
	m.write("/home/olaf/.qmail", whileHeld+"./Maildir/\n", "olaf")
	m.control("smtproutes", ":127.0.0.1:9\n") // where nobody listens
	m.start()
	m.listen()
	m.send("susie", "remote", "somebody@far.example")
	m.awaitLog("deferral: ")
	m.send("susie", "held", "olaf@"+site.Me)
	m.awaitLog("starting delivery 2: ")
	m.await("a delivery under way", func() bool { return len(m.Pids("sleep")) > 0 })
	c := m.smtp()
	c.say("HELO elsewhere.example", "250")
	c.send("before", "susie@"+site.Me, "dirk@"+site.Me)
	m.awaitMail("dirk", "Subject: before\n")
	for _, name := range []string{"qmail-local", "qmail-queue", "qmail-smtpds"} {
		if len(m.Pids(name)) == 0 {
			t.Errorf("%s does not run", name)
		}
	}
	for _, caller := range []string{"qmail-lspawn", "qmail-rspawn", "qmail-listen"} {
		m.kill(caller) // or it ends with the one before
	}
	c.send("after", "susie@"+site.Me, "dirk@"+site.Me)
	c.say("QUIT", "221")
	m.letGo()
	m.awaitMail("olaf", "Subject: held\n")
	m.awaitCold()
	m.awaitGone()
	m.start()
	m.alarm()
	m.awaitMail("dirk", "Subject: after\n")
}

func TestAClientHearsThatItsMessageWasLostWithTheQueuer(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.listen()
	// Who comes before qmail-listen knows that a process takes no more is put off.
	pass := func() {
		m.await("a message to be accepted", func() bool { return m.offer("whole", "dirk@"+site.Me) })
	}
	for i := range 3 {
		pass()
		c := m.smtp()
		c.say("HELO elsewhere.example", "250")
		c.say("MAIL FROM:<susie@"+site.Me+">", "250")
		c.say("RCPT TO:<dirk@"+site.Me+">", "250")
		c.say("DATA", "354")
		half := strings.Repeat("half a message\r\n", i*1000)
		if _, err := io.WriteString(c.conn, "Subject: half\r\n\r\n"+half); err != nil {
			t.Fatal(err)
		}
		m.await("a qmail-queue", func() bool { return m.kill("qmail-queue") > 0 })
		c.say(".", "451 qq crashed (#4.3.0)")
		// The process cannot start another, nor is it given new sessions.
		c.say("MAIL FROM:<susie@"+site.Me+">", "250")
		c.say("RCPT TO:<dirk@"+site.Me+">", "250")
		c.say("DATA", "354")
		c.say("Subject: half\r\n\r\n.", "451 unable to exec qq (#4.3.0)")
	}
	pass()
	m.await("all to be delivered", func() bool { return m.count("dirk", "Subject: whole\n") == 4 })
	if n := m.count("dirk", "half"); n != 0 {
		t.Errorf("%d halves were delivered", n)
	}
}

func TestAllSessionsEndWithTheirProcess(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.listen()
	var sessions []*smtp
	for i := range 3 {
		c := m.smtp()
		c.say("HELO elsewhere.example", "250")
		c.send(fmt.Sprintf("accepted %d", i), "susie@"+site.Me, "dirk@"+site.Me)
		sessions = append(sessions, c)
	}
	if n := m.kill("qmail-smtpds"); n != 1 {
		t.Errorf("%d processes, want 1", n)
	}
	for _, c := range sessions {
		if line, err := c.in.ReadString('\n'); err == nil {
			t.Errorf("a session goes on: %q", line)
		}
	}
	// Who comes before qmail-listen knows may share their fate.
	m.await("another session", func() bool { return m.offer("another", "dirk@"+site.Me) })
	for _, subject := range []string{"accepted 0", "accepted 1", "accepted 2", "another"} {
		m.awaitMail("dirk", "Subject: "+subject+"\n")
	}
}

// What an administrator puts in the place of a program counts from the next
// call on, and a script is run for each.
func TestAProgramIsReplacedInARunningSystem(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	m.awaitDoor() // before qmail-smtpds has another
	m.listen()
	round := 0
	pass := func() {
		t.Helper()
		round++
		subject := fmt.Sprintf("round %d", round)
		m.smtpSend(subject, "susie@"+site.Me, "dirk@"+site.Me)
		m.awaitMail("dirk", "Subject: "+subject+"\n")
	}
	programs := map[string]int{"qmail-local": 1, "qmail-queue": 2, "qmail-smtpds": 1} // processes; see awaitDoor
	old := map[string][]int{}
	// A machine may be so slow that one has ended before its next call.
	m.await("one process each to serve twice", func() bool {
		pass()
		stayed := true
		for name, n := range programs {
			now := m.Pids(name)
			stayed = stayed && len(now) == n && slices.Equal(now, old[name])
			old[name] = now
		}
		return stayed
	})

	m.in(func() error { return os.Mkdir("/tmp/other", 0o755) })
	for name := range programs {
		m.run("cp", "-p", home+"/bin/"+name, "/tmp/other/"+name)
		m.in(func() error { return lab.Bind("/tmp/other/"+name, home+"/bin/"+name) })
	}
	pass()
	m.send("susie", "classic", "dirk@"+site.Me)
	m.await("the old processes to be gone", func() bool {
		for name := range programs {
			now := m.Pids(name)
			if slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(old[name], pid) }) {
				return false
			}
		}
		return true
	})

	for _, name := range []string{"qmail-local", "qmail-queue", "qmail-smtpd"} {
		m.in(func() error {
			real := "/tmp/real-" + name
			if err := os.WriteFile(real, nil, 0o755); err != nil {
				return err
			}
			return lab.Bind(home+"/bin/"+name, real)
		})
		m.write("/tmp/calls-"+name, "", "root")
		m.in(func() error { return os.Chmod("/tmp/calls-"+name, 0o666) })
		m.replace(name, "echo called >>/tmp/calls-"+name+"\nexec /tmp/real-"+name+` "$@"`+"\n")
		for i := range 2 {
			pass()
			if calls, _ := m.read("/tmp/calls-" + name); strings.Count(calls, "called") != i+1 {
				t.Errorf("%s: %q after %d messages", name, calls, i+1)
			}
		}
		m.in(func() error { return unix.Unmount(home+"/bin/"+name, 0) })
	}
	m.awaitEmpty()
}
