package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
	gosasl "github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"

	"goqmail/lib/sasldb"
	"goqmail/lib/syslog"
)

// scramClient is SCRAM-SHA-256's other side, of another make.
type scramClient struct {
	name string
	on   *scram.ClientConversation
}

func newScram(t *testing.T, name, user, password string, binding *scram.ChannelBinding) gosasl.Client {
	t.Helper()
	c, err := scram.SHA256.NewClient(user, password, "")
	if err != nil {
		t.Fatal(err)
	}
	if binding == nil {
		return scramClient{name, c.NewConversation()}
	}
	return scramClient{name, c.NewConversationWithChannelBinding(*binding)}
}

func (c scramClient) Start() (string, []byte, error) {
	first, err := c.on.Step("")
	return c.name, []byte(first), err
}

func (c scramClient) Next(challenge []byte) ([]byte, error) {
	response, err := c.on.Step(string(challenge))
	return []byte(response), err
}

// A client of another make logs in, over TLS and not.
func TestAuthenticate(t *testing.T) {
	s, secure := newServer(t), newServer(t, "sasl_mech_list: SCRAM-SHA-256 SCRAM-SHA-256-PLUS LOGIN")
	useTLS(t, secure)
	secure.secure = true
	for name, row := range map[string]struct {
		client func(tls.ConnectionState) gosasl.Client
		over   bool
		fails  bool
	}{
		"PLAIN":          {client: func(tls.ConnectionState) gosasl.Client { return gosasl.NewPlainClient("", "john", "secret") }},
		"PLAIN, wrong":   {client: func(tls.ConnectionState) gosasl.Client { return gosasl.NewPlainClient("", "john", "x") }, fails: true},
		"PLAIN for mary": {client: func(tls.ConnectionState) gosasl.Client { return gosasl.NewPlainClient("mary", "john", "secret") }, fails: true},
		"LOGIN, over":    {client: func(tls.ConnectionState) gosasl.Client { return gosasl.NewLoginClient("john", "secret") }, over: true},
		"SCRAM": {client: func(tls.ConnectionState) gosasl.Client {
			return newScram(t, "SCRAM-SHA-256", "john", "secret", nil)
		}},
		"SCRAM, bound": {over: true, client: func(state tls.ConnectionState) gosasl.Client {
			binding, err := scram.NewTLSExporterBinding(&state)
			if err != nil {
				t.Error(err)
			}
			return newScram(t, "SCRAM-SHA-256-PLUS", "john", "secret", &binding)
		}},
		"SCRAM, the server's certificate": {over: true, client: func(state tls.ConnectionState) gosasl.Client {
			binding, err := scram.NewTLSServerEndpointBinding(&state)
			if err != nil {
				t.Error(err)
			}
			return newScram(t, "SCRAM-SHA-256-PLUS", "john", "secret", &binding)
		}},
	} {
		n, state := connect(t, s), tls.ConnectionState{}
		if row.over {
			over := tls.Client(connect(t, secure), &tls.Config{InsecureSkipVerify: true})
			if err := over.Handshake(); err != nil {
				t.Fatal(err)
			}
			n, state = over, over.ConnectionState()
		}
		c := imapclient.New(n, nil)
		if err := c.Authenticate(row.client(state)); (err != nil) != row.fails {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
	}
}

func TestAuthenticateDialogues(t *testing.T) {
	s := newServer(t, "allowplaintext: no")
	useTLS(t, s)
	c := dial(t, s)
	c.talk(`
		> a CAPABILITY
		< * CAPABILITY IMAP4rev1 … STARTTLS LOGINDISABLED AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=DIGEST-MD5 AUTH=CRAM-MD5 AUTH=OTP SASL-IR
		< a OK Completed
		> b AUTHENTICATE PLAIN AGpvaG4Ac2VjcmV0
		< b NO [CANNOT] no mechanism available
		> b AUTHENTICATE
		< b BAD …
		> b AUTHENTICATE "PLAIN"
		< b BAD …
		> c STARTTLS
		< c OK …`)
	c.shakeHands()
	c.talk(`
		> a CAPABILITY
		< * CAPABILITY IMAP4rev1 … … AUTH=SCRAM-SHA-256 … AUTH=PLAIN AUTH=LOGIN SASL-IR
		< a OK Completed
		> b AUTHENTICATE PLAIN
		< + …
		> *
		< b BAD Authentication canceled
		> c AUTHENTICATE PLAIN
		< + …
		> not!base64
		< c BAD …
		> d AUTHENTICATE PLAIN
		< + …
		> QQ
		< d BAD Invalid base64 string
		> e AUTHENTICATE PLAIN =
		< e NO [AUTHENTICATIONFAILED] bad protocol / cancel
		> f AUTHENTICATE PLAIN AGpvaG4Ad3Jvbmc=
		< f NO [AUTHENTICATIONFAILED] authentication failure
		> g AUTHENTICATE PLAIN bWFyeQBqb2huAHNlY3JldA==
		< g NO [AUTHORIZATIONFAILED] authorization failure
		> h AUTHENTICATE PLAIN AGpvaG4Ac2VjcmV0 AGpvaG4Ac2VjcmV0
		< h BAD …
		> i LOGIN john wrong
		< i NO [AUTHENTICATIONFAILED] Login failed: authentication failure
		> j AUTHENTICATE login
		< + VXNlcm5hbWU6
		> am9obg==
		< + UGFzc3dvcmQ6
		> c2VjcmV0
		< j OK [CAPABILITY …] Success (tls protection)
		> k AUTHENTICATE PLAIN AGpvaG4Ac2VjcmV0
		< k BAD Already logged in
		> l SELECT INBOX
		< ...
		< l OK [READ-WRITE] Completed`)
}

// An admin who acts for a user is that user.
func TestAuthenticateAsAnother(t *testing.T) {
	c := dial(t, newServer(t))
	c.talk(fmt.Sprintf(`
		> a AUTHENTICATE PLAIN %s
		< a OK [CAPABILITY …] Success (no protection)
		> b CREATE user.bob
		< b NO …
		> c SELECT INBOX
		< ...
		< c OK [READ-WRITE] Completed`, base64.StdEncoding.EncodeToString([]byte("mary\x00cyrus\x00secret"))))
}

// What the log has is for fail2ban.
func TestAuthenticateLog(t *testing.T) {
	s := newServer(t)
	var mu sync.Mutex
	var lines []string
	s.record = func(_ syslog.Level, format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, fmt.Sprintf(format, args...))
	}
	dial(t, s).talk(`
		> a LOGIN john wrong
		< a NO …
		> b AUTHENTICATE PLAIN AGpvaG4Ad3Jvbmc=
		< b NO …
		> c LOGIN john secret
		< c OK …`)
	mu.Lock()
	defer mu.Unlock()
	const want = "badlogin: localhost [127.0.0.1] plaintext john SASL(-13): authentication failure: checkpass failed\n" +
		"badlogin: localhost [127.0.0.1] PLAIN john SASL(-13): authentication failure: checkpass failed\n" +
		"login: localhost [127.0.0.1] john plaintext User logged in"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A client is who its certificate says, if that is a known one, and an administrator
// may be somebody else.
func TestAuthenticateByCertificate(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	certificate := func(name string) tls.Certificate {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
		cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key}
	}
	john, admin, stranger := certificate("john"), certificate("cyrus"), certificate("john")
	var known []byte
	for _, c := range []tls.Certificate{john, admin} {
		known = append(known, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})...)
	}
	if err := os.WriteFile(dir+"/known.pem", known, 0o600); err != nil {
		t.Fatal(err)
	}
	useTLS(t, s, "tls_client_ca_file: "+dir+"/known.pem")
	for name, row := range map[string]struct {
		cert     tls.Certificate
		dialogue string
	}{
		"john":             {john, "> a AUTHENTICATE EXTERNAL =\n< a OK …"},
		"john as mary":     {john, "> a AUTHENTICATE EXTERNAL bWFyeQ==\n< a NO [AUTHORIZATIONFAILED] …"},
		"cyrus as mary":    {admin, "> a AUTHENTICATE EXTERNAL\n< + …\n> bWFyeQ==\n< a OK …"},
		"a stranger":       {stranger, "> a AUTHENTICATE EXTERNAL =\n< a NO [CANNOT] …\n> b LOGIN john secret\n< b OK …"},
		"one with nothing": {tls.Certificate{}, "> a AUTHENTICATE EXTERNAL =\n< a NO [CANNOT] …\n> b LOGIN john secret\n< b OK …"},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			c.talk("> s STARTTLS\n< s OK …")
			c.over(tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return &row.cert, nil
			}}))
			c.talk(row.dialogue)
		})
	}
}

