//go:build linux && amd64

package crash

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"goqmail/lib/mailstore"
	"goqmail/lib/sasldb"
	"goqmail/lib/socket"
	"goqmail/t/crash/storesteps"
	"goqmail/t/lab"
)

// served is a program that serves one client of a store, in which john and mary have
// mailboxes.
type served struct {
	t       *testing.T
	program string
	name    string
	home    string // has the store as it is at first, fresh
	dir     string // and the one that is used
	last    string // line that the client has got
}

// The password of john is secret; he may use the mailbox of mary.
func serve(t *testing.T, name string) *served {
	t.Helper()
	home := inMemory(t)
	p := &served{t: t, program: Build(t, name, home), name: name, home: home, dir: home + "/store"}
	fresh := home + "/fresh"
	s, err := mailstore.Open(storesteps.Layout(fresh))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"user.john", "user.mary"} {
		if err := s.Create(mailstore.Entry{Name: name, ACL: "john\tlrswipkxtecda\t"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, subject := range []string{"one", "two", "three"} {
		if err := storesteps.Deliver("user.john", subject)(s); err != nil {
			t.Fatal(err)
		}
	}
	err = sasldb.Update(fresh+"/sasldb2", func([]sasldb.Record) []sasldb.Record {
		return []sasldb.Record{{Key: sasldb.Key{User: "john", Realm: "here.example", Property: sasldb.Password}, Value: "secret"}}
	})
	if err != nil {
		t.Fatal(err)
	}
	conf := "servername: here.example\nallowplaintext: yes\nfailedloginpause: 0\nconfigdirectory: " + p.dir + "/imap\npartition-default: " + p.dir + "/spool\n" +
		"sasl_sasldb_path: " + p.dir + "/sasldb2\n"
	if err := os.WriteFile(fresh+"/imapd.conf", []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// lay makes the store what it is at first.
func (p *served) lay() {
	p.t.Helper()
	os.RemoveAll(p.dir)
	if err := os.CopyFS(p.dir, os.DirFS(p.home+"/fresh")); err != nil {
		p.t.Fatal(err)
	}
}

// files are the descriptors of the program, with the client's end of its connection.
func (p *served) files() (client net.Conn, files []*os.File) {
	p.t.Helper()
	ours, theirs, err := socket.Pair()
	if err != nil {
		p.t.Fatal(err)
	}
	defer ours.Close()
	if client, err = net.FileConn(ours); err != nil {
		p.t.Fatal(err)
	}
	client.SetDeadline(time.Now().Add(lab.Patience))
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	return client, []*os.File{theirs, null, null}
}

func (p *served) args() []string { return []string{p.name, "-C", p.dir + "/imapd.conf"} }

// trace has a client speak with the program under the tracer, and returns how many steps
// it was told are done.
func (p *served) trace(client func(net.Conn) (done int), before func(*Op) Action) (done int, disk *Disk) {
	p.t.Helper()
	conn, files := p.files()
	said := make(chan int, 1)
	go func() {
		said <- client(conn)
		conn.Close()
	}()
	started := func(int) { files[0].Close() } // so that its end is seen
	_, disk = RunAll(p.t, p.dir, before, started, Cmd{Path: p.program, Args: p.args(), Files: files})
	files[1].Close()
	return <-said, disk
}

// run does so without the tracer.
func (p *served) run(client func(net.Conn) (done int)) (done int) {
	p.t.Helper()
	conn, files := p.files()
	cmd := exec.Command(p.program)
	cmd.Args, cmd.Stdin = p.args(), files[0]
	err := cmd.Start()
	files[0].Close()
	files[1].Close()
	if err != nil {
		p.t.Fatal(err)
	}
	done = client(conn)
	conn.Close()
	if err := cmd.Wait(); err != nil {
		p.t.Errorf("%s: %v", p.name, err)
	}
	return done
}

// step is something that a client says, and waits for the reply to.
type step struct {
	say     string
	replies int  // how many there are, 0: one
	parts   bool // it need not happen in all mailboxes at once; see between
}

// protocol tells whether a line ends the reply to a step, and whether that was done.
type protocol func(line string) (over, done bool)

// talk does the steps, until one is not done. each is called after each that is.
func (p *served) talk(conn net.Conn, steps []step, protocol protocol, each func()) (done int) {
	in := bufio.NewReader(conn)
	p.last, _ = in.ReadString('\n')
	for i, s := range steps {
		io.WriteString(conn, s.say) // else there is no reply
		for n := 0; n < max(1, s.replies); {
			line, err := in.ReadString('\n')
			if err != nil {
				return i
			}
			p.last = line
			over, done := protocol(line)
			if over && !done {
				return i
			}
			if over {
				n++
			}
		}
		each()
	}
	return len(steps)
}

// storeRun is the steps as what is done to the store.
func (p *served) storeRun(steps []step, protocol protocol) *storeRun {
	p.t.Helper()
	r := &storeRun{t: p.t, dir: p.dir, parts: map[int]bool{}}
	for i, s := range steps {
		r.parts[i] = s.parts
		r.parts[i+1] = s.parts // if it is the last
	}
	p.lay()
	look := func() {
		s, err := mailstore.Open(storesteps.Layout(p.dir))
		if err == nil {
			var now picture
			now, err = lookAtStore(s)
			r.want = append(r.want, now)
			s.Close()
		}
		if err != nil {
			p.t.Errorf("after step %d: %v", len(r.want)-1, err)
		}
	}
	look()
	if done := p.run(func(c net.Conn) int { return p.talk(c, steps, protocol, look) }); done != len(steps) {
		p.t.Fatalf("%q gets %q", steps[done].say, p.last)
	}
	r.do = func(before func(*Op) Action) (int, *Disk) {
		p.lay()
		return p.trace(func(c net.Conn) int { return p.talk(c, steps, protocol, func() {}) }, before)
	}
	return r
}

// A message that lmtpd has answered for is there, once; with one that it has not, the
// sender tries again, and then it is there once or, if lmtpd has come to grief in between,
// twice.
func TestLMTP(t *testing.T) {
	p := serve(t, "lmtpd")
	transaction := func(subject string, to ...string) string {
		return "LHLO x\r\nRSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<" + strings.Join(to, ">\r\nRCPT TO:<") + ">\r\nDATA\r\n" +
			"Message-ID: <" + subject + "@x>\r\nDate: today\r\n\r\n" + strings.Repeat("a line\r\n", 2000) + ".\r\n"
	}
	steps := []step{
		{say: transaction("1", "john")},
		{say: transaction("2", "john", "mary"), replies: 2},
		{say: transaction("1", "john")},
		{say: transaction("3", "mary")},
		{say: transaction("4", "john", "john"), replies: 2},
	}
	for i := range steps {
		steps[i].parts = true
	}
	protocol := func(line string) (over, done bool) {
		done = line == "250 2.1.5 Ok\r\n"
		return done || line[0] == '4' || line[0] == '5', done
	}
	r := p.storeRun(steps, protocol)
	r.again = func(story string, done, how int) {
		if n := p.run(func(c net.Conn) int { return p.talk(c, steps, protocol, func() {}) }); n != len(steps) {
			t.Errorf("%s: then %q gets %q", story, steps[n].say[:min(200, len(steps[n].say))], p.last)
		}
		s, err := mailstore.Open(storesteps.Layout(p.dir))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		now, err := lookAtStore(s)
		if err != nil {
			t.Errorf("%s: then %v", story, err)
		}
		for i, mailboxes := range [][]string{{"user.john"}, {"user.john", "user.mary"}, {"user.mary"}, {"user.john"}} {
			for _, mailbox := range mailboxes {
				n := 0
				for _, m := range now[mailbox] {
					n += strings.Count(m, fmt.Sprintf("<%d@x>", i+1))
				}
				// What was answered for is known, unless the power fails. Without room to
				// note it, copies are better than no mail.
				most := 2
				if how == ownDeath && done > []int{0, 1, 3, 4}[i] {
					most = 1
				}
				if n < 1 || n > most && how != diskFull {
					t.Errorf("%s: then message %d is %d times in %s", story, i+1, n, mailbox)
				}
			}
		}
	}
	r.stops(20)
}

// What imapd has answered OK for stays so.
func TestIMAP(t *testing.T) {
	message := func(subject string) string {
		text := "Subject: " + subject + "\r\n\r\n" + strings.Repeat("a line\r\n", 1000)
		return fmt.Sprintf(" {%d+}\r\n%s", len(text), text)
	}
	var steps []step
	for _, command := range []string{
		"LOGIN john secret",
		"APPEND INBOX (\\Seen $Work)" + message("four"),
		"CREATE INBOX.a",
		"APPEND INBOX.a" + message("five") + " (\\Flagged)" + message("six"),
		"SELECT INBOX",
		"STORE 1:2 +FLAGS (\\Answered other)",
		"COPY 1:2 INBOX.a",
		"MOVE 2:3 INBOX.a",
		"MOVE 1 user.mary",
		"STORE 1 FLAGS.SILENT (\\Deleted)",
		"EXPUNGE",
		"SELECT INBOX.a",
		"UID STORE 1:3 +FLAGS (\\Deleted)",
		"UID EXPUNGE 1:2",
		"RENAME INBOX.a INBOX.b",
		"APPEND INBOX.b" + message("seven"),
		"SELECT user.mary",
		"MOVE 1 INBOX.b",
		"DELETE INBOX.b",
		"LOGOUT",
	} {
		steps = append(steps, step{say: "t " + command + "\r\n", parts: strings.HasPrefix(command, "MOVE")})
	}
	serve(t, "imapd").storeRun(steps, func(line string) (over, done bool) {
		return strings.HasPrefix(line, "t "), strings.HasPrefix(line, "t OK")
	}).stops(24)
}

// Pop3d deletes nothing before QUIT, and then all.
func TestPOP3(t *testing.T) {
	var steps []step
	for _, command := range []string{"USER john", "PASS secret", "RETR 2", "DELE 1", "DELE 3", "NOOP", "QUIT"} {
		steps = append(steps, step{say: command + "\r\n"})
	}
	serve(t, "pop3d").storeRun(steps, func(line string) (over, done bool) {
		return line[0] == '+' || line[0] == '-', line[0] == '+'
	}).stops(16)
}
