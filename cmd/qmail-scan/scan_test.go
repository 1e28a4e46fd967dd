package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/auto"
)

// TestMain is the program itself in the processes that the tests start.
func TestMain(m *testing.M) {
	if home, ok := os.LookupEnv("TEST_HOME"); ok {
		auto.Home = home
		main()
	}
	os.Exit(m.Run())
}

// setup is what qmail-scan finds. The zero value is a host whose clamd finds
// nothing, and a small message.
type setup struct {
	control      map[string]string
	clamd, spamd func(net.Conn) // what they do with a connection
	env          []string
	mess         string
	envelope     string
	hears        []int  // where the caller hears reasons; nil is only 6, as in notqmail
	queue        string // what qmail-queue does in the end
	shell        string // what to do before the program is run
}

// outcome is what became of a message.
type outcome struct {
	code           int
	reason, log    string // what was heard
	queued         bool   // qmail-queue was run
	mess, envelope string // what it was given
	env            string
}

const (
	plain      = "Received: from x\nMessage-ID: <1@b.example>\n\nbody\n"
	toTwo      = "Fa@b.example\x00Tc@d.example\x00Te@f.example\x00\x00"
	clean      = "X-Virus-Scanned: qmail-scan at mail.example\nX-Virus-Status: Clean\n"
	noViruses  = "Zunable to look for viruses (#4.3.0)"
	noSpam     = "Zunable to look for spam (#4.3.0)"
	someLogged = ": bytes 49 from <a@b.example> ip 192.0.2.9 id <1@b.example>"
)

func (s setup) run(t *testing.T) (o outcome) {
	t.Helper()
	home := t.TempDir()
	control := map[string]string{"me": "mail.example\n", "clamd": home + "/clamd.socket\n"}
	if s.clamd == nil {
		s.clamd = says("stream: OK\x00")
	}
	serve(t, home+"/clamd.socket", s.clamd)
	if s.spamd != nil {
		control["spamd"] = home + "/spamd.socket\n"
		serve(t, home+"/spamd.socket", s.spamd)
	}
	for name, text := range s.control {
		control[name] = text
	}
	for name, text := range control {
		write(t, home+"/control/"+name, text, 0o644)
	}
	write(t, home+"/bin/qmail-queue", "#!/bin/sh\n>queued\ncat >mess\ncat <&1 >envelope\nenv >env\n"+s.queue+"\n", 0o755)
	if err := os.Mkdir(home+"/tmp", 0o755); err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command("/bin/sh", "-c", s.shell+"\nexec "+os.Args[0])
	cmd.Env = append([]string{"TEST_HOME=" + home, "TMPDIR=" + home + "/tmp", "PATH=" + os.Getenv("PATH"), "TCPREMOTEIP=192.0.2.9", "QMAILQUEUE=" + os.Args[0]}, s.env...)
	if s.mess == "" {
		s.mess = plain
	}
	if s.envelope == "" {
		s.envelope = toTwo
	}
	messIn, messOut := pipe(t)
	envelopeIn, envelopeOut := pipe(t)
	reasonIn, reasonOut := pipe(t)
	logIn, logOut := pipe(t)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = messIn, envelopeIn, logOut
	cmd.ExtraFiles = make([]*os.File, 10)
	if s.hears == nil {
		s.hears = []int{6}
	}
	for _, fd := range s.hears {
		if fd == 2 {
			cmd.Stderr = reasonOut
		} else {
			cmd.ExtraFiles[fd-3] = reasonOut
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{messIn, envelopeIn, reasonOut, logOut} {
		f.Close()
	}
	go func() { // as qmail-smtpd writes, one after the other
		io.WriteString(messOut, s.mess)
		messOut.Close()
		io.WriteString(envelopeOut, s.envelope)
		envelopeOut.Close()
	}()
	reason := make(chan string)
	go func() {
		data, _ := io.ReadAll(reasonIn)
		reason <- string(data)
	}()
	log, _ := io.ReadAll(logIn)
	o.log, o.reason = string(log), <-reason
	cmd.Wait()
	o.code = cmd.ProcessState.ExitCode()
	_, err := os.Stat(home + "/queued")
	o.queued = err == nil
	o.mess, o.envelope, o.env = read(home+"/mess"), read(home+"/envelope"), read(home+"/env")
	if left, err := os.ReadDir(home + "/tmp"); len(left) > 0 || err != nil {
		t.Errorf("left in TMPDIR: %v, %v", left, err)
	}
	return o
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	os.MkdirAll(path[:strings.LastIndexByte(path, '/')], 0o755)
	// A child that another test forks now would hold it open, busy.
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte(text), mode)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
}

func read(path string) string {
	data, _ := os.ReadFile(path)
	return string(data)
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// serve does the same with each connection to a socket.
func serve(t *testing.T, path string, do func(net.Conn)) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			do(conn)
			conn.Close()
		}
	}()
}

