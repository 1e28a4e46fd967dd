package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"goqmail/lib/call"
)

// TestMain is also the lmtpd that deliver starts; its configuration is where it writes
// what it took, and the stage at which it dies.
func TestMain(m *testing.M) {
	if os.Args[0] != "lmtpd" {
		os.Exit(m.Run())
	}
	config, err := os.ReadFile(os.Args[2])
	if err != nil || len(os.Environ()) != 1 {
		os.Exit(1)
	}
	conn, err := net.FileConn(os.Stdin)
	if err != nil {
		os.Exit(1)
	}
	s := &fake{dies: string(config)}
	s.serve(conn)
	os.WriteFile(os.Args[2]+".taken", []byte(strings.Join(s.taken, "\n")), 0o600)
	os.Exit(0)
}

// fake is an lmtpd that may die at a stage, or be silent from then on. It refuses nosuch
// for good and full for now.
type fake struct {
	dies     string
	noAuth   bool
	commands []string
	taken    []string // recipients that were told that they have the message
	got      []string // recipients that have it
	message  string
}

// errDies is not told to the client.
var errDies = fmt.Errorf("dies")

func (f *fake) at(stage string) {
	switch f.dies {
	case stage:
		panic(errDies)
	case stage + " silent":
		time.Sleep(time.Minute)
		panic(errDies)
	}
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	defer func() {
		if e := recover(); e != nil && e != errDies {
			panic(e)
		}
	}()
	r := bufio.NewReader(conn)
	say := func(text string) { io.WriteString(conn, text+"\r\n") }
	f.at("greeting")
	if f.dies == "busy" {
		say("421 4.3.2 too many connections")
		return
	}
	say("220 host LMTP ready")
	var to []string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\r\n")
		f.commands = append(f.commands, line)
		f.at(line[:4])
		switch {
		case strings.HasPrefix(line, "LHLO"):
			say("250-host")
			if !f.noAuth {
				say("250-AUTH EXTERNAL")
			}
			say("250 IGNOREQUOTA")
		case strings.HasPrefix(line, "MAIL FROM:<bad"):
			say("501 5.5.4 Syntax error in parameters")
		case strings.HasPrefix(line, "RCPT TO:<nosuch"):
			say("550-Mailbox unknown.")
			say("550 5.1.1 User unknown")
		case strings.HasPrefix(line, "RCPT TO:<full"):
			say("452 4.2.2 Over quota")
		case strings.HasPrefix(line, "RCPT"):
			to = append(to, strings.Fields(line[8:])[0])
			say("250 2.1.5 ok")
		case line == "DATA":
			say("354 go ahead")
			f.at("go ahead")
			var b strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				b.WriteString(line)
			}
			f.message = b.String()
			f.at("message")
			f.got = append(f.got, to...)
			f.at("delivered")
			for i, recipient := range to {
				f.taken = append(f.taken, recipient)
				say("250 2.1.5 Ok")
				f.at(fmt.Sprint("reply ", i+1))
			}
		case line == "QUIT":
			say("221 2.0.0 bye")
			return
		default:
			say("250 2.0.0 ok")
		}
	}
}

// deliverBy delivers to recipients where lmtpd dies at one stage and deliver's own one at
// another. It returns what each told.
func deliverBy(t *testing.T, lmtpd *fake, own string, recipients ...string) (to []*recipient, byServer, byOwn []string, err error) {
	t.Helper()
	dir := t.TempDir()
	config := dir + "/config"
	if err := os.WriteFile(config, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	d := delivery{
		socket: dir + "/lmtp", lmtpd: os.Args[0], config: config, report: os.Stderr,
		limits:   limits{time.Second, time.Minute, time.Minute},
		envelope: envelope{sender: "a@b", user: "john"}, message: &message{start: []byte("Subject: x\n\nbody\n")},
	}
	done := make(chan bool)
	if lmtpd == nil {
		close(done)
	} else {
		if strings.HasSuffix(lmtpd.dies, "silent") {
			d.limits.reply, d.limits.done = 3*time.Second, 3*time.Second // enough for deliver's own
		}
		l, err := net.Listen("unix", d.socket)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			defer close(done)
			if c, err := l.Accept(); err == nil {
				lmtpd.serve(c)
			}
		}()
	}
	for _, address := range recipients {
		to = append(to, &recipient{address: address})
	}
	err = d.deliver(to)
	if lmtpd != nil {
		if !strings.HasSuffix(lmtpd.dies, "silent") {
			<-done
		}
		byServer = lmtpd.taken
	}
	if b, err := os.ReadFile(config + ".taken"); err == nil {
		byOwn = strings.Fields(string(b))
	}
	return to, byServer, byOwn, err
}

