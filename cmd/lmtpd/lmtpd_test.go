package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"goqmail/lib/delivery"
	"goqmail/lib/imapconf"
	"goqmail/lib/mailstore"
	"goqmail/lib/service/servicetest"
	"goqmail/lib/syslog"
)

// system is a server with a store that has user.john, user.john@virt^example, user.john.SPAM, user.mary with
// user.mary.open, to which anyone may post, user.mary.virt, to which the latter may, user.mary.drop, to which anonymous may, and
// user.mary.team, to which root's group may, and shared.news, which john may post to
// and mary only see.
type system struct {
	*server
	dir string

	mu    sync.Mutex
	lines []string // of the log
}

func newSystem(t testing.TB, settings ...string) *system {
	t.Helper()
	dir := t.TempDir()
	conf := imapconf.Conf{"configdirectory": dir + "/config", "partition-default": dir + "/spool", "servername": "host.example"}
	for _, line := range settings {
		name, value, _ := strings.Cut(line, ": ")
		conf[name] = value
	}
	s := &system{dir: dir}
	agent, err := delivery.Open(conf, func(_ syslog.Level, format string, args ...any) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lines = append(s.lines, fmt.Sprintf(format, args...))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.Close() })
	s.server = newServer(agent, false)
	own, err := user.LookupGroupId("0")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []mailstore.Entry{
		{Name: "user.john", ACL: "john\tlrswipkxtecda\t"},
		{Name: "user.john.SPAM", ACL: "john\tlrswipkxtecda\t"},
		{Name: "user.mary", ACL: "mary\tlrswipkxtecda\t"},
		{Name: "user.mary.open", ACL: "mary\tlrswipkxtecda\tanyone\tp\t"},
		{Name: "user.john@virt^example", ACL: "john@virt.example\tlrswipkxtecda\t"},
		{Name: "user.mary.virt", ACL: "mary\tlrswipkxtecda\tjohn@virt.example\tp\t"},
		{Name: "user.mary.drop", ACL: "mary\tlrswipkxtecda\tanonymous\tp\t"},
		{Name: "user.mary.team", ACL: "mary\tlrswipkxtecda\tgroup:" + own.Name + "\tp\t"},
		{Name: "shared.news", ACL: "john\tlrsp\tmary\tlrs\t"},
	} {
		if err := agent.Store.Create(e); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// set has the server use another configuration.
func (s *system) set(setting string) {
	agent := s.agent.Load()
	conf := maps.Clone(agent.Conf)
	for _, name := range []string{"reject8bit", "munge8bit", "maxmessagesize", "postuser", "virtdomains", "unix_group_enable", "lmtp_downcase_rcpt", "username_tolower", "unixhierarchysep", "altnamespace"} {
		delete(conf, name)
	}
	name, value, _ := strings.Cut(setting, ": ")
	conf[name] = value
	s.agent.Store(agent.With(conf))
}

// stored returns the files of a mailbox's messages as they are, by their names.
func (s *system) stored(t testing.TB, mailbox string) (texts []string) {
	t.Helper()
	files, err := filepath.Glob(s.dir + "/spool/" + strings.ReplaceAll(mailbox, ".", "/") + "/[0-9]*.")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	return texts
}

func (s *system) logged(line string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, l := range s.lines {
		if l == line {
			n++
		}
	}
	return n
}

// connect returns a connection by a unix socket.
func (s *system) connect(t testing.TB) net.Conn {
	t.Helper()
	return servicetest.Connect(t, "unix", s.serve)
}

// say sends all that a client says at once, and QUIT, and returns all replies
// between the greeting and the one to QUIT.
func (s *system) say(t testing.TB, text string) string {
	t.Helper()
	return say(t, s.connect(t), text)
}

func say(t testing.TB, c net.Conn, text string) string {
	t.Helper()
	go io.WriteString(c, text+"QUIT\r\n")
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("%v after %q", err, b)
	}
	got, ok := strings.CutPrefix(string(b), "220 host.example LMTP goqmail ready\r\n")
	if !ok {
		t.Fatalf("greeting: %q", b)
	}
	return strings.TrimSuffix(got, "221 2.0.0 bye\r\n")
}