// says is a clamd that reads a whole message and then says something.
func says(reply string) func(net.Conn) {
	return func(conn net.Conn) {
		in := bufio.NewReader(conn)
		in.ReadString(0)
		for size := uint32(1); size > 0; in.Discard(int(size)) {
			if binary.Read(in, binary.BigEndian, &size) != nil {
				return
			}
		}
		io.WriteString(conn, reply)
	}
}

// spamdSays is a spamd that reads a whole message and then says something.
func spamdSays(spam, tests string) func(net.Conn) {
	return spamdSaysAll("SPAMD/1.1 0 EX_OK\r\nContent-length: " + strconv.Itoa(len(tests)) + "\r\nSpam: " + spam + "\r\n\r\n" + tests)
}

func spamdSaysAll(reply string) func(net.Conn) {
	return func(conn net.Conn) {
		in := bufio.NewReader(conn)
		in.ReadString('\n')
		length, _ := in.ReadString('\n')
		in.ReadString('\n')
		n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(length, "Content-length: ")))
		in.Discard(n)
		io.WriteString(conn, reply)
	}
}

// hangs is a daemon that says nothing, until the other end gives up.
func hangs(conn net.Conn) { io.Copy(io.Discard, conn) }

// dies is one that goes away at once, drips one that never comes to an end.
func dies(net.Conn) {}

func drips(conn net.Conn) {
	go io.Copy(io.Discard, conn)
	for {
		if _, err := io.WriteString(conn, "x"); err != nil {
			return
		}
	}
}

func TestCleanMailIsQueued(t *testing.T) {
	t.Parallel()
	big := plain + strings.Repeat("0123456789abcdef\n", 100000)
	many := "F\x00" + strings.Repeat("Tc@d.example\x00", 5000) + "\x00"
	for _, c := range []struct{ name, mess, envelope string }{
		{"small", plain, toTwo},
		{"big", big, many},
		{"no header", "\nbody\n", "F\x00\x00"},
		{"no newline at the end", "Subject: x", toTwo},
		{"any bytes", "\x00\xff\r\n.\n\r", "F\xff\x00T\xff\x00\x00"},
		{"more after the envelope", plain, toTwo + "Tg@h.example\x00\x00"},
	} {
		o := setup{mess: c.mess, envelope: c.envelope}.run(t)
		if o.code != 0 || !o.queued || o.reason != "" {
			t.Fatalf("%s: %d, queued %v, %q, %q", c.name, o.code, o.queued, o.reason, o.log)
		}
		if o.mess != clean+c.mess {
			t.Errorf("%s: message %.200q", c.name, o.mess)
		}
		if !strings.HasPrefix(c.envelope, o.envelope) || !strings.HasSuffix(o.envelope, "\x00\x00") {
			t.Errorf("%s: envelope %.100q", c.name, o.envelope)
		}
	}
}

// Where nobody reads the log, mail goes on.
func TestLogMayBeGone(t *testing.T) {
	t.Parallel()
	const gone = `mkfifo "$TMPDIR/log" && exec 9<>"$TMPDIR/log" 2>"$TMPDIR/log" 9<&- && rm "$TMPDIR/log"`
	if o := (setup{shell: gone}).run(t); o.code != 0 || !o.queued {
		t.Errorf("%d, queued %v", o.code, o.queued)
	}
}