// Whatever becomes of lmtpd, each recipient is told by one of the two, and by one only.
func TestLmtpdDies(t *testing.T) {
	for _, c := range []struct {
		dies     string
		byServer []string
	}{
		{"never", []string{"<john>", "<mary>", "<paul>"}},
		{"greeting", nil}, {"busy", nil}, {"LHLO", nil}, {"MAIL", nil}, {"RCPT", nil}, {"DATA", nil}, {"go ahead", nil}, {"message", nil}, {"delivered", nil},
		{"reply 1", []string{"<john>"}}, {"reply 2", []string{"<john>", "<mary>"}}, {"reply 3", []string{"<john>", "<mary>", "<paul>"}}, {"QUIT", []string{"<john>", "<mary>", "<paul>"}},
		{"greeting silent", nil}, {"MAIL silent", nil}, {"delivered silent", nil},
	} {
		t.Run(c.dies, func(t *testing.T) {
			t.Parallel()
			to, byServer, byOwn, err := deliverBy(t, &fake{dies: c.dies}, "never", "john", "mary", "paul")
			if err != nil {
				t.Error(err)
			}
			if strings.HasSuffix(c.dies, "silent") {
				byServer = nil
			}
			if !slices.Equal(byServer, c.byServer) {
				t.Errorf("lmtpd told %q", byServer)
			}
			if all := append(byServer, byOwn...); !slices.Equal(all, []string{"<john>", "<mary>", "<paul>"}) {
				t.Errorf("told %q and %q", byServer, byOwn)
			}
			var out, report bytes.Buffer
			if code := result(to, &out, &report); code != 0 || out.Len()+report.Len() > 0 {
				t.Errorf("%d, %q, %q", code, &out, &report)
			}
		})
	}
}

func TestNoLmtpd(t *testing.T) {
	if _, _, byOwn, err := deliverBy(t, nil, "never", "john"); err != nil || len(byOwn) != 1 {
		t.Errorf("delivered to %q, %v", byOwn, err)
	}
	if _, _, _, err := deliverBy(t, nil, "MAIL", "john"); err == nil || err.Error() != "no such file or directory" {
		t.Errorf("neither: %v", err)
	}
	// What one of them has told holds.
	to, _, _, err := deliverBy(t, &fake{dies: "reply 1"}, "greeting", "john", "mary")
	var out, report bytes.Buffer
	if code := result(to, &out, &report); err != nil || code != exitTempFail || out.Len() > 0 || report.String() != "mary: Try again\n" {
		t.Errorf("%v, %d, %q, %q", err, code, &out, &report)
	}
}