const (
	unknown = "550-Mailbox unknown.  Either there is no mailbox associated with this\r\n" +
		"550-name or you do not have authorization to see it.\r\n550 5.1.1 User unknown\r\n"
	denied = "550-You do not have permission to post a message to this mailbox.\r\n" +
		"550-Please contact the owner of this mailbox in order to submit\r\n" +
		"550-your message, or postmaster if you believe you\r\n" +
		"550-received this message in error.\r\n550 5.7.1 Permission denied\r\n"
)

func TestDialogue(t *testing.T) {
	s := newSystem(t)
	for _, c := range []struct{ name, say, want string }{
		{"LHLO", "LHLO me\r\n", "250-host.example\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n250-SIZE\r\n250-AUTH EXTERNAL\r\n250 IGNOREQUOTA\r\n"},
		{"no HELO", "HELO me\r\nEHLO me\r\nLHLO\r\n", strings.Repeat("500 5.5.2 Syntax error\r\n", 3)},
		{"NOOP, VRFY, RSET", "noop\r\nVrfy x\r\nrset\r\n", "250 2.0.0 ok\r\n252 2.3.3 try RCPT to attempt delivery\r\n250 2.0.0 ok\r\n"},
		{"order", "RCPT TO:<john>\r\nDATA\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nDATA\r\n",
			"503 5.5.1 Need MAIL command\r\n503 5.5.1 No recipients\r\n250 2.1.0 ok\r\n503 5.5.1 Nested MAIL command\r\n503 5.5.1 No recipients\r\n"},
		{"parameters of MAIL", "MAIL FROM:<> BODY=8BITMIME SIZE=10 AUTH=<>\r\nRSET\r\nMAIL FROM:<> BODY=9BIT\r\nMAIL FROM:<> SIZE=x\r\nMAIL FROM:<> FOO=1\r\nMAIL FROM:<> SIZE=99999999999999999999\r\nMAIL FROM:a@b\r\nMAIL TO:<a@b>\r\n",
			"250 2.1.0 ok\r\n250 2.0.0 ok\r\n501 5.5.4 Unrecognized BODY type\r\n501 5.5.2 SIZE requires a value\r\n501 5.5.4 Unrecognized parameters\r\n552 5.2.3 Message SIZE exceeds fixed maximum message size (2147483647)\r\n501 5.5.4 Syntax error in parameters\r\n501 5.5.4 Syntax error in parameters\r\n"},
		{"AUTH", "AUTH PLAIN\r\nAUTH EXTERNAL !\r\nAUTH EXTERNAL cm9vdA==\r\nAUTH EXTERNAL =\r\nAUTH EXTERNAL =\r\n",
			"504 Unrecognized authentication type.\r\n501 5.5.4 bad protocol / cancel\r\n501 5.5.4 authentication failure\r\n235 Authenticated!\r\n503 5.5.0 already authenticated\r\n"},
		{"AUTH in two steps", "AUTH EXTERNAL\r\n*\r\nAUTH EXTERNAL\r\ncG9zdG1hbg==\r\n", "334 \r\n501 5.5.4 client canceled authentication\r\n334 \r\n235 Authenticated!\r\n"},
		{"long line", "NOOP " + strings.Repeat("x", 100000) + "\r\nNOOP\r\n", "500 5.5.2 Syntax error\r\n250 2.0.0 ok\r\n"},
		{"control characters", "NO\x00OP\r\nVRFY a\rb\r\n", "500 5.5.2 Syntax error\r\n500 5.5.2 Syntax error\r\n"},
		{"recipients", "MAIL FROM:<>\r\nRCPT TO:<john>\r\nRCPT TO:<john@any.where> IGNOREQUOTA\r\nRCPT TO:<john+SPAM>\r\nRCPT TO:<JOHN>\r\nRCPT TO:<nosuch>\r\nRCPT TO:<john> FOO\r\nRCPT TO:<john\r\nRCPT TO:<>\r\nRCPT TO:<../john>\r\nRCPT TO:<\"jo\\hn\"@x>\r\n",
			"250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n" + unknown + unknown + "501 5.5.4 Unrecognized parameters\r\n501 5.5.4 Syntax error in parameters\r\n" + unknown + unknown + "250 2.1.5 ok\r\n"},
		{"shared", "MAIL FROM:<> AUTH=mary\r\nRCPT TO:<+shared.news>\r\nRCPT TO:<+user.john>\r\nRCPT TO:<+user.mary>\r\nRSET\r\nMAIL FROM:<> AUTH=john\r\nRCPT TO:<+shared.news@x>\r\nRCPT TO:<+>\r\nRCPT TO:<+INBOX>\r\n",
			"250 2.1.0 ok\r\n" + denied + unknown + "250 2.1.5 ok\r\n250 2.0.0 ok\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n" + unknown + unknown},
	} {
		if got := s.say(t, c.say); got != c.want {
			t.Errorf("%s:\ngot  %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestTCPNeedsTrust(t *testing.T) {
	s := newSystem(t)
	for trusted, want := range map[bool]string{
		false: "530 Authentication required\r\n504 Unrecognized authentication type.\r\n",
		true:  "250 2.1.0 ok\r\n503 5.5.0 AUTH not permitted now\r\n",
	} {
		s.preauth = trusted
		if got := say(t, s.connectTCP(t), "MAIL FROM:<>\r\nAUTH EXTERNAL =\r\n"); got != want {
			t.Errorf("%v: %q", trusted, got)
		}
	}
}

// send is a dialogue that sends a message; its last replies are those after DATA.
func send(from, to, text string) string {
	s := "LHLO there\r\nMAIL FROM:" + from + "\r\n"
	for _, r := range strings.Fields(to) {
		s += "RCPT TO:<" + r + ">\r\n"
	}
	return s + "DATA\r\n" + text + "\r\n.\r\n"
}

// after returns the replies after DATA.
func after(replies string) string {
	_, rest, _ := strings.Cut(replies, "354 go ahead\r\n")
	return rest
}

var dates = regexp.MustCompile(`\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4}`)

func TestStoredMessage(t *testing.T) {
	const top = "Return-Path: <a@b>\r\nReceived: from there ([unix socket])\r\n\tby host.example (goqmail) with LMTPA;\r\n\tDATE\r\n"
	s := newSystem(t)
	for i, c := range []struct{ name, text, want string }{
		{"plain", "Date: today\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n..dot\r\n", top + "Date: today\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n.dot\r\n\r\n"},
		{"return path is replaced", "Return-Path: <old>\r\n (more)\r\nDate: today\r\nRETURN-PATH: <older>\r\nMessage-ID: <2@x>\r\n\r\n", top + "Date: today\r\nMessage-ID: <2@x>\r\n\r\n\r\n"},
		{"what is missing", "Subject: x\r\n\r\nbody", top + "Subject: x\r\nDate: DATE\r\nMessage-ID: <cmu-lmtpd-ID@host.example>\r\n\r\nbody\r\n"},
		{"line ends", "Date: a\nMess\rage-ID: <3@x>\n\nx\ny\rz\r\r\n", top + "Date: a\r\nMessage-ID: <3@x>\r\n\r\nx\r\nyz\r\n\r\n"},
		{"no body", "Date: today\r\nMessage-ID: <4@x>", top + "Date: today\r\nMessage-ID: <4@x>\r\n\r\n"},
		{"8 bit", "Date: today\r\nMessage-ID: <5@x>\r\nSubject: \xe4\r\n\r\n\xe4", top + "Date: today\r\nMessage-ID: <5@x>\r\nSubject: \xe4\r\n\r\n\xe4\r\n"},
		{"long lines", "Date: today\r\nMessage-ID: <6@x>\r\nX: " + strings.Repeat("y", 200000) + "\r\nY: z\r\n\r\n" + strings.Repeat("z", 200000), top + "Date: today\r\nMessage-ID: <6@x>\r\nX: " + strings.Repeat("y", 200000) + "\r\nY: z\r\n\r\n" + strings.Repeat("z", 200000) + "\r\n"},
		{"no end in sight", "Date: a\r\nMessage-ID: <7@x>\r\n\r\n1\n.\r\n2\r\n.\n3\r.\r\n4\n.\n5", top + "Date: a\r\nMessage-ID: <7@x>\r\n\r\n1\r\n.\r\n2\r\n\r\n3.\r\n4\r\n.\r\n5\r\n"},
	} {
		if got := after(s.say(t, send("<a@b>", "john", c.text))); got != "250 2.1.5 Ok\r\n" {
			t.Errorf("%s: %q", c.name, got)
		}
		stored := s.stored(t, "user.john")
		if len(stored) != i+1 {
			t.Fatalf("%s: %d messages", c.name, len(stored))
		}
		got := dates.ReplaceAllString(stored[i], "DATE")
		got = regexp.MustCompile(`cmu-lmtpd-\d+-\d+-\d+@`).ReplaceAllString(got, "cmu-lmtpd-ID@")
		if got != c.want {
			t.Errorf("%s:\ngot  %.1000q\nwant %.1000q", c.name, got, c.want)
		}
	}
}

func TestAuthenticatedAndLocalSender(t *testing.T) {
	s := newSystem(t)
	s.say(t, send("<john> AUTH=john", "+user.john.SPAM", "Subject: x\r\n"))
	stored := s.stored(t, "user.john.SPAM")
	const want = "Return-Path: <john@host.example>\r\nReceived: from there ([unix socket])\r\n\t(authenticated user=john bits=0)\r\n\tby host.example (goqmail) with LMTPA;\r\n"
	if len(stored) != 1 || !strings.HasPrefix(stored[0], want) {
		t.Errorf("stored %q", stored)
	}
}

func TestRefusedMessages(t *testing.T) {
	s, delivered := newSystem(t), 0
	for _, c := range []struct{ name, setting, text, want string }{
		{"From line", "", "From a@b Mon Jan 1\r\nSubject: x\r\n\r\n", "554 5.6.0 Message contains invalid header\r\n"},
		{"quoted From line", "", ">From a@b Mon Jan 1\r\n\r\n", "554 5.6.0 Message contains invalid header\r\n"},
		{"no colon", "", "Subject: x\r\nno colon\r\n\r\n", "554 5.6.0 Message contains invalid header\r\n"},
		{"continues nothing", "", " x: y\r\n\r\n", "554 5.6.0 Message contains invalid header\r\n"},
		{"no name", "", ": y\r\n\r\n", "554 5.6.0 Message contains invalid header\r\n"},
		{"NUL in the header", "", "Subject: \x00\r\n\r\n", "554 5.6.0 Message contains NUL characters\r\n"},
		{"NUL in the body", "", "Subject: x\r\n\r\na\x00b\r\n", "554 5.6.0 Message contains NUL characters\r\n"},
		{"reject8bit", "reject8bit: yes", "Subject: \xe4\r\n\r\n", "554 5.6.0 Message contains non-ASCII characters in headers\r\n"},
		{"reject8bit is about headers", "reject8bit: yes", "Subject: x\r\n\r\n\xe4", "250 2.1.5 Ok\r\n"},
		{"too large", "maxmessagesize: 1000", "Subject: x\r\n\r\n" + strings.Repeat("x", 1000), "552 5.2.3 Message size exceeds fixed maximum message size (1000)\r\n"},
	} {
		s.set(c.setting)
		got := after(s.say(t, send("<>", "john mary", c.text)+"NOOP\r\n"))
		if want := c.want + c.want + "250 2.0.0 ok\r\n"; got != want {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
		if c.want[0] == '2' {
			delivered++
		}
		if n := len(s.stored(t, "user.john")); n != delivered {
			t.Errorf("%s: %d messages", c.name, n)
		}
		if left, _ := filepath.Glob(s.dir + "/spool/stage./*"); len(left) > 0 {
			t.Errorf("%s: left %q", c.name, left)
		}
	}
}

func TestMunge8Bit(t *testing.T) {
	s := newSystem(t, "munge8bit: yes")
	s.say(t, send("<>", "john", "Subject: \xe4\xc3\r\n\r\n\xe4"))
	if got := s.stored(t, "user.john")[0]; !strings.Contains(got, "\r\nSubject: XX\r\n") || !strings.Contains(got, "\r\n\r\n\xe4") {
		t.Errorf("stored %q", got)
	}
}

func TestWhereItGoes(t *testing.T) {
	s, count := newSystem(t), map[string]int{}
	for _, c := range []struct{ name, setting, user, to, want string }{
		{"INBOX ignores the list", "", "", "john", "user.john"},
		{"detail without the right", "", "", "john+SPAM", "user.john"},
		{"detail with the right", "", "john", "john+SPAM", "user.john.SPAM"},
		{"detail that is not there", "", "john", "john+nosuch", "user.john"},
		{"detail that cannot be", "", "john", "john+a..b", "user.john"},
		{"anyone may post", "", "", "mary+open", "user.mary.open"},
		{"anonymous may post", "", "", "mary+drop", "user.mary.drop"},
		{"others may not", "", "john", "mary+drop", "user.mary"},
		{"a group may post", "", "root", "mary+team", "user.mary.team"},
		{"not in the group", "", "john", "mary+team", "user.mary"},
		{"no groups", "unix_group_enable: no", "root", "mary+team", "user.mary"},
		{"shared", "", "john", "+shared.news", "shared.news"},
		{"postuser", "postuser: bb", "john", "bb+shared.news", "shared.news"},
		{"domain", "", "", "john@example.com", "user.john"},
		{"domain of another user", "virtdomains: userid", "", "john@Virt.example", "user.john@virt^example"},
		{"domain of this host", "virtdomains: userid", "", "john@host.Example", "user.john"},
		{"shared, of any domain", "virtdomains: userid", "john", "+shared.news@virt.example", "shared.news"},
		{"sender of a domain", "virtdomains: userid", "john@virt.example", "mary+virt", "user.mary.virt"},
		{"sender without it", "virtdomains: userid", "john", "mary+virt", "user.mary"},
		{"capitals", "lmtp_downcase_rcpt: yes", "", "John@example.com", "user.john"},
		{"capitals of users", "username_tolower: yes", "", "John", "user.john"},
		{"separator", "unixhierarchysep: yes", "john", "+user/john/SPAM", "user.john.SPAM"},
		{"altnamespace", "altnamespace: yes", "john", "john+SPAM", "user.john.SPAM"},
	} {
		s.set(c.setting)
		id := "<" + strings.ReplaceAll(c.name, " ", "-") + "@x>"
		count[c.want]++
		if got := after(s.say(t, send("<> AUTH="+c.user, c.to, "Message-ID: "+id+"\r\n"))); got != "250 2.1.5 Ok\r\n" {
			t.Errorf("%s: %q", c.name, got)
		}
		if n := len(s.stored(t, c.want)); n != count[c.want] {
			t.Errorf("%s: %d messages in %s, want %d", c.name, n, c.want, count[c.want])
		}
		if s.logged("Delivered: "+id+" to mailbox: "+c.want) != 1 {
			t.Errorf("%s: log %q", c.name, s.lines)
		}
	}
}

func TestManyRecipientsShareOneFile(t *testing.T) {
	s := newSystem(t)
	got := after(s.say(t, send("<> AUTH=john", "john nosuch mary +shared.news john+SPAM", "Message-ID: <1@x>\r\n\r\nbody")))
	if got != strings.Repeat("250 2.1.5 Ok\r\n", 4) {
		t.Fatalf("replies %q", got)
	}
	first, err := os.Stat(s.dir + "/spool/user/john/1.")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"user/mary/1.", "shared/news/1.", "user/john/SPAM/1."} {
		if st, err := os.Stat(s.dir + "/spool/" + path); err != nil || !os.SameFile(first, st) {
			t.Errorf("%s is another file: %v", path, err)
		}
	}
}

func TestDuplicates(t *testing.T) {
	s := newSystem(t)
	text := "Date: today\r\nMessage-ID: <1@x>\r\n"
	got := after(s.say(t, send("<>", "john john mary", text)))
	if got != strings.Repeat("250 2.1.5 Ok\r\n", 3) || len(s.stored(t, "user.john")) != 1 || len(s.stored(t, "user.mary")) != 1 {
		t.Errorf("twice in one: %q, %d", got, len(s.stored(t, "user.john")))
	}
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"again", text, 1},
		{"folded id", "Date: today\r\nMessage-ID:\r\n <1@x>\r\n", 1},
		{"another date", "Date: tomorrow\r\nMessage-ID: <1@x>\r\n", 2},
		{"resent", text + "Resent-Message-ID: <2@x>\r\n", 3},
		{"resent again", text + "Resent-Message-ID: <2@x>\r\n", 3},
		{"no id", "Date: today\r\n", 4},
		{"no id again", "Date: today\r\n", 5},
		{"empty id", "Message-ID:\r\n", 6},
		{"empty id again", "Message-ID:\r\n", 7},
	} {
		if got := after(s.say(t, send("<>", "john", c.text))); got != "250 2.1.5 Ok\r\n" {
			t.Errorf("%s: %q", c.name, got)
		}
		if n := len(s.stored(t, "user.john")); n != c.want {
			t.Errorf("%s: %d messages, want %d", c.name, n, c.want)
		}
	}
	if n := s.logged("dupelim: eliminated duplicate message to user.john id <1@x>"); n != 3 {
		t.Errorf("logged %d times: %q", n, s.lines)
	}
	off := newSystem(t, "duplicatesuppression: 0")
	off.say(t, send("<>", "john john", text))
	if n := len(off.stored(t, "user.john")); n != 2 {
		t.Errorf("without suppression: %d messages", n)
	}
}

// What was delivered, but not noted, is found in the mailbox by one who looks there.
func TestCareful(t *testing.T) {
	s := newSystem(t, "duplicatesuppression: 0")
	text := "Received: by x\r\nMessage-ID: <1@x>\r\nDate: today\r\n\r\n"
	s.say(t, send("<>", "john", text))
	again := *s.agent.Load()
	again.Conf = maps.Clone(again.Conf)
	delete(again.Conf, "duplicatesuppression")
	agent, err := delivery.Open(again.Conf, again.Log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.Close() })
	agent.Careful = true
	s.agent.Store(agent)
	for _, c := range []struct {
		name, from, text string
		want             int
	}{
		{"same", "<>", text, 1},
		{"by another way in", "<a@b> AUTH=john", text, 1},
		{"resent", "<>", "Resent-Message-ID: <2@x>\r\n" + text, 2},
		{"another way", "<>", strings.Replace(text, "by x", "by y", 1) + "\r\n", 3},
		{"no id", "<>", "Subject: x\r\n\r\n", 4},
		{"no id again", "<>", "Subject: x\r\n\r\n", 5},
	} {
		s.say(t, send(c.from, "john", c.text))
		if n := len(s.stored(t, "user.john")); n != c.want {
			t.Errorf("%s: %d messages, want %d", c.name, n, c.want)
		}
	}
}