// What the caller gets is qmail-queue's own answer.
func TestQmailQueueHasTheLastWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		queue        string
		code         int
		reason, name string
	}{
		{"exit 53", 53, "", "code"},
		{"printf 'Dfull of it' >&6; exit 82", 82, "Dfull of it", "reason"},
		{"kill -9 $$", -1, "", "killed"},
	} {
		if o := (setup{queue: c.queue}).run(t); o.code != c.code || o.reason != c.reason || !o.queued {
			t.Errorf("%s: %d, %q, queued %v", c.name, o.code, o.reason, o.queued)
		}
	}
	o := setup{env: []string{"KEPT=yes"}}.run(t)
	if strings.Contains(o.env, "QUEUE=") || !strings.Contains(o.env, "KEPT=yes\n") {
		t.Errorf("its environment: %q", o.env)
	}
	o = setup{env: []string{"SCANQUEUE=bin/none"}}.run(t)
	if o.code != 120 || o.queued || !strings.HasSuffix(o.log, " fatal: unable to run bin/none: file does not exist\n") {
		t.Errorf("a chain to nowhere: %d, %q", o.code, o.log)
	}
	o = setup{env: []string{"SCANQUEUE=bin/qmail-queue"}}.run(t)
	if o.code != 0 || !o.queued || strings.Contains(o.env, "QUEUE=") {
		t.Errorf("a chain: %d, %q, %q", o.code, o.log, o.env)
	}
}

func TestVirusesAreRefused(t *testing.T) {
	t.Parallel()
	const reason = "Dthis message has a virus, Eicar, and is refused (#5.7.1)"
	for _, c := range []struct {
		name   string
		setup  setup
		code   int
		reason string
	}{
		{"notqmail hears on 6", setup{}, 82, reason},
		{"patched for simscan, on 4", setup{hears: []int{4}}, 82, reason},
		{"on both, which are one", setup{hears: []int{4, 6}}, 82, reason},
		{"where ERROR_FD says", setup{hears: []int{9}, env: []string{"ERROR_FD=9"}}, 82, reason},
		{"on standard error", setup{hears: []int{2}, env: []string{"ERROR_FD=2"}}, 82, reason},
		{"nowhere", setup{hears: []int{}}, 31, ""},
		{"something else is there", setup{hears: []int{}, shell: "exec 6>>$TEST_HOME/else"}, 31, ""},
		{"a text of one's own", setup{control: map[string]string{"scanreply": "no % here, % (#5.7.0)\n"}}, 82, "Dno Eicar here, Eicar (#5.7.0)"},
	} {
		c.setup.clamd = says("stream: Eicar FOUND\x00")
		o := c.setup.run(t)
		if o.code != c.code || o.reason != c.reason || o.queued {
			t.Errorf("%s: %d, %q, queued %v", c.name, o.code, o.reason, o.queued)
		}
		if o.log != "" && !strings.HasSuffix(o.log, " virus Eicar refused"+someLogged+"\n") {
			t.Errorf("%s: log %q", c.name, o.log)
		}
	}
	o := setup{clamd: says("stream: Eicar FOUND\x00"), control: map[string]string{"scanvirus": "mark\n"}}.run(t)
	want := "X-Virus-Scanned: qmail-scan at mail.example\nX-Virus-Status: Infected (Eicar)\n" + plain
	if o.code != 0 || o.mess != want || !strings.HasSuffix(o.log, " virus Eicar"+someLogged+"\n") {
		t.Errorf("marked: %d, %q, %q", o.code, o.mess, o.log)
	}
}

