package sasl

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gosasl "github.com/emersion/go-sasl"

	"goqmail/lib/imapconf"
	"goqmail/lib/otp"
	"goqmail/lib/sasldb"
)

// site is a server, what it has logged, and how long it has waited.
type site struct {
	*Server
	mu     sync.Mutex
	logged []string
	waited time.Duration
}

// Everybody's password is "secret" but andré's, "crème", and chain's, which is one-time:
// the 499th of otpSecret comes next.
const otpSecret = "one at a time"

func newSite(t testing.TB, settings ...string) *site {
	t.Helper()
	conf := imapconf.Conf{"servername": "host.example", "admins": "cyrus", "proxyservers": "murder", "sasl_sasldb_path": t.TempDir() + "/sasldb2"}
	for _, line := range settings {
		name, value, _ := strings.Cut(line, ": ")
		conf[name] = value
	}
	if err := sasldb.Update(conf["sasl_sasldb_path"], func([]sasldb.Record) []sasldb.Record {
		return []sasldb.Record{
			{Key: sasldb.Key{User: "john", Realm: "host.example", Property: sasldb.Password}, Value: "secret"},
			{Key: sasldb.Key{User: "mary", Realm: "host.example", Property: sasldb.Password}, Value: "secret"},
			{Key: sasldb.Key{User: "cyrus", Realm: "host.example", Property: sasldb.Password}, Value: "secret"},
			{Key: sasldb.Key{User: "murder", Realm: "host.example", Property: sasldb.Password}, Value: "secret"},
			{Key: sasldb.Key{User: "anyone", Realm: "host.example", Property: sasldb.Password}, Value: "secret"},
			{Key: sasldb.Key{User: "far", Realm: "other.example", Property: sasldb.Password}, Value: "secret"},
			{Key: sasldb.Key{User: "andré", Realm: "host.example", Property: sasldb.Password}, Value: "crème"},
			{Key: sasldb.Key{User: "chain", Realm: "host.example", Property: sasldb.OTP}, Value: otp.New("md5", 500, "ke1234", otpSecret).String()},
			{Key: sasldb.Key{User: "sha", Realm: "host.example", Property: sasldb.OTP}, Value: otp.New("sha1", 500, "ke1234", otpSecret).String()},
			{Key: sasldb.Key{User: "last", Realm: "host.example", Property: sasldb.OTP}, Value: otp.New("md5", 1, "ke1234", otpSecret).String()},
		}
	}); err != nil {
		t.Fatal(err)
	}
	s := new(site)
	s.Server = New(conf, "imap", func(format string, args ...any) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.logged = append(s.logged, fmt.Sprintf(format, args...))
	})
	s.Wait = func(d time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waited += d
	}
	return s
}

// last is the last line of the log.
func (s *site) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.logged) == 0 {
		return ""
	}
	return s.logged[len(s.logged)-1]
}

var peer = Peer{Host: "client.example [192.0.2.1]", Private: true}

// converse leads an exchange with a client. Its initial response goes with the
// mechanism's name only if early is said.
func (s *site) converse(p Peer, c gosasl.Client, early bool) (user string, err error) {
	name, initial, err := c.Start()
	if err != nil {
		return "", err
	}
	x, err := s.Start(p, name)
	if err != nil {
		return "", err
	}
	defer x.Close()
	response := []byte(nil)
	if early {
		response, initial = initial, nil
	}
	for range 10 {
		challenge, done, err := x.Next(response)
		switch {
		case err != nil:
			return "", err
		case done:
			return x.User(), nil
		case initial != nil:
			response, initial = initial, nil
			continue
		}
		if response, err = c.Next(challenge); err != nil {
			return "", err
		}
		if response == nil {
			response = []byte{}
		}
	}
	return "", errors.New("no end")
}

// both is converse with and without an initial response.
func (s *site) both(t *testing.T, name string, p Peer, c func() gosasl.Client, want string) {
	t.Helper()
	for _, early := range []bool{false, true} {
		got, err := s.converse(p, c(), early)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s (early %v): got %s, want %s; log: %s", name, early, got, want, s.last())
		}
	}
}

