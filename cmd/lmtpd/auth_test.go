package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/md5"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"io"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"goqmail/lib/imapconf"
	"goqmail/lib/imaptls"
	"goqmail/lib/sasldb"
	"goqmail/lib/service/servicetest"
)

// withPasswords makes "secret" the password of john and of the postman, who is one of
// lmtp_admins, and pauses after no failure.
func (s *system) withPasswords(t testing.TB) {
	t.Helper()
	agent := s.agent.Load()
	conf := maps.Clone(agent.Conf)
	conf["sasl_sasldb_path"] = s.dir + "/sasldb2"
	conf["lmtp_admins"] = "postman"
	var all []sasldb.Record
	for _, user := range []string{"john", "postman"} {
		all = append(all, sasldb.Record{Key: sasldb.Key{User: user, Realm: agent.Name, Property: sasldb.Password}, Value: "secret"})
	}
	if err := sasldb.Update(conf["sasl_sasldb_path"], func([]sasldb.Record) []sasldb.Record { return all }); err != nil {
		t.Fatal(err)
	}
	s.use(agent.With(conf))
	s.sasl.Load().Wait = func(time.Duration) {}
}

// withTLS gives the server a certificate.
func (s *system) withTLS(t testing.TB) {
	t.Helper()
	path, _ := servicetest.Certificate(t)
	var err error
	if s.tls, err = imaptls.Load(imapconf.Conf{"tls_server_cert": path}); err != nil {
		t.Fatal(err)
	}
}

// connectTCP returns a connection from the network.
func (s *system) connectTCP(t testing.TB) net.Conn {
	t.Helper()
	return servicetest.Connect(t, "tcp", s.serve)
}

// talker says one thing after the other.
type talker struct {
	t testing.TB
	net.Conn
	in *bufio.Reader
}

func talk(t testing.TB, c net.Conn) *talker { return &talker{t, c, bufio.NewReader(c)} }

// say sends a line and returns the reply, whose lines have a | between them.
func (c *talker) say(text string) (reply string) {
	c.t.Helper()
	if text != "" {
		if _, err := io.WriteString(c, text+"\r\n"); err != nil {
			c.t.Fatal(err)
		}
	}
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Fatalf("%v after %q, %q", err, text, reply)
		}
		reply += strings.TrimSuffix(line, "\r\n")
		if len(line) < 4 || line[3] == ' ' {
			return reply
		}
		reply += "|"
	}
}

func plain(user, password string) string {
	return "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password))
}

// From the network mail comes in by those who have shown to be lmtp_admins, and
// passwords only in TLS.
func TestTLSAndAuth(t *testing.T) {
	s := newSystem(t)
	s.withPasswords(t)
	s.withTLS(t)
	c := talk(t, s.connectTCP(t))
	expect := func(say, want string) {
		t.Helper()
		if got := c.say(say); got != want {
			t.Fatalf("%s: got %s, want %s", say, got, want)
		}
	}
	const can = "250-host.example|250-8BITMIME|250-ENHANCEDSTATUSCODES|250-PIPELINING|250-SIZE|"
	expect("", "220 host.example LMTP goqmail ready")
	expect("LHLO me", can+"250-STARTTLS|250-AUTH SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5 CRAM-MD5 OTP|250 IGNOREQUOTA")
	expect(plain("postman", "secret"), "504 Unrecognized authentication type.")
	expect("MAIL FROM:<>", "530 Authentication required")
	expect("STARTTLS now", "500 5.5.2 Syntax error")
	expect("STARTTLS", "220 Begin TLS negotiation now")
	c = talk(t, tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true}))
	expect("STARTTLS", "454 4.3.3 Already successfully executed STARTTLS")
	expect("LHLO me", can+"250-AUTH SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5 CRAM-MD5 OTP PLAIN LOGIN|250 IGNOREQUOTA")
	expect(plain("postman", "Secret"), "501 5.5.4 authentication failure")
	expect(plain("john", "secret"), "501 5.5.4 authorization failure")
	expect("AUTH EXTERNAL =", "504 Unrecognized authentication type.")
	expect("AUTH PLAIN !", "501 5.5.4 bad protocol / cancel")
	expect("AUTH PLAIN", "334 ")
	expect("*", "501 5.5.4 client canceled authentication")
	expect("MAIL FROM:<>", "530 Authentication required")
	expect(plain("postman", "secret"), "235 Authenticated!")
	expect(plain("postman", "secret"), "503 5.5.0 already authenticated")
	expect("LHLO me", can+"250 IGNOREQUOTA")
	expect("MAIL FROM:<a@b>", "250 2.1.0 ok")
	expect("RCPT TO:<john>", "250 2.1.5 ok")
	expect("DATA", "354 go ahead")
	expect("Subject: x\r\n\r\n.", "250 2.1.5 Ok")
	expect("QUIT", "221 2.0.0 bye")
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil {
		t.Errorf("then %q, %v", b, err)
	}
	const top = "Return-Path: <a@b>\r\nReceived: from me ([127.0.0.1])\r\n\tby host.example (goqmail) with LMTPSA;\r\n"
	if texts := s.stored(t, "user.john"); len(texts) != 1 || !strings.HasPrefix(texts[0], top) {
		t.Errorf("got %q", texts)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range []string{"badlogin: localhost [127.0.0.1] PLAIN postman SASL(-13): authentication failure: ", "john is not one of lmtp_admins",
		"login: localhost [127.0.0.1] postman PLAIN+TLS User logged in"} {
		found := false
		for _, l := range s.lines {
			found = found || strings.HasPrefix(l, line)
		}
		if !found {
			t.Errorf("not in the log: %s; that has %q", line, s.lines)
		}
	}
}