// Where clamd does not tell, mail waits, unless the administrator has it pass.
func TestTroubleWithClamdDefers(t *testing.T) {
	t.Parallel()
	big := plain + strings.Repeat("x\n", 1<<20)
	for _, c := range []struct {
		name, warning string
		setup         setup
	}{
		{"it is not there", "file does not exist", setup{control: map[string]string{"clamd": "/none\n"}}},
		{"its address is none", "neither a path nor an IP address and port", setup{control: map[string]string{"clamd": "localhost:3310\n"}}},
		{"it dies", "", setup{clamd: dies}},
		{"it dies on a big message", "", setup{clamd: dies, mess: big}},
		{"it hangs", "timed out", setup{clamd: hangs, control: map[string]string{"scantimeout": "1\n"}}},
		{"it reads nothing", "timed out", setup{clamd: func(conn net.Conn) { conn.Read(make([]byte, 1)); select {} }, mess: big, control: map[string]string{"scantimeout": "1\n"}}},
		{"it talks and talks", "", setup{clamd: drips, control: map[string]string{"scantimeout": "10\n"}}},
		{"it is cut off", "unexpected EOF", setup{clamd: says("stream: OK")}},
		{"it is something else", `unexpected answer "220 mail.example ESMTP"`, setup{clamd: says("220 mail.example ESMTP\x00")}},
		{"it has an error", `unexpected answer "stream: x ERROR"`, setup{clamd: says("stream: x ERROR\x00")}},
		{"no time", "timed out", setup{control: map[string]string{"scantimeout": "0\n"}}},
	} {
		o := c.setup.run(t)
		if o.code != 82 || o.reason != noViruses || o.queued {
			t.Errorf("%s: %d, %q, queued %v", c.name, o.code, o.reason, o.queued)
		}
		if !strings.Contains(o.log, " warning: clamd at ") || !strings.Contains(o.log, ": "+c.warning) || strings.Count(o.log, "\n") != 2 || !strings.Contains(o.log, " unscanned deferred: bytes ") {
			t.Errorf("%s: log %q, want %q", c.name, o.log, c.warning)
		}
	}
	o := setup{clamd: dies, hears: []int{}}.run(t)
	if o.code != 71 || o.queued {
		t.Errorf("where no reason is heard: %d, queued %v", o.code, o.queued)
	}
	o = setup{clamd: dies, control: map[string]string{"scanfailure": "accept\n"}}.run(t)
	if want := "X-Virus-Status: Unscanned (no answer)\n" + plain; o.code != 0 || o.mess != want {
		t.Errorf("accepted: %d, %q", o.code, o.mess)
	}
}

func TestBigMessagesAreNotScanned(t *testing.T) {
	t.Parallel()
	virus := says("stream: Eicar FOUND\x00")
	for _, c := range []struct {
		name, limit string
		clamd       func(net.Conn)
		code        int
	}{
		{"above the limit", "48\n", virus, 0},
		{"at the limit", "49\n", virus, 82},
		{"no limit", "0\n", virus, 82},
		{"clamd's limit", "0\n", says("INSTREAM size limit exceeded. ERROR\x00"), 0},
	} {
		o := setup{clamd: c.clamd, control: map[string]string{"scanbytes": c.limit}}.run(t)
		if o.code != c.code || o.code == 0 && o.mess != "X-Virus-Status: Unscanned (too big)\n"+plain {
			t.Errorf("%s: %d, %q", c.name, o.code, o.mess)
		}
	}
}