func TestPlain(t *testing.T) {
	s := newSite(t, "loginrealms: other.example")
	const no, noProxy = "authentication failure", "authorization failure"
	for _, test := range []struct{ name, as, user, password, want string }{
		{"right", "", "john", "secret", "john"},
		{"as oneself", "john", "john", "secret", "john"},
		{"wrong", "", "john", "Secret", no},
		{"longer", "", "john", "secret1", no},
		{"no password", "", "john", "", no},
		{"no user", "", "", "secret", no},
		{"nobody", "", "nobody", "secret", no},
		{"of this realm", "", "john@host.example", "secret", "john"},
		{"of this realm in capitals", "", "john@HOST.example", "secret", "john"},
		{"of another realm", "", "far@other.example", "secret", "far@other.example"},
		{"of another realm, by chance", "", "far", "secret", no},
		{"of a realm that may not", "", "john@third.example", "secret", no},
		{"as another", "mary", "john", "secret", noProxy},
		{"an admin as another", "mary", "cyrus", "secret", "mary"},
		{"a proxy as another", "mary", "murder", "secret", "mary"},
		{"as nobody's name", "a/b", "cyrus", "secret", no},
		{"everyone", "", "anyone", "secret", no},
		{"beyond ASCII", "", "andré", "crème", "andré"},
	} {
		s.both(t, test.name, peer, func() gosasl.Client { return gosasl.NewPlainClient(test.as, test.user, test.password) }, test.want)
		if test.as == "" {
			s.both(t, test.name+", LOGIN", peer, func() gosasl.Client { return gosasl.NewLoginClient(test.user, test.password) }, test.want)
			got, err := s.Login(peer, test.user, test.password)
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("%s: Login: %s", test.name, got)
			}
		}
	}
}

func TestOtherIdentities(t *testing.T) {
	s := newSite(t, "allowanonymouslogin: yes")
	known := peer
	known.Identity = "john"
	admin := peer
	admin.Identity = "cyrus"
	s.both(t, "EXTERNAL", known, func() gosasl.Client { return gosasl.NewExternalClient("") }, "john")
	s.both(t, "EXTERNAL as mary", known, func() gosasl.Client { return gosasl.NewExternalClient("mary") }, "authorization failure")
	s.both(t, "EXTERNAL as mary, of an admin", admin, func() gosasl.Client { return gosasl.NewExternalClient("mary") }, "mary")
	s.both(t, "EXTERNAL of nobody", peer, func() gosasl.Client { return gosasl.NewExternalClient("") }, "no mechanism available")
	s.both(t, "ANONYMOUS", peer, func() gosasl.Client { return gosasl.NewAnonymousClient("x@y") }, "anonymous")
	s = newSite(t)
	s.both(t, "ANONYMOUS, not allowed", peer, func() gosasl.Client { return gosasl.NewAnonymousClient("x@y") }, "no mechanism available")
}