// With virtdomains the same name in another realm is another user, and none of this
// host's.
func TestVirtualDomains(t *testing.T) {
	s := newServer(t, "virtdomains: userid", "defaultdomain: home.example")
	create(t, s, "user.john@virt^example", "john@virt.example")
	put(t, s, "user.john@virt^example", nil, hello)
	err := sasldb.Update(s.settings()["sasl_sasldb_path"], func(all []sasldb.Record) []sasldb.Record {
		return append(all, sasldb.Record{Key: sasldb.Key{User: "john", Realm: "virt.example", Property: sasldb.Password}, Value: "other"})
	})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, s)
	c.talk(`
		> a LOGIN john@virt.example secret
		< a NO …
		> b LOGIN john@Virt.Example other
		< b NO …
		> c LOGIN john@virt.example other
		< c OK …
		> d EXAMINE INBOX
		< * 1 EXISTS
		< ...
		< d OK …
		> e LIST "" "*"
		< * LIST (\HasNoChildren) "." INBOX
		< e OK Completed
		> f MYRIGHTS user.john
		< f NO [NONEXISTENT] …`)
	c = dial(t, s)
	c.talk(`
		> a LOGIN john@home.example secret
		< a OK …
		> b EXAMINE INBOX
		< * 0 EXISTS
		< ...
		< b OK …
		> c EXAMINE "user.john@virt^example"
		< * OK [CLOSED] Ok
		< c NO …`)
}