// A mechanism of several steps, without TLS; what users may do by IMAP they may not here.
func TestAuthInSteps(t *testing.T) {
	s := newSystem(t)
	s.withPasswords(t)
	for user, want := range map[string]string{"postman": "235 Authenticated!", "john": "501 5.5.4 authorization failure", "nosuch": "501 5.5.4 authentication failure"} {
		c := talk(t, s.connectTCP(t))
		c.say("")
		encoded, _ := strings.CutPrefix(c.say("AUTH CRAM-MD5"), "334 ")
		challenge, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(md5.New, []byte("secret"))
		mac.Write(challenge)
		if got := c.say(base64.StdEncoding.EncodeToString([]byte(user + " " + hex.EncodeToString(mac.Sum(nil))))); got != want {
			t.Errorf("%s: got %s, want %s", user, got, want)
		}
	}
}

// What is said before the handshake is not taken for what is said after it.
func TestSaidTooEarly(t *testing.T) {
	s := newSystem(t)
	s.withTLS(t)
	if got := say(t, s.connectTCP(t), "STARTTLS\r\nNOOP\r\n"); got != "421 4.7.0 commands in clear text after STARTTLS\r\n" {
		t.Errorf("got %q", got)
	}
	if got := s.say(t, "STARTTLS\r\nNOOP\r\n"); got != "500 5.5.2 Syntax error\r\n250 2.0.0 ok\r\n" {
		t.Errorf("on a socket of this host: %q", got)
	}
}

// Strangers make way for each other, and not for those who may send.
func TestTooManyStrangers(t *testing.T) {
	s := newSystem(t, "allowplaintext: yes")
	s.withPasswords(t)
	postman := talk(t, s.connectTCP(t))
	postman.say("")
	if got := postman.say(plain("postman", "secret")); got != "235 Authenticated!" {
		t.Fatal(got)
	}
	local := talk(t, s.connect(t))
	local.say("")
	var all []*talker
	for range maxStrangers + 2 {
		c := talk(t, s.connectTCP(t))
		c.say("")
		all = append(all, c)
	}
	for i, c := range all[:3] {
		if i < 2 {
			if b, err := c.in.ReadByte(); err == nil {
				t.Errorf("stranger %d hears %q", i, b)
			}
			continue
		}
		if got := c.say("NOOP"); got != "250 2.0.0 ok" {
			t.Errorf("stranger %d: %s", i, got)
		}
	}
	for _, c := range []*talker{postman, local} {
		if got := c.say("MAIL FROM:<>"); got != "250 2.1.0 ok" {
			t.Errorf("got %s", got)
		}
	}
}