func TestSpamIsMarkedOrRefused(t *testing.T) {
	t.Parallel()
	ham, spam := spamdSays("False ; 1.5 / 5.0", ""), spamdSays("True ; 15.5 / 5.0", "A,B\r\n")
	const (
		hamHeader  = clean + "X-Spam-Score: 1.5\nX-Spam-Status: No, score=1.5 required=5.0\n\ttests=none\n"
		spamHeader = clean + "X-Spam-Flag: YES\nX-Spam-Score: 15.5\nX-Spam-Status: Yes, score=15.5 required=5.0\n\ttests=A,B\n"
		refused    = "Dthis message looks like spam and is refused (#5.7.1)"
	)
	for _, c := range []struct {
		name           string
		spamd          func(net.Conn)
		control        map[string]string
		env            []string
		header, reason string // one of them
		log            string
	}{
		{"no spam", ham, nil, nil, hamHeader, "", " clean" + someLogged + " score 1.5/5.0\n"},
		{"spam", spam, nil, nil, spamHeader, "", " spam" + someLogged + " score 15.5/5.0\n"},
		{"below the limit", spam, map[string]string{"spamscore": "15.6\n"}, nil, spamHeader, "", ""},
		{"at the limit", spam, map[string]string{"spamscore": "15.5\n"}, nil, "", refused, " spam refused" + someLogged + " score 15.5/5.0\n"},
		{"above the limit, but no spam", ham, map[string]string{"spamscore": "1\n"}, nil, hamHeader, "", ""},
		{"too big", spam, map[string]string{"spambytes": "48\n"}, nil, clean, "", ""},
		{"without clamd", spam, map[string]string{"clamd": ""}, nil, strings.TrimPrefix(spamHeader, clean), "", ""},
		{"a client that may relay", spam, map[string]string{"spamskip": "relayclient\n"}, []string{"RELAYCLIENT="}, clean, "", " clean" + someLogged + "\n"},
		{"a sender", spam, map[string]string{"spamskip": "from:A@b.example\n"}, nil, clean, "", ""},
		{"spamd dies", dies, nil, nil, "", noSpam, " clean deferred" + someLogged + "\n"},
		{"spamd hangs", hangs, map[string]string{"scantimeout": "1\n"}, nil, "", noSpam, ""},
		{"spamd talks and talks", drips, map[string]string{"scantimeout": "10\n"}, nil, "", noSpam, ""},
		{"spamd is cut off", spamdSaysAll("SPAMD/1.1 0 EX_OK\r\nContent-length: 5\r\nSpam: False ; 1 / 5\r\n\r\nA,B"), nil, nil, "", noSpam, ""},
		{"spamd is busy", spamdSaysAll("SPAMD/1.1 75 EX_TEMPFAIL\r\n\r\n"), nil, nil, "", noSpam, ""},
		{"spamd dies, and there is no clamd", dies, map[string]string{"clamd": ""}, nil, "", noSpam, " unscanned deferred" + someLogged + "\n"},
		{"spamd does not matter", dies, map[string]string{"scanfailure": "accept\n"}, nil, clean, "", ""},
	} {
		o := setup{spamd: c.spamd, control: c.control, env: c.env}.run(t)
		if o.queued != (c.reason == "") || o.reason != c.reason || o.queued && o.mess != c.header+plain {
			t.Errorf("%s: %d, %q, %q", c.name, o.code, o.reason, o.mess)
		}
		if !strings.HasSuffix(o.log, c.log) {
			t.Errorf("%s: log %q", c.name, o.log)
		}
	}
}

func TestSomeMailIsSkipped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, rules string
		env         []string
		skipped     bool
	}{
		{"nothing", "", nil, false},
		{"may relay", "relayclient\n", []string{"RELAYCLIENT="}, true},
		{"address", "ip:192.0.2.9\n", nil, true},
		{"sender", "from:a@B.example\n", nil, true},
		{"bounces", "from:\n", nil, false},
		{"all recipients", "to:c@d.example\nto:@f.example\n", nil, true},
		{"one of them", "to:c@d.example\n", nil, false},
	} {
		o := setup{control: map[string]string{"scanskip": c.rules}, env: c.env}.run(t)
		want := clean + plain
		if c.skipped {
			want = plain
		}
		if o.code != 0 || o.mess != want || o.envelope != toTwo || strings.Contains(o.log, " skipped: ") != c.skipped {
			t.Errorf("%s: %d, %q, %q", c.name, o.code, o.mess, o.log)
		}
	}
	o := setup{control: map[string]string{"scanskip": "from:\n"}, envelope: "F\x00Ta@b.example\x00\x00"}.run(t)
	if o.mess != plain {
		t.Errorf("a bounce: %q", o.mess)
	}
	many := "Fa@b\x00" + strings.Repeat("Tc@d.example\x00", 2000) + "Te@f.example\x00\x00"
	o = setup{control: map[string]string{"scanskip": "to:c@d.example\n"}, envelope: many}.run(t)
	if o.mess != clean+plain {
		t.Errorf("many recipients: %q", o.mess)
	}
}

