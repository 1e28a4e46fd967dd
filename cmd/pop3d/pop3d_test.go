package main

import (
	"bufio"
	"crypto/md5"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"goqmail/lib/imapconf"
	"goqmail/lib/imaptls"
	"goqmail/lib/mailstore"
	"goqmail/lib/sasldb"
	"goqmail/lib/service/servicetest"
	"goqmail/lib/syslog"
)

// The messages of john's maildrop, as stored.
var messages = []string{
	"Subject: one\r\n\r\nfirst\r\n.dot\r\n..\r\nlast\r\n",
	"Subject: two\r\nTo: john\r\n\r\n",
	"Subject: three\r\n\r\nno end",
}

// start returns a server of a store with john, who has messages, and mary, who has none.
// Their passwords are "secret". settings are lines of imapd.conf.
func start(t testing.TB, settings ...string) *server {
	t.Helper()
	dir := t.TempDir()
	conf := imapconf.Conf{
		"servername": "host.example", "allowplaintext": "yes", "failedloginpause": "0", "sasl_sasldb_path": dir + "/sasldb2",
	}
	for _, line := range settings {
		name, value, _ := strings.Cut(line, ": ")
		conf[name] = value
	}
	err := sasldb.Update(dir+"/sasldb2", func([]sasldb.Record) (all []sasldb.Record) {
		for _, user := range []string{"john", "mary", "nobox"} {
			all = append(all, sasldb.Record{Key: sasldb.Key{User: user, Realm: "host.example", Property: sasldb.Password}, Value: "secret"})
		}
		return all
	})
	if err != nil {
		t.Fatal(err)
	}
	store, err := mailstore.Open(mailstore.Layout{
		ConfigDir: dir + "/config", Partitions: map[string]string{"default": dir + "/spool"}, DefaultPartition: "default",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	for _, user := range []string{"john", "mary"} {
		if err := store.Create(mailstore.Entry{Name: "user." + user, ACL: user + "\tlrswipkxtecdan\t"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range messages {
		add(t, store, m)
	}
	return newServer(conf, store, func(_ syslog.Level, format string, args ...any) { t.Logf(format, args...) })
}

// add puts a message into john's INBOX.
func add(t testing.TB, store *mailstore.Store, text string) {
	t.Helper()
	staged, err := store.Stage("default")
	if err != nil {
		t.Fatal(err)
	}
	defer staged.Remove()
	io.WriteString(staged, text)
	if err := staged.Finish(); err != nil {
		t.Fatal(err)
	}
	box, err := store.OpenMailbox("user.john")
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	if _, err := box.Append(mailstore.Incoming{Path: staged.Path, Size: staged.Size, Digest: staged.Digest, Date: 1e9}); err != nil {
		t.Fatal(err)
	}
}

// client is a test's end of a connection.
type client struct {
	t testing.TB
	net.Conn
	lines  *bufio.Reader
	banner string
}

// dial connects and takes the greeting.
func dial(t testing.TB, s *server) *client {
	t.Helper()
	ours := servicetest.Connect(t, "tcp", s.serve)
	c := &client{t: t, Conn: ours, lines: bufio.NewReader(ours)}
	c.banner = c.line()
	return c
}

func (c *client) line() string {
	c.t.Helper()
	line, err := c.lines.ReadString('\n')
	if err != nil && err != io.EOF {
		c.t.Fatal(err)
	}
	return strings.TrimSuffix(line, "\r\n")
}

// say sends commands and compares the replies, of which "*" ends one that only begins so.
func (c *client) say(commands string, want ...string) {
	c.t.Helper()
	io.WriteString(c, strings.ReplaceAll(commands, "\n", "\r\n")+"\r\n")
	for i, w := range want {
		got := c.line()
		if begin, some := strings.CutSuffix(w, "*"); got != w && !(some && strings.HasPrefix(got, begin)) {
			c.t.Fatalf("%q: line %d of the reply is %q, want %q", commands, i, got, w)
		}
	}
}

func login(t testing.TB, s *server, user string) *client {
	t.Helper()
	c := dial(t, s)
	c.say("USER "+user+"\nPASS secret", "+OK Name is a valid mailbox", "+OK Mailbox locked and ready")
	return c
}

func TestMaildrop(t *testing.T) {
	s := start(t)
	c := login(t, s, "john")
	sizes := []int{len(messages[0]), len(messages[1]), len(messages[2])}
	c.say("STAT", fmt.Sprintf("+OK 3 %d", sizes[0]+sizes[1]+sizes[2]))
	c.say("LIST", "+OK scan listing follows", fmt.Sprint("1 ", sizes[0]), fmt.Sprint("2 ", sizes[1]), fmt.Sprint("3 ", sizes[2]), ".")
	c.say("list 2", fmt.Sprint("+OK 2 ", sizes[1]))
	validity := c.uids()[0]
	validity, _, _ = strings.Cut(validity, ".")
	c.say("UIDL", "+OK unique-id listing follows", "1 "+validity+".1", "2 "+validity+".2", "3 "+validity+".3", ".")
	c.say("UIDL 3", "+OK 3 "+validity+".3")
	c.say("RETR 1", "+OK Message follows", "Subject: one", "", "first", "..dot", "...", "last", ".")
	c.say("RETR 2", "+OK Message follows", "Subject: two", "To: john", "", ".")
	c.say("RETR 3", "+OK Message follows", "Subject: three", "", "no end", ".")
	c.say("TOP 1 0", "+OK Message follows", "Subject: one", "", ".")
	c.say("TOP 1 2", "+OK Message follows", "Subject: one", "", "first", "..dot", ".")
	c.say("TOP 1 99", "+OK Message follows", "Subject: one", "", "first", "..dot", "...", "last", ".")
	c.say("TOP 3 1", "+OK Message follows", "Subject: three", "", "no end", ".")
	c.say("NOOP", "+OK")

	c.say("DELE 2", "+OK message deleted")
	c.say("DELE 2\nRETR 2\nLIST 2", "-ERR No such message", "-ERR No such message", "-ERR No such message")
	c.say("STAT", fmt.Sprintf("+OK 2 %d", sizes[0]+sizes[2]))
	c.say("RSET", "+OK")
	c.say("STAT\nDELE 1", fmt.Sprintf("+OK 3 %d", sizes[0]+sizes[1]+sizes[2]), "+OK message deleted")
	add(t, s.store, "Subject: four\r\n\r\n") // the maildrop stays as it was
	c.say("LIST", "+OK scan listing follows", fmt.Sprint("2 ", sizes[1]), fmt.Sprint("3 ", sizes[2]), ".")
	c.say("QUIT", "+OK", "")

	c = login(t, s, "john")
	c.say("UIDL", "+OK unique-id listing follows", "1 "+validity+".2", "2 "+validity+".3", "3 "+validity+".4", ".")
	c.say("DELE 1", "+OK message deleted")
	c.Close() // no QUIT
	c = login(t, s, "john")
	c.say("UIDL 1", "+OK 1 "+validity+".2")
}

func (c *client) uids() (uids []string) {
	c.t.Helper()
	c.say("UIDL", "+OK *")
	for line := c.line(); line != "."; line = c.line() {
		_, uid, _ := strings.Cut(line, " ")
		uids = append(uids, uid)
	}
	return uids
}

// Another program may expunge what the maildrop has.
func TestMessageThatIsGone(t *testing.T) {
	s := start(t)
	c := login(t, s, "john")
	other := login(t, s, "john")
	other.say("DELE 1\nQUIT", "+OK message deleted", "+OK")
	file := filepath.Dir(s.now.Load().String("sasl_sasldb_path", "")) + "/spool/user/john/1."
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) { // it is removed later
		if _, err := os.Stat(file); err != nil {
			break
		}
	}
	c.say("RETR 1", "-ERR [SYS/PERM] message has been deleted meanwhile")
	c.say("DELE 1\nDELE 2\nQUIT", "+OK message deleted", "+OK message deleted", "+OK")
	if uids := login(t, s, "john").uids(); len(uids) != 1 {
		t.Errorf("left: %q", uids)
	}
}

func TestRefusals(t *testing.T) {
	s := start(t)
	c := dial(t, s)
	c.say("STAT\nXYZ\nPASS secret\nUSER", "-ERR Unrecognized command", "-ERR Unrecognized command", "-ERR Must give USER command", "-ERR Missing argument")
	c.say("USER john\nPASS wrong", "+OK Name is a valid mailbox", "-ERR [AUTH] Invalid login")
	c.say("PASS secret", "-ERR Must give USER command")
	c.say("USER nosuch\nPASS secret", "+OK Name is a valid mailbox", "-ERR [AUTH] Invalid login")
	c.say("USER nobox\nPASS secret", "+OK Name is a valid mailbox", "-ERR [SYS/PERM] Unable to open maildrop: Mailbox does not exist")
	c.say("STLS", "-ERR TLS is not available")
	c.say("AUTH NONE", "-ERR [AUTH] authenticating: no mechanism available")
	c.say("AUTH PLAIN", "+ ")
	c.say("*", "-ERR [AUTH] Client canceled authentication")
	c.say("AUTH PLAIN !!", "-ERR [AUTH] authenticating: bad protocol / cancel")
	c.say("USER john\nPASS secret", "+OK Name is a valid mailbox", "+OK Mailbox locked and ready")
	c.say("RETR\nRETR 0\nRETR 4\nRETR x\nDELE\nTOP 1\nTOP 1 x\nUIDL 99999999999\nLAST\nUSER john",
		"-ERR Missing argument", "-ERR No such message", "-ERR No such message", "-ERR No such message", "-ERR Missing argument",
		"-ERR Missing argument", "-ERR Missing argument", "-ERR No such message", "-ERR Unrecognized command", "-ERR Unrecognized command")
	c.say(strings.Repeat("x", maxLine), "-ERR line too long", "")
}

func TestRights(t *testing.T) {
	s := start(t)
	set := func(list string) {
		t.Helper()
		if err := s.store.Set(mailstore.Entry{Name: "user.john", ACL: list}); err != nil {
			t.Fatal(err)
		}
	}
	set("john\tlr\t")
	login(t, s, "john").say("DELE 1\nQUIT", "+OK message deleted", "-ERR [SYS/PERM] Permission denied")
	if uids := login(t, s, "john").uids(); len(uids) != 3 {
		t.Errorf("left: %q", uids)
	}
	set("john\tl\t")
	dial(t, s).say("USER john\nPASS secret", "+OK *", "-ERR [SYS/PERM] Unable to open maildrop: Permission denied")
}

func TestLogins(t *testing.T) {
	s := start(t)
	ready := "+OK Mailbox locked and ready"
	for _, mechanism := range []string{"PLAIN", "LOGIN"} {
		c := dial(t, s)
		if mechanism == "PLAIN" {
			c.say("AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00john\x00secret")), ready)
			continue
		}
		c.say("AUTH LOGIN", "+ "+base64.StdEncoding.EncodeToString([]byte("Username:")))
		c.say(base64.StdEncoding.EncodeToString([]byte("john")), "+ *")
		c.say(base64.StdEncoding.EncodeToString([]byte("secret")), ready)
	}
	c := dial(t, s)
	begin := strings.IndexByte(c.banner, '<')
	if begin < 0 {
		t.Fatalf("no challenge in %q", c.banner)
	}
	sum := md5.Sum([]byte(c.banner[begin:] + "secret"))
	c.say("APOP john 00112233445566778899aabbccddeeff", "-ERR [AUTH] authenticating: authentication failure")
	c.say("APOP john", "-ERR Missing argument")
	c.say("APOP john "+hex.EncodeToString(sum[:]), ready)

	c = dial(t, start(t, "allowapop: 0", "allowplaintext: 0"))
	if strings.Contains(c.banner, "<") {
		t.Errorf("a challenge in %q", c.banner)
	}
	c.say("APOP john 00", "-ERR [AUTH] APOP command not supported")
	c.say("USER john", "-ERR [AUTH] USER command only available under a layer")
}

func TestCapabilities(t *testing.T) {
	s := start(t, "popminpoll: 2")
	c := dial(t, s)
	c.say("CAPA", "+OK List of capabilities follows", "SASL *", "EXPIRE NEVER", "LOGIN-DELAY 120", "TOP", "UIDL", "PIPELINING",
		"RESP-CODES", "AUTH-RESP-CODE", "USER", "IMPLEMENTATION goqmail POP3", ".")
	c.say("USER john\nPASS secret", "+OK *", "+OK Mailbox locked and ready")
	dial(t, s).say("USER john\nPASS secret", "+OK *", "-ERR [LOGIN-DELAY] Logins must be at least 2 minutes apart")
	login(t, s, "mary")
}

func TestAutocreate(t *testing.T) {
	s := start(t, "autocreate_quota: 100")
	login(t, s, "nobox").say("STAT", "+OK 0 0")
}

func TestTLS(t *testing.T) {
	path, pool := servicetest.Certificate(t)
	s := start(t, "allowplaintext: 0", "tls_cert_file: "+path)
	var err error
	if s.tls, err = imaptls.Load(s.now.Load().Conf); err != nil {
		t.Fatal(err)
	}
	c := dial(t, s)
	c.say("STLS", "+OK Begin TLS negotiation now")
	secured := tls.Client(c.Conn, &tls.Config{RootCAs: pool, ServerName: "host.example"})
	c.Conn, c.lines = secured, bufio.NewReader(secured)
	c.say("STLS", "-ERR TLS already active")
	c.say("USER john\nPASS secret\nSTAT", "+OK Name is a valid mailbox", "+OK Mailbox locked and ready", "+OK 3 *")

	// What somebody has put behind the command is not obeyed.
	c = dial(t, s)
	c.say("STLS\nNOOP", "+OK Begin TLS negotiation now", "")

	s.secure = true
	defer func() { s.secure = false }()
	n := tls.Client(servicetest.Connect(t, "tcp", s.serve), &tls.Config{RootCAs: pool, ServerName: "host.example"})
	if greeting, err := bufio.NewReader(n).ReadString('\n'); err != nil || !strings.HasPrefix(greeting, "+OK host.example goqmail POP3 server ready") {
		t.Errorf("greeting %q, %v", greeting, err)
	}
}

// Those who do not log in make way for others; a server that ends says so to all.
func TestManyAndTheEnd(t *testing.T) {
	s := start(t, "maxhalfopen: 2")
	user := login(t, s, "mary")
	oldest := dial(t, s)
	dial(t, s)
	dial(t, s)
	if line := oldest.line(); line != "" {
		t.Errorf("the oldest gets %q", line)
	}
	user.say("NOOP", "+OK")
	s.end()
	if line := user.line(); line != "-ERR [SYS/TEMP] server is shutting down" {
		t.Errorf("at the end: %q", line)
	}
}

func FuzzCommands(f *testing.F) {
	s := start(f, "allowapop: 0")
	s.record = func(syslog.Level, string, ...any) {}
	s.use(s.now.Load().Conf)
	f.Add("USER john\r\nPASS secret\r\nUIDL\r\nTOP 1 1\r\nDELE 1\r\nRSET\r\n")
	f.Add("AUTH PLAIN\r\nAGpvaG4Ac2VjcmV0\r\nRETR 1\r\nLIST 2\r\n")
	f.Add("AUTH\r\nCAPA\r\nAPOP x y\r\nSTLS\r\nAUTH LOGIN =\r\n*\r\n")
	f.Fuzz(func(t *testing.T, input string) {
		if strings.Contains(strings.ToUpper(input), "QUIT") {
			return // which ends before the rest is read
		}
		ours, theirs := net.Pipe()
		ours.SetDeadline(time.Now().Add(40 * time.Second))
		go func() {
			io.WriteString(ours, input+"\r\n*\r\nQUIT\r\n")
		}()
		done := make(chan string)
		go func() {
			all, _ := io.ReadAll(ours)
			done <- string(all)
		}()
		s.serve(theirs)
		replies := <-done
		if !strings.HasPrefix(replies, "+OK host.example ") || !strings.HasSuffix(replies, "\r\n") {
			t.Errorf("%q gets %q", input, replies)
		}
		ours.Close()
	})
}

// A client that does not take what it is sent holds up a server that ends but for a moment.
func TestEndDoesNotWait(t *testing.T) {
	n := new(servicetest.Limited)
	s := new(server)
	c := &session{srv: s, net: n, on: n}
	s.sessions = map[*session]bool{c: true}
	if (timed{c}).Write(nil); n.Left() <= lastTime {
		t.Errorf("%v before the end", n.Left())
	}
	if s.end(); n.Left() > lastTime {
		t.Errorf("%v for what is being sent", n.Left())
	}
	if (timed{c}).Write(nil); n.Left() > lastTime {
		t.Errorf("%v for what is sent then", n.Left())
	}
}