func TestQuota(t *testing.T) {
	for _, c := range []struct{ name, setting, want string }{
		{"for now", "", "452 4.2.2 Over quota\r\n"},
		{"for good", "lmtp_over_quota_perm_failure: 1", "552 5.2.2 Over quota\r\n"},
	} {
		s := newSystem(t, c.setting)
		if err := s.agent.Load().Store.SetQuota("user.john", 1); err != nil {
			t.Fatal(err)
		}
		big := "Subject: x\r\n\r\n" + strings.Repeat("x", 2000)
		if got := after(s.say(t, send("<>", "john", big))); got != "250 2.1.5 Ok\r\n" {
			t.Errorf("%s: the one that goes over it: %q", c.name, got)
		}
		got := s.say(t, "MAIL FROM:<>\r\nRCPT TO:<john>\r\nRCPT TO:<john+SPAM>\r\nRCPT TO:<john> IGNOREQUOTA\r\nRCPT TO:<mary>\r\n")
		if want := "250 2.1.0 ok\r\n" + c.want + c.want + "250 2.1.5 ok\r\n250 2.1.5 ok\r\n"; got != want {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
	}
}

// Mail waits for a mailbox that a backup's list has and that is not reconstructed yet.
func TestNotYetReconstructed(t *testing.T) {
	s := newSystem(t)
	store := s.agent.Load().Store
	if err := store.Restore(mailstore.Entry{Name: "user.paul", ACL: "paul\tlrswipcda\t"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"451 4.3.0 System I/O error\r\n", "250 2.1.5 Ok\r\n"} {
		if got := after(s.say(t, send("<>", "paul", "Subject: x\r\n"))); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if _, err := store.Reconstruct("user.paul", mailstore.Rebuild{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAutocreate(t *testing.T) {
	s := newSystem(t, "autocreate_quota: 5000", "autocreate_post: yes", "autocreate_inbox_folders: Sent")
	if got := after(s.say(t, send("<>", "paul", "Subject: x\r\n"))); got != "250 2.1.5 Ok\r\n" || len(s.stored(t, "user.paul")) != 1 {
		t.Errorf("got %q", got)
	}
	if _, err := s.agent.Load().Store.Lookup("user.paul.Sent"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"a/b", "a%b", "..", "x\x7f"} {
		if got := s.say(t, "MAIL FROM:<>\r\nRCPT TO:<\""+name+"\">\r\n"); strings.HasSuffix(got, "250 2.1.5 ok\r\n") {
			t.Errorf("%q is a user: %q", name, got)
		}
	}
}

// A server that ends answers what has come and takes nothing more.
func TestEnd(t *testing.T) {
	s := newSystem(t)
	idle, busy := s.connect(t), s.connect(t)
	r := bufio.NewReader(busy)
	io.WriteString(busy, "MAIL FROM:<>\r\nRCPT TO:<john>\r\nDATA\r\nSubject: x\r\n")
	for range 4 {
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	s.end()
	for name, c := range map[string]io.Reader{"idle": idle, "busy": r} {
		b, err := io.ReadAll(c)
		if err != nil || !strings.HasSuffix(string(b), "421 4.3.2 server is shutting down\r\n") {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if n := len(s.stored(t, "user.john")); n != 0 {
		t.Errorf("%d messages", n)
	}
}

// A client that does not take what it is sent holds up a server that ends but for a moment.
func TestEndDoesNotWait(t *testing.T) {
	n := new(servicetest.Limited)
	s := &server{conns: map[net.Conn]bool{n: true}, timeout: patience}
	timed := timed{n, s}
	if timed.Write(nil); n.Left() <= lastTime {
		t.Errorf("%v before the end", n.Left())
	}
	if s.end(); n.Left() > lastTime {
		t.Errorf("%v for what is being sent", n.Left())
	}
	if timed.Write(nil); n.Left() > lastTime {
		t.Errorf("%v for what is sent then", n.Left())
	}
}

// A client that goes away in the middle leaves nothing behind.
func TestClientGoes(t *testing.T) {
	s := newSystem(t)
	c := s.connect(t)
	io.WriteString(c, "MAIL FROM:<>\r\nRCPT TO:<john>\r\nDATA\r\nSubject: x\r\n\r\nbody\r\n.\r")
	c.(*net.UnixConn).CloseWrite()
	if b, err := io.ReadAll(c); err != nil || after(string(b)) != "" {
		t.Errorf("got %q, %v", b, err)
	}
	if n := len(s.stored(t, "user.john")); n != 0 {
		t.Errorf("%d messages", n)
	}
}

// Many clients at once, for one user and for others.
func TestManyAtOnce(t *testing.T) {
	s := newSystem(t)
	var all sync.WaitGroup
	for i := range 8 {
		c := s.connect(t)
		all.Go(func() {
			text := ""
			for j := range 3 {
				text += fmt.Sprintf("MAIL FROM:<>\r\nRCPT TO:<john>\r\nRCPT TO:<mary>\r\nDATA\r\nMessage-ID: <%d@x>\r\n\r\nbody %d\r\n.\r\n", j, i)
			}
			if got := say(t, c, text); strings.Count(got, "250 2.1.5 Ok\r\n") != 6 {
				t.Errorf("got %q", got)
			}
		})
	}
	all.Wait()
	if john, mary := len(s.stored(t, "user.john")), len(s.stored(t, "user.mary")); john != 3 || mary != 3 {
		t.Errorf("%d and %d messages, want 3 of each", john, mary)
	}
}