func TestResult(t *testing.T) {
	for _, c := range []struct {
		name, sender, to string
		code             int
		out, report      string
	}{
		{"all", "a@b", "john mary", 0, "", ""},
		{"unknown", "a@b", "john nosuch+x", exitData, "nosuch+x: Mailbox does not exist\n", ""},
		{"full", "a@b", "full", exitTempFail, "", "full: Over quota\n"},
		{"for now counts more", "a@b", "full nosuch", exitTempFail, "nosuch: Mailbox does not exist\n", "full: Over quota\n"},
		{"sender", "bad@b", "john", exitData, "john: Protocol error\n", ""},
	} {
		dir := t.TempDir()
		l, err := net.Listen("unix", dir+"/lmtp")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if c, err := l.Accept(); err == nil {
				(&fake{}).serve(c)
			}
		}()
		os.WriteFile(dir+"/conf", []byte("configdirectory: /nowhere\npartition-default: /nowhere\nlmtpsocket: "+dir+"/lmtp\n"), 0o600)
		code, out, report := runWith(t, "Subject: x\n", append([]string{"-C", dir + "/conf", "-r", c.sender}, strings.Fields(c.to)...)...)
		if code != c.code || out != c.out || report != c.report {
			t.Errorf("%s: %d, %q, %q", c.name, code, out, report)
		}
		l.Close()
	}
}

// runWith runs the whole program.
func runWith(t *testing.T, text string, args ...string) (code int, out, report string) {
	t.Helper()
	dir := t.TempDir()
	os.WriteFile(dir+"/0", []byte(text), 0o600)
	files := map[int]*os.File{}
	for i := range 3 {
		f, err := os.OpenFile(fmt.Sprintf("%s/%d", dir, i), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	code = run(call.New(append([]string{"deliver"}, args...), nil, files))
	o, _ := os.ReadFile(dir + "/1")
	e, _ := os.ReadFile(dir + "/2")
	return code, string(o), string(e)
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-F", "x", "john"}, "deliver: 'F' option no longer supported\n"},
		{[]string{"-E", "3"}, "deliver: 'E' option no longer supported\n"},
		{[]string{"-m", "a", "-m", "b"}, "deliver: multiple -m options\n"},
		{[]string{"-a", "a", "-a", "b", "john"}, "deliver: multiple -a options\n"},
		{[]string{"-x"}, "deliver: illegal option -- x\n"},
		{nil, "deliver: no recipient\n"},
	} {
		code, out, report := runWith(t, "", c.args...)
		if code != exitUsage || out != "" || report != c.want+usage {
			t.Errorf("%q: %d, %q, %q", c.args, code, out, report)
		}
	}
}

func TestUnavailable(t *testing.T) {
	dir := t.TempDir()
	code, out, _ := runWith(t, "x", "-C", dir+"/nosuch", "john")
	if code != 75 || !strings.HasPrefix(out, "421 4.3.0 deliver: open ") {
		t.Errorf("no configuration: %d, %q", code, out)
	}
	for setting, want := range map[string]int{"": 75, "deliver_unavailable_code: 78\n": 78, "deliver_unavailable_code: 0\n": 75} {
		os.WriteFile(dir+"/conf", []byte("configdirectory: "+dir+"\npartition-default: "+dir+"\n"+setting), 0o600)
		for _, args := range [][]string{{"john"}, {"-l"}} {
			code, out, report := runWith(t, "x", append([]string{"-C", dir + "/conf"}, args...)...)
			if code != want || out != "421 4.3.0 deliver: couldn't connect to lmtpd\r\n" || report != "couldn't connect to lmtpd: no such file or directory\n" {
				t.Errorf("%q, %q: %d, %q, %q", setting, args, code, out, report)
			}
		}
	}
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"own name", []string{"john"}, []string{"MAIL FROM:<john> AUTH=john", "RCPT TO:<john>"}},
		{"mailbox", []string{"-a", "john", "-m", "user.john.SPAM"}, []string{"MAIL FROM:<john> AUTH=john", "RCPT TO:<+user.john.SPAM>"}},
		{"mailbox of users", []string{"-m", "SPAM", "john", "mary@b"}, []string{"MAIL FROM:<john> AUTH=john", "RCPT TO:<john+SPAM>", "RCPT TO:<mary+SPAM@b>"}},
		{"another user", []string{"-a", "mary", "john"}, []string{"MAIL FROM:<john> AUTH=<>", "RCPT TO:<john>"}},
		{"return path", []string{"-q", "-r", "<a@b>", "john"}, []string{"MAIL FROM:<a@b> AUTH=john", "RCPT TO:<john> IGNOREQUOTA"}},
		{"no return path", []string{"-f", "<>", "-d", "-e", "-D", "john"}, []string{"MAIL FROM:<> AUTH=john", "RCPT TO:<john>"}},
		{"no way out", []string{"-r", "a> SIZE=1\r\nRSET\r\n@b c", "jo hn> IGNOREQUOTA", "a\"b"}, []string{`MAIL FROM:<"a> SIZE=1??RSET??@b c"> AUTH=john`, `RCPT TO:<"jo hn> IGNOREQUOTA">`, `RCPT TO:<"a\"b">`}},
	} {
		o, problem := parse(append([]string{"deliver"}, c.args...))
		if problem != "" {
			t.Fatalf("%s: %s", c.name, problem)
		}
		s := &fake{}
		speak(t, s, o.envelope(caller{name: "john"}), &message{}, o.recipients())
		if got := s.commands[1 : len(s.commands)-2]; !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := (caller{name: "root", trusted: true}).claim("mary"); got != "mary" {
		t.Errorf("root is not believed: %q", got)
	}
	s := &fake{noAuth: true}
	speak(t, s, envelope{user: "jo+hn"}, &message{}, []*recipient{{address: "john"}})
	if s.commands[1] != "MAIL FROM:<>" {
		t.Errorf("without AUTH: %q", s.commands)
	}
	if got := xtext("jo+h n\xe4"); got != "jo+2Bh+20n+E4" {
		t.Errorf("xtext: %q", got)
	}
}