// Whoever sends a message has no say in what its header tells of it.
func TestFieldsFromOutsideAreRenamed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100000)
	const spamOff = "X-Spam-Status: No\n"
	for _, c := range []struct{ name, mess, want string }{
		{"status", "X-Virus-Status: Clean\n\nbody\n", "Old-X-Virus-Status: Clean\n\nbody\n"},
		{"case, blanks and continuation", "A: b\nx-VIRUS-scanned \t: y\n z\nC: d\n", "A: b\nOld-x-VIRUS-scanned \t: y\n z\nC: d\n"},
		{"again and again", strings.Repeat("X-Virus-Status:\n", 1000), strings.Repeat("Old-X-Virus-Status:\n", 1000)},
		{"after a long line", "A: " + long + "\nX-Virus-Status: Clean\n", "A: " + long + "\nOld-X-Virus-Status: Clean\n"},
		{"in a long line", "A: " + long + "X-Virus-Status: Clean\n", "A: " + long + "X-Virus-Status: Clean\n"},
		{"a long one", "X-Virus-Status: " + long, "Old-X-Virus-Status: " + long},
		{"no field", "X-Virus-Status\nX-Virus-Status-2: x\nA: X-Virus-Status: x\n X-Virus-Status: x\n", "X-Virus-Status\nX-Virus-Status-2: x\nA: X-Virus-Status: x\n X-Virus-Status: x\n"},
		{"in the body", "\nX-Virus-Status: Clean\n", "\nX-Virus-Status: Clean\n"},
		{"after a line that looks empty", "A: b\n\r\nX-Virus-Status: Clean\n", "A: b\n\r\nOld-X-Virus-Status: Clean\n"},
		{"of a check that is not made", spamOff, spamOff},
	} {
		if o := (setup{mess: c.mess}).run(t); o.mess != clean+c.want {
			t.Errorf("%s: %.300q", c.name, o.mess)
		}
	}
	o := setup{mess: "X-Spam-Status: No\nX-Spam-Score: -9\nX-Spam-Flag: NO\nX-Spam-Level: *\nX-Spam-Other: x\n", spamd: spamdSays("True ; 9 / 5", "A")}.run(t)
	if want := "\n\ttests=A\nOld-X-Spam-Status: No\nOld-X-Spam-Score: -9\nOld-X-Spam-Flag: NO\nOld-X-Spam-Level: *\nX-Spam-Other: x\n"; !strings.HasSuffix(o.mess, want) {
		t.Errorf("spam: %q", o.mess)
	}
}

// A log has one line for a message, whatever is in it.
func TestLogCannotBeForged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, mess, envelope, clamd, want string }{
		{"virus", plain, toTwo, "stream: a\nqmail-scan: pid 1 clean:\xff(b) FOUND\x00", " virus a_qmail-scan:_pid_1_clean:__b_ refused" + someLogged + "\n"},
		{"sender", plain, "Fa>\nqmail-scan: x\x1b\x00Tb\x00\x00", "stream: OK\x00", ": bytes 49 from <a__qmail-scan:_x_> ip "},
		{"message-id", "Message-Id: <1> ip 1 \x1b[0m\x00\xff\r\n\n", toTwo, "stream: OK\x00", " id <1__ip_1__[0m__>\n"},
		{"message-id on the next line", "MESSAGE-ID :\n\t<1@b>\nMessage-ID: <2@b>\n\n", toTwo, "stream: OK\x00", " id <1@b>\n"},
		{"no message-id", "A: b\n <c>\n\nMessage-ID: <1@b>\n", toTwo, "stream: OK\x00", " id <>\n"},
		{"long message-id", "Message-ID: <" + strings.Repeat("x", 1000) + ">\n", toTwo, "stream: OK\x00", " id <" + strings.Repeat("x", 200) + ">\n"},
		{"answer", plain, toTwo, "a\n\xffb\x00", `: unexpected answer "a\n\xffb"` + "\n"},
	} {
		o := setup{mess: c.mess, envelope: c.envelope, clamd: says(c.clamd)}.run(t)
		if !strings.Contains(o.log, c.want) {
			t.Errorf("%s: %q, want %q", c.name, o.log, c.want)
		}
		for line := range strings.Lines(o.log) {
			if !strings.HasPrefix(line, "qmail-scan: pid ") || strings.ContainsFunc(line[:len(line)-1], func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s: line %q", c.name, line)
			}
		}
	}
	o := setup{clamd: says("stream: a\nX-Spoof: b FOUND\x00"), control: map[string]string{"scanvirus": "mark"}}.run(t)
	if !strings.Contains(o.mess, "\nX-Virus-Status: Infected (a_X-Spoof:_b)\nReceived:") {
		t.Errorf("header %q", o.mess)
	}
}

