package main

import (
	"bufio"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"goqmail/lib/imapconf"
	"goqmail/lib/mailstore"
	"goqmail/lib/sasldb"
	"goqmail/lib/service/servicetest"
	"goqmail/lib/syslog"
)

// newServer returns a server with an empty store but for the INBOXes of john and mary.
// Every user's password is "secret"; cyrus is an administrator. settings are lines of
// imapd.conf.
func newServer(t testing.TB, settings ...string) *server {
	t.Helper()
	dir := t.TempDir()
	conf := imapconf.Conf{"admins": "cyrus", "allowplaintext": "yes", "partition-default": dir + "/spool"}
	for _, line := range settings {
		name, value, _ := strings.Cut(line, ": ")
		conf[name] = value
	}
	store, err := mailstore.Open(mailstore.Layout{
		ConfigDir: dir + "/config", Partitions: map[string]string{"default": dir + "/spool"}, DefaultPartition: "default",
	})
	if err != nil {
		t.Fatal(err)
	}
	s := serverOf(conf, store)
	s.name = "host.example"
	s.record = func(_ syslog.Level, format string, args ...any) { t.Logf(format, args...) }
	passwords(t, s)
	t.Cleanup(func() {
		s.end()
		s.done.Wait()
		store.Close()
	})
	for _, user := range []string{"john", "mary"} {
		create(t, s, "user."+user, user)
	}
	return s
}

// passwords makes "secret" the password of those who log in here.
func passwords(t testing.TB, s *server) {
	t.Helper()
	conf := s.settings()
	conf["sasl_sasldb_path"] = t.TempDir() + "/sasldb2"
	conf["servername"] = s.name
	var all []sasldb.Record
	for _, user := range []string{"john", "mary", "cyrus", "ann", "root"} {
		all = append(all, sasldb.Record{Key: sasldb.Key{User: user, Realm: s.name, Property: sasldb.Password}, Value: "secret"})
	}
	if err := sasldb.Update(conf["sasl_sasldb_path"], func([]sasldb.Record) []sasldb.Record { return all }); err != nil {
		t.Fatal(err)
	}
	s.newSASL()
	s.sasl.Load().Wait = func(time.Duration) {}
}

// create creates a mailbox by its internal name that belongs to a user.
func create(t testing.TB, s *server, name, owner string) {
	t.Helper()
	if err := s.store.Create(mailstore.Entry{Name: name, ACL: owner + "\tlrswipkxtecdan\t"}); err != nil {
		t.Fatal(err)
	}
}

// setACL sets a mailbox's list of rights.
func setACL(t testing.TB, s *server, name, list string) {
	t.Helper()
	if err := s.store.Set(mailstore.Entry{Name: name, ACL: list}); err != nil {
		t.Fatal(err)
	}
}

// client is a test's end of a connection.
type client struct {
	t testing.TB
	net.Conn
	lines *bufio.Reader
}

// dial connects to the server and takes the greeting.
func dial(t testing.TB, s *server) *client {
	t.Helper()
	c := &client{t: t, Conn: connect(t, s)}
	c.lines = bufio.NewReader(c)
	if line := c.line(); !strings.HasPrefix(line, "* OK ") {
		t.Fatalf("greeting %q", line)
	}
	return c
}

// connect gives the server a connection and returns the other end.
func connect(t testing.TB, s *server) net.Conn {
	t.Helper()
	return servicetest.Connect(t, "tcp", s.serve)
}

// login connects and logs in.
func login(t testing.TB, s *server, user string) *client {
	t.Helper()
	c := dial(t, s)
	c.talk("> login LOGIN " + user + " secret\n< login OK …")
	return c
}

// line takes a line without its end.
func (c *client) line() string {
	c.t.Helper()
	line, err := c.lines.ReadString('\n')
	if err != nil && (err != io.EOF || line != "") {
		c.t.Fatalf("after %q: %v", line, err)
	}
	if err == io.EOF {
		return "EOF"
	}
	return strings.TrimSuffix(line, "\r\n")
}

// talk has a dialogue: lines after "> " are sent, those after "< " are what must come.
// In these … stands for any text; a line of "< ..." alone for any lines up to what
// follows, and EOF for the end of the connection. ␍, ␊ and ␀ are what they show.
func (c *client) talk(dialogue string) {
	c.t.Helper()
	skip := false
	for _, line := range strings.Split(strings.TrimSpace(dialogue), "\n") {
		line = strings.TrimLeft(line, "\t ")
		if line == "" {
			continue
		}
		switch text := strings.TrimPrefix(line[min(1, len(line)):], " "); {
		case line == "< ...":
			skip = true
		case strings.HasPrefix(line, ">"):
			text = strings.NewReplacer("␍", "\r", "␊", "\n", "␀", "\x00").Replace(text)
			if _, err := io.WriteString(c, text+"\r\n"); err != nil {
				c.t.Fatal(err)
			}
		case strings.HasPrefix(line, "<"):
			got := c.line()
			for skip && !matches(text, got) && got != "EOF" {
				got = c.line()
			}
			skip = false
			if !matches(text, got) {
				c.t.Fatalf("got  %s\nwant %s\nin %s", got, text, dialogue)
			}
		default:
			c.t.Fatalf("not part of a dialogue: %q", line)
		}
	}
}

func matches(pattern, text string) bool {
	return regexp.MustCompile("^(?s:" + strings.ReplaceAll(regexp.QuoteMeta(pattern), "…", ".*") + ")$").MatchString(text)
}

// put puts messages into a mailbox, by its internal name, past the server.
func put(t testing.TB, s *server, name string, flags []string, texts ...string) {
	t.Helper()
	box, err := s.store.OpenMailbox(name)
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	var all []mailstore.Incoming
	for _, text := range texts {
		staged, err := s.store.Stage("")
		if err != nil {
			t.Fatal(err)
		}
		defer staged.Remove()
		io.WriteString(staged, text)
		if err := staged.Finish(); err != nil {
			t.Fatal(err)
		}
		all = append(all, mailstore.Incoming{Path: staged.Path, Size: staged.Size, Digest: staged.Digest, Flags: flags, Date: 1000000000})
	}
	if _, err := box.Append(all...); err != nil {
		t.Fatal(err)
	}
}

// hello is a small message.
const hello = "From: Mary <mary@example.org>\r\nTo: john@example.org\r\nSubject: hello\r\nDate: Thu, 1 Jan 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nworld\r\n"