// speak has a session with a fake.
func speak(t *testing.T, s *fake, e envelope, m *message, to []*recipient) {
	t.Helper()
	l, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := delivery{socket: l.Addr().String(), limits: limits{time.Minute, time.Minute, time.Minute}, envelope: e, message: m}
	done := make(chan bool)
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			s.serve(c)
		}
	}()
	if err := d.byServer(to); err != nil {
		t.Fatal(err)
	}
	<-done
}

func TestMessageIsSentWhole(t *testing.T) {
	big := strings.Repeat(strings.Repeat("x", 99)+"\n", 6000)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"no end", "a", "a\r\n"},
		{"line ends", "a\nb\r\nc\rd\r\r\n\n", "a\r\nb\r\ncd\r\n\r\n"},
		{"dots", ".\n..a\n.b\r\n\r.\n", "..\r\n...a\r\n..b\r\n..\r\n"},
		{"NUL", "a\x00b\x00\n", "ab\r\n"},
		{"large", big, strings.ReplaceAll(big, "\n", "\r\n")},
	} {
		m, err := read(strings.NewReader(c.text))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // it can be sent again
			s := &fake{}
			speak(t, s, envelope{}, m, []*recipient{{address: "john"}})
			if s.message != c.want {
				t.Errorf("%s: %.100q, want %.100q", c.name, s.message, c.want)
			}
		}
		m.close()
	}
}

// FuzzSession: whatever an lmtpd says, deliver comes to an end, and a recipient has a
// reply only if there was one.
func FuzzSession(f *testing.F) {
	f.Add("220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n")
	f.Add("220 x\r\n250-x\r\n250 AUTH EXTERNAL\r\n250\r\n550 5.1.1 no\r\n")
	f.Add("421\r\n")
	f.Fuzz(func(t *testing.T, says string) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		go func() { io.WriteString(w, says); w.Close() }()
		s := newSession(r, limits{time.Minute, time.Minute, time.Minute})
		s.w = bufio.NewWriter(io.Discard)
		to := []*recipient{{address: "john"}, {address: "mary"}}
		err = s.send(envelope{}, &message{}, to)
		if left := unanswered(to); err == nil && len(left) > 0 {
			t.Errorf("%q: %d have no reply", says, len(left))
		}
		for _, r := range to {
			if r.reply != "" && !strings.Contains(says, strings.TrimSpace(string(r.reply))) {
				t.Errorf("%q: reply %q", says, r.reply)
			}
		}
	})
}