// What goes wrong before there is a verdict, with the codes of qmail-queue.
func TestTrouble(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		setup setup
		code  int
		log   string
	}{
		{"no envelope", setup{envelope: "F"}, 54, "fatal: the envelope ends early"},
		{"the sender alone", setup{envelope: "Fa@b.example\x00"}, 54, "fatal: the envelope ends early"},
		{"an envelope without end", setup{envelope: strings.TrimSuffix(toTwo, "\x00")}, 54, "fatal: the envelope ends early"},
		{"a recipient without end", setup{envelope: "Fa@b\x00Tc@d"}, 54, "fatal: the envelope ends early"},
		{"something else", setup{envelope: "X\x00"}, 91, "fatal: no envelope"},
		{"two senders", setup{envelope: "Fa\x00Fb\x00\x00"}, 91, "fatal: no envelope"},
		{"no sender", setup{envelope: "\x00"}, 91, "fatal: no envelope"},
		{"a long address", setup{envelope: "F" + strings.Repeat("x", 1003) + "\x00\x00"}, 11, "fatal: address too long"},
		{"a message that cannot be read", setup{shell: "exec </"}, 54, "fatal: is a directory"},
		{"no directory for it", setup{env: []string{"TMPDIR=/none"}}, 53, "fatal: file does not exist"},
		{"no room for it", setup{shell: "ulimit -f 20", mess: strings.Repeat("x\n", 100000)}, 53, "fatal: "},
		{"no room for its header", setup{shell: "ulimit -f 20", mess: strings.Repeat("x:\n", 100000)}, 53, "fatal: "},
		{"no home", setup{env: []string{"TEST_HOME=/none"}}, 61, ""},
		{"scanfailure", setup{control: map[string]string{"scanfailure": "acept\n"}}, 55, "fatal: unable to use control/scanfailure: neither defer nor accept"},
		{"scanvirus", setup{control: map[string]string{"scanvirus": "\n"}}, 55, "fatal: unable to use control/scanvirus: neither refuse nor mark"},
		{"spamscore", setup{control: map[string]string{"spamscore": "high\n"}}, 55, "fatal: unable to use control/spamscore: no number"},
		{"scanskip", setup{control: map[string]string{"scanskip": "form:a@b\n"}}, 55, "fatal: unable to use control/scanskip: no such rule: form:a@b"},
		{"spamskip", setup{control: map[string]string{"spamskip": "ip:\n"}}, 55, "fatal: unable to use control/spamskip: no such rule: ip:"},
		{"unreadable", setup{shell: "rm $TEST_HOME/control/me; mkdir $TEST_HOME/control/me"}, 55, "fatal: unable to use control/me: is a directory"},
	} {
		o := c.setup.run(t)
		if o.code != c.code || o.queued || !strings.Contains(o.log, c.log) || o.reason != "" {
			t.Errorf("%s: %d, queued %v, %q, %q", c.name, o.code, o.queued, o.log, o.reason)
		}
	}
}

func TestTestsFitBeforeAMessage(t *testing.T) {
	tests := strings.TrimSuffix(strings.Repeat("SOME_TEST_OF_SPAMASSASSIN,", 10000), ",")
	for line := range strings.SplitSeq(fold(tests), "\n\t") {
		if len(line) > 76 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	if n := len(fold(strings.Repeat("X,", 100000))); n > room/2+200 {
		t.Errorf("%d bytes do not fit before a message", n)
	}
}