func TestMechanisms(t *testing.T) {
	open := Peer{Host: "h [192.0.2.1]"}
	const shared = "SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5 CRAM-MD5 OTP"
	const bound = "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS "
	over := secured(t, nil)
	for name, test := range map[string]struct {
		peer     Peer
		settings []string
		want     string
	}{
		"in the open":             {open, nil, shared},
		"in the open, allowed":    {open, []string{"allowplaintext: yes"}, shared + " PLAIN LOGIN"},
		"on a socket of the host": {peer, nil, shared + " PLAIN LOGIN"},
		"over TLS":                {over, nil, shared + " PLAIN LOGIN"},
		"over TLS 1.2":            {secured(t, nil, tls.VersionTLS12), nil, bound + shared + " PLAIN LOGIN"},
		"to be bound":             {over, []string{"sasl_mech_list: SCRAM-SHA-1-PLUS PLAIN"}, "SCRAM-SHA-1-PLUS PLAIN"},
		"some":                    {over, []string{"sasl_mech_list: plain SCRAM-SHA-1 XYZ"}, "SCRAM-SHA-1 PLAIN"},
		"without sasldb":          {over, []string{"sasl_sasldb_path: /nonexistent/sasldb2"}, "PLAIN LOGIN"},
		"a layer is wanted":       {open, []string{"sasl_minimum_layer: 56", "allowplaintext: yes"}, ""},
		"a layer is there":        {over, []string{"sasl_minimum_layer: 56", "sasl_mech_list: PLAIN"}, "PLAIN"},
	} {
		var settings []string
		if name != "without sasldb" {
			settings = test.settings
		}
		s := newSite(t, settings...)
		if name == "without sasldb" {
			s.db = "/nonexistent/sasldb2"
		}
		if got := strings.Join(s.Mechanisms(test.peer), " "); got != test.want {
			t.Errorf("%s: %s", name, got)
		}
		if got := s.Plaintext(test.peer); got != slices.Contains(s.Mechanisms(test.peer), "PLAIN") {
			t.Errorf("%s: Plaintext %v", name, got)
		}
		if _, err := s.Start(test.peer, "plain"); (err == nil) != s.Plaintext(test.peer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newSite(t).Login(open, "john", "secret"); err == nil {
		t.Error("a right password in the open")
	}
}

// What the log says is what fail2ban's filter cyrus-imap reads, and what users type does
// not change it.
func TestLog(t *testing.T) {
	s := newSite(t, "allowplaintext: yes", "plaintextloginpause: 2")
	open := Peer{Host: "client.example [192.0.2.1]"}
	s.Login(open, "john", "secret")
	if s.waited != 2*time.Second {
		t.Errorf("waited %v", s.waited)
	}
	s.waited = 0
	s.Login(open, "john", "wrong")
	if s.waited != 3*time.Second {
		t.Errorf("waited %v", s.waited)
	}
	s.Login(open, "x [203.0.113.9] y\r\nlogin:", "wrong")
	s.converse(secured(t, nil), gosasl.NewPlainClient("", "john", "secret"), true)
	s.converse(open, gosasl.NewPlainClient("mary", "john", "secret"), true)
	s.Start(open, "X Y")
	want := []string{
		"login: client.example [192.0.2.1] john plaintext User logged in",
		"badlogin: client.example [192.0.2.1] plaintext john SASL(-13): authentication failure: checkpass failed",
		"badlogin: client.example [192.0.2.1] plaintext x ?203.0.113.9? y??login: SASL(-13): authentication failure: user not found: no secret in database",
		"login: client.example [192.0.2.1] john PLAIN+TLS User logged in",
		"badlogin: client.example [192.0.2.1] PLAIN john SASL(-14): authorization failure: user john is not allowed to proxy",
		"badlogin: client.example [192.0.2.1] X?Y  SASL(-4): no mechanism available: not offered",
	}
	if !slices.Equal(s.logged, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(s.logged, "\n"), strings.Join(want, "\n"))
	}
}

// Responses that no client should send end an exchange, and it stays ended.
func TestBadResponses(t *testing.T) {
	s := newSite(t, "allowanonymouslogin: yes")
	known := secured(t, nil)
	known.Identity = "john"
	long := strings.Repeat("x", maxResponse+1)
	for name, responses := range map[string][]string{
		"PLAIN":        {"", "john", "john\x00secret", "\x00john\x00secret\x00", long},
		"CRAM-MD5":     {"", "john", "john ", " ", long},
		"DIGEST-MD5":   {"", "x", `username="john`, `username="john",username="john"`, long},
		"OTP":          {"", "john", "\x00", "\x00john", "\x00nobody", "\x00chain\x00", "\x00last", long},
		"SCRAM-SHA-1":  {"", "n,,", "n,,n=john", "n,,n=john,x=y", "n,,n=jo=hn,r=x", "n,,m=1,n=john,r=x", "n,,n=,r=x", "n,b,n=john,r=x", "n,a=,n=john,r=x", "p=tls-exporter,,n=john,r=x", "z,,n=john,r=x", long},
		"EXTERNAL":     {"mary", "\x00", long},
		"SCRAM-SHA-1 ": {"n,,n=john,r=x"},
	} {
		for _, response := range responses {
			x, err := s.Start(known, name)
			if strings.HasSuffix(name, " ") {
				if err == nil {
					t.Errorf("%q is a mechanism", name)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			_, done, err := x.Next(nil)
			if err != nil || done {
				t.Fatalf("%s: %v, %v", name, done, err)
			}
			for range 3 {
				if _, done, err = x.Next([]byte(response)); err != nil || done {
					break
				}
			}
			if err == nil || done {
				t.Errorf("%s: %.50q: done %v", name, response, done)
			}
			if _, done, err := x.Next([]byte("x")); err == nil || done {
				t.Errorf("%s: goes on after %.50q", name, response)
			}
		}
	}
}

// No response, whatever it is, lets somebody in who does not know a secret, or panics.
func FuzzNext(f *testing.F) {
	for _, seed := range [][2]string{
		{"\x00john\x00wrong", ""}, {"john", "secreT"}, {"john 0123456789abcdef0123456789abcdef", ""},
		{`username="john",realm="host.example",nonce="x",cnonce="y",nc=00000001,qop=auth,digest-uri="imap/h",response=0123`, ""},
		{"n,,n=john,r=abc", "c=biws,r=abc,p=AAAA"}, {"p=tls-exporter,a=mary,n=john,r=abc", "c=biws,r=abc,p=AAAA"},
		{"\x00chain", "hex:0123456789abcdef"}, {"\x00sha", "init-hex:0123456789abcdef:md5 499 ke5678:0123456789abcdef"},
	} {
		f.Add(seed[0], seed[1])
	}
	s := newSite(f)
	var all []string
	for _, m := range mechanisms {
		all = append(all, m.name)
	}
	s.conf["sasl_mech_list"] = strings.Join(all, " ")
	s.Log = func(string, ...any) {}
	over := secured(f, nil)
	over.Identity = "john"
	f.Fuzz(func(t *testing.T, first, second string) {
		for _, m := range mechanisms {
			if m.needs&(identity|permission) != 0 {
				continue
			}
			x, err := s.Start(over, m.name)
			if err != nil {
				t.Fatal(m.name, err)
			}
			for _, response := range [][]byte{nil, []byte(first), []byte(second), {}} {
				_, done, err := x.Next(response)
				if done && !strings.Contains(first+second, "secret") {
					t.Errorf("%s lets in by %q, %q", m.name, first, second)
				}
				if err != nil || done {
					break
				}
			}
			x.Close()
		}
	})
}
