package sasl

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	gosasl "github.com/emersion/go-sasl"
	xdg "github.com/xdg-go/scram"

	"goqmail/lib/otp"
	"goqmail/lib/saslclient"
	"goqmail/lib/sasldb"
)

// secured is a peer over TLS, and how the client sees the connection if it is asked for.
func secured(t testing.TB, client *tls.ConnectionState, max ...uint16) Peer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, SessionTicketsDisabled: true}
	if len(max) > 0 {
		config.MaxVersion = max[0]
	}
	c := tls.Client(far, &tls.Config{InsecureSkipVerify: true})
	done := make(chan error, 1)
	go func() { done <- c.Handshake() }()
	s := tls.Server(near, config)
	if err := errors.Join(s.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	if client != nil {
		*client = c.ConnectionState()
	}
	state := s.ConnectionState()
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return Peer{Host: "client.example [192.0.2.1]", TLS: &state, Certificate: leaf}
}

// steps is a client of which the first part is what it sends first, nil if nothing.
type steps struct {
	name  string
	first []byte
	next  func(challenge string) (string, error)
}

func (c steps) Start() (string, []byte, error) { return c.name, c.first, nil }
func (c steps) Next(challenge []byte) ([]byte, error) {
	response, err := c.next(string(challenge))
	return []byte(response), err
}

// cramClient is CRAM-MD5's other side.
func cramClient(user, password string) gosasl.Client {
	return steps{"CRAM-MD5", nil, func(challenge string) (string, error) {
		mac := hmac.New(md5.New, []byte(password))
		mac.Write([]byte(challenge))
		return user + " " + hex.EncodeToString(mac.Sum(nil)), nil
	}}
}

func TestCRAM(t *testing.T) {
	s := newSite(t)
	for _, test := range []struct{ user, password, want string }{
		{"john", "secret", "john"},
		{"john", "Secret", "authentication failure"},
		{"nobody", "secret", "authentication failure"},
		{"andré", "crème", "andré"},
		{"john@host.example", "secret", "john"},
	} {
		s.both(t, test.user, peer, func() gosasl.Client { return cramClient(test.user, test.password) }, test.want)
	}
	// What was right once is not so again.
	var old string
	s.converse(peer, steps{"CRAM-MD5", nil, func(challenge string) (string, error) {
		response, err := cramClient("john", "secret").Next([]byte(challenge))
		old = string(response)
		return old, err
	}}, false)
	s.both(t, "replayed", peer, func() gosasl.Client {
		return steps{"CRAM-MD5", nil, func(string) (string, error) { return old, nil }}
	}, "authentication failure")
}

func TestAPOP(t *testing.T) {
	s := newSite(t)
	const stamp = "<1896.697170952@dbc.mtview.ca.us>" // of RFC 1939
	sum := md5.Sum([]byte(stamp + "secret"))
	right := hex.EncodeToString(sum[:])
	for _, test := range []struct{ user, digest, want string }{
		{"john", right, "john"},
		{"john", right[1:] + right[:1], ""},
		{"john", "", ""},
		{"nobody", right, ""},
	} {
		if got, _ := s.APOP(peer, stamp, test.user, test.digest); got != test.want {
			t.Errorf("%s %s: %q", test.user, test.digest, got)
		}
	}
	if want := "login: client.example [192.0.2.1] john APOP User logged in"; s.logged[0] != want {
		t.Errorf("log: %s", s.logged[0])
	}
}

// The dialogue that RFC 2195 has as its example.
func TestCRAMExample(t *testing.T) {
	s := newSite(t)
	s.db += ".example"
	if err := sasldb.Update(s.db, func([]sasldb.Record) []sasldb.Record {
		return []sasldb.Record{{Key: sasldb.Key{User: "tim", Realm: "host.example", Property: sasldb.Password}, Value: "tanstaaftanstaaf"}}
	}); err != nil {
		t.Fatal(err)
	}
	x, err := s.Start(peer, "CRAM-MD5")
	if err != nil {
		t.Fatal(err)
	}
	x.on.(*cram).challenge = "<1896.697170952@postoffice.reston.mci.net>"
	if _, done, err := x.Next([]byte("tim b913a602c7eda7a495b4e6e7334d3890")); err != nil || !done {
		t.Error(done, err)
	}
}

// digestClient is DIGEST-MD5's other side, written from RFC 2831 section 2.1.2.1. change
// may change what it says, before its digest is made.
type digestClient struct {
	user, realm, password, as string
	change                    func(map[string]string)
	expect                    string
	said                      string // its response
}

func (c *digestClient) Start() (string, []byte, error) { return "DIGEST-MD5", nil, nil }

func (c *digestClient) Next(challenge []byte) ([]byte, error) {
	text := string(challenge)
	if proof, ok := strings.CutPrefix(text, "rspauth="); ok {
		if proof != c.expect {
			return nil, errors.New("the server does not know the password")
		}
		return nil, nil
	}
	_, rest, _ := strings.Cut(text, `nonce="`)
	nonce, _, _ := strings.Cut(rest, `"`)
	said := map[string]string{"username": c.user, "realm": c.realm, "nonce": nonce, "cnonce": "abc", "nc": "00000001", "qop": "auth", "digest-uri": "imap/host.example"}
	if c.as != "" {
		said["authzid"] = c.as
	}
	if c.change != nil {
		c.change(said)
	}
	sum := func(s string) string { b := md5.Sum([]byte(s)); return hex.EncodeToString(b[:]) }
	secret := md5.Sum([]byte(c.user + ":" + c.realm + ":" + c.password))
	a1 := string(secret[:]) + ":" + said["nonce"] + ":" + said["cnonce"]
	if c.as != "" {
		a1 += ":" + c.as
	}
	digest := func(a2 string) string {
		return sum(sum(a1) + ":" + said["nonce"] + ":" + said["nc"] + ":" + said["cnonce"] + ":auth:" + sum(a2))
	}
	c.expect = digest(":" + said["digest-uri"])
	var b strings.Builder
	for name, value := range said {
		fmt.Fprintf(&b, `%s="%s",`, name, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value))
	}
	b.WriteString("response=" + digest("AUTHENTICATE:"+said["digest-uri"]))
	c.said = b.String()
	return []byte(c.said), nil
}

func TestDigest(t *testing.T) {
	s := newSite(t, "loginrealms: other.example")
	const no = "authentication failure"
	set := func(name, value string) func(map[string]string) {
		return func(said map[string]string) { said[name] = value }
	}
	latin := func(text string) string { return toLatin1(text) }
	for name, test := range map[string]struct {
		client digestClient
		want   string
	}{
		"right":               {digestClient{user: "john", realm: "host.example", password: "secret"}, "john"},
		"wrong":               {digestClient{user: "john", realm: "host.example", password: "Secret"}, no},
		"nobody":              {digestClient{user: "nobody", realm: "host.example", password: "secret"}, no},
		"without a realm":     {digestClient{user: "john", password: "secret"}, "john"},
		"of another realm":    {digestClient{user: "far", realm: "other.example", password: "secret"}, "far@other.example"},
		"of a third":          {digestClient{user: "john", realm: "third.example", password: "secret"}, no},
		"an admin as another": {digestClient{user: "cyrus", realm: "host.example", password: "secret", as: "mary"}, "mary"},
		"as another":          {digestClient{user: "john", realm: "host.example", password: "secret", as: "mary"}, "authorization failure"},
		"ISO 8859-1":          {digestClient{user: latin("andré"), realm: "host.example", password: latin("crème")}, "andré"},
		"another nonce":       {digestClient{user: "john", realm: "host.example", password: "secret", change: set("nonce", "x")}, no},
		"the nonce twice":     {digestClient{user: "john", realm: "host.example", password: "secret", change: set("nc", "00000002")}, no},
		"for another service": {digestClient{user: "john", realm: "host.example", password: "secret", change: set("digest-uri", "smtp/host.example")}, no},
		"with a layer":        {digestClient{user: "john", realm: "host.example", password: "secret", change: set("qop", "auth-conf")}, "bad protocol / cancel"},
		"another alphabet":    {digestClient{user: "john", realm: "host.example", password: "secret", change: set("charset", "koi8-r")}, "bad protocol / cancel"},
	} {
		s.both(t, name, peer, func() gosasl.Client { c := test.client; return &c }, test.want)
	}
	c := &digestClient{user: "john", realm: "host.example", password: "secret"}
	s.converse(peer, c, false)
	s.both(t, "replayed", peer, func() gosasl.Client {
		return steps{"DIGEST-MD5", nil, func(string) (string, error) { return c.said, nil }}
	}, no)
}

// The dialogue that RFC 2831 has as its example (section 4), which has another
// protocol's service.
func TestDigestExample(t *testing.T) {
	s := newSite(t)
	s.db += ".example"
	s.realms = []string{"elwood.innosoft.com"}
	if err := sasldb.Update(s.db, func([]sasldb.Record) []sasldb.Record {
		return []sasldb.Record{{Key: sasldb.Key{User: "chris", Realm: "elwood.innosoft.com", Property: sasldb.Password}, Value: "secret"}}
	}); err != nil {
		t.Fatal(err)
	}
	x, err := s.Start(peer, "DIGEST-MD5")
	if err != nil {
		t.Fatal(err)
	}
	x.on.(*digest).nonce = "OA6MG9tEQGm2hh"
	const want = `nonce="OA6MG9tEQGm2hh",realm="elwood.innosoft.com",qop="auth",charset=utf-8,algorithm=md5-sess`
	if challenge, _, err := x.Next(nil); err != nil || string(challenge) != want {
		t.Errorf("%s, %v", challenge, err)
	}
	proof, _, err := x.Next([]byte(`charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,` +
		`cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",response=d388dad90d4bbd760a152321f2143af7,qop=auth`))
	if err != nil || string(proof) != "rspauth=ea40f60335c427b5527b84dbabcdfffd" {
		t.Errorf("%s, %v: %s", proof, err, s.last())
	}
	if _, done, err := x.Next([]byte{}); err != nil || !done || x.User() != "chris" {
		t.Error(done, err, x.User())
	}
}

func otpClient(user, secret string) gosasl.Client {
	return steps{"OTP", []byte("\x00" + user), func(challenge string) (string, error) { return otp.Respond(challenge, secret) }}
}

func TestOTP(t *testing.T) {
	s := newSite(t)
	const no = "authentication failure"
	for _, user := range []string{"chain", "sha"} {
		s.both(t, user, peer, func() gosasl.Client { return otpClient(user, otpSecret) }, user)
		s.both(t, user+", wrong", peer, func() gosasl.Client { return otpClient(user, "another") }, no)
		s.both(t, user+", after a failure", peer, func() gosasl.Client { return otpClient(user, otpSecret) }, user)
		value, _, err := s.secret(user, sasldb.OTP)
		if err != nil || !strings.Contains(value, "\t0496\t") || !strings.HasSuffix(value, strings.Repeat("0", 20)) {
			t.Errorf("%s: four were used: %q, %v", user, value, err)
		}
	}
	s.both(t, "nobody", peer, func() gosasl.Client { return otpClient("nobody", otpSecret) }, no)
	s.both(t, "the last", peer, func() gosasl.Client { return otpClient("last", otpSecret) }, no)

	// What was right once is not so again.
	var old string
	if _, err := s.converse(peer, steps{"OTP", []byte("\x00chain"), func(challenge string) (string, error) {
		old, _ = otp.Respond(challenge, otpSecret)
		return old, nil
	}}, true); err != nil {
		t.Fatal(err)
	}
	s.both(t, "replayed", peer, func() gosasl.Client {
		return steps{"OTP", []byte("\x00chain"), func(string) (string, error) { return old, nil }}
	}, no)
}

// While one tries, another cannot; until the first gives up.
func TestOTPAtOnce(t *testing.T) {
	s := newSite(t)
	x, err := s.Start(peer, "OTP")
	if err != nil {
		t.Fatal(err)
	}
	challenge, _, err := x.Next([]byte("\x00chain"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.converse(peer, otpClient("chain", otpSecret), true); err == nil {
		t.Errorf("%s", got)
	}
	if !strings.Contains(s.last(), "simultaneous") {
		t.Errorf("log: %s", s.last())
	}
	x.Close()
	if response, err := otp.Respond(string(challenge), otpSecret); err == nil {
		if _, done, err := x.Next([]byte(response)); err == nil || done {
			t.Error("it goes on after its end")
		}
	}
	if got, err := s.converse(peer, otpClient("chain", otpSecret), true); err != nil || got != "chain" {
		t.Errorf("%s, %v", got, err)
	}
}

// scramClient is the other side by xdg-go.
type scramClient struct {
	name string
	on   *xdg.ClientConversation
}

func (c scramClient) Start() (string, []byte, error) {
	first, err := c.on.Step("")
	return c.name, []byte(first), err
}

func (c scramClient) Next(challenge []byte) ([]byte, error) {
	response, err := c.on.Step(string(challenge))
	return []byte(response), err
}

func newScram(t *testing.T, name, user, password, as string, binding *xdg.ChannelBinding) gosasl.Client {
	t.Helper()
	generator := xdg.SHA1
	if strings.Contains(name, "256") {
		generator = xdg.SHA256
	}
	c, err := generator.NewClient(user, password, as)
	if err != nil {
		t.Fatal(err)
	}
	if binding == nil {
		return scramClient{name, c.NewConversation()}
	}
	return scramClient{name, c.NewConversationWithChannelBinding(*binding)}
}

func TestSCRAM(t *testing.T) {
	s := newSite(t)
	const no = "authentication failure"
	for _, name := range []string{"SCRAM-SHA-1", "SCRAM-SHA-256"} {
		for _, test := range []struct{ user, password, as, want string }{
			{"john", "secret", "", "john"},
			{"john", "Secret", "", no},
			{"nobody", "secret", "", no},
			{"andré", "crème", "", "andré"},
			{"cyrus", "secret", "mary", "mary"},
			{"john", "secret", "mary", "authorization failure"},
			{"a=b,c", "secret", "", no},
		} {
			s.both(t, name+" "+test.user, peer, func() gosasl.Client { return newScram(t, name, test.user, test.password, test.as, nil) }, test.want)
		}
	}
	// A stranger's name does not show before its password.
	for _, user := range []string{"john", "nobody"} {
		x, err := s.Start(peer, "SCRAM-SHA-1")
		if err != nil {
			t.Fatal(err)
		}
		if challenge, _, err := x.Next([]byte("n,,n=" + user + ",r=abc")); err != nil || !strings.HasPrefix(string(challenge), "r=abc") {
			t.Errorf("%s: %s, %v", user, challenge, err)
		}
	}
}

func TestSCRAMPlus(t *testing.T) {
	s := newSite(t, "sasl_mech_list: SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS")
	const no = "authentication failure"
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var client tls.ConnectionState
		over := secured(t, &client, version)
		exporter, err := xdg.NewTLSExporterBinding(&client)
		if err != nil {
			t.Fatal(err)
		}
		endPoint, err := xdg.NewTLSServerEndpointBinding(&client)
		if err != nil {
			t.Fatal(err)
		}
		unique := xdg.ChannelBinding{Type: "tls-unique", Data: client.TLSUnique}
		for name, test := range map[string]struct {
			mechanism string
			binding   xdg.ChannelBinding
			want      string
		}{
			"exporter":              {"SCRAM-SHA-256-PLUS", exporter, "john"},
			"exporter, SHA-1":       {"SCRAM-SHA-1-PLUS", exporter, "john"},
			"end point":             {"SCRAM-SHA-256-PLUS", endPoint, "john"},
			"another connection":    {"SCRAM-SHA-256-PLUS", xdg.ChannelBinding{Type: "tls-exporter", Data: make([]byte, 32)}, no},
			"another certificate":   {"SCRAM-SHA-256-PLUS", xdg.ChannelBinding{Type: "tls-server-end-point", Data: make([]byte, 32)}, no},
			"unknown":               {"SCRAM-SHA-256-PLUS", xdg.ChannelBinding{Type: "ssh", Data: make([]byte, 32)}, no},
			"bound without PLUS":    {"SCRAM-SHA-256", exporter, "john"},
			"badly bound, likewise": {"SCRAM-SHA-256", xdg.ChannelBinding{Type: "tls-exporter", Data: make([]byte, 32)}, no},
		} {
			s.both(t, name, over, func() gosasl.Client { return newScram(t, test.mechanism, "john", "secret", "", &test.binding) }, test.want)
		}
		want := no // TLS 1.3 has none
		if version == tls.VersionTLS12 {
			want = "john"
		} else {
			unique.Data = []byte("x")
		}
		s.both(t, "unique", over, func() gosasl.Client { return newScram(t, "SCRAM-SHA-1-PLUS", "john", "secret", "", &unique) }, want)
		s.both(t, "without, though it could", over, func() gosasl.Client { return newScram(t, "SCRAM-SHA-1", "john", "secret", "", nil) }, "john")
		couldBind := func() gosasl.Client {
			return steps{"SCRAM-SHA-1", []byte("y,,n=john,r=abc"), func(string) (string, error) { return "", errors.New("was taken") }}
		}
		s.both(t, "has not seen PLUS", over, couldBind, no)
		want = "was taken"
		if version == tls.VersionTLS12 {
			want = no
		}
		newSite(t).both(t, "has not seen PLUS where there is none", over, couldBind, want)
		// Our own client.
		for name, test := range map[string]struct {
			mechanism string
			offered   bool
			want      string
		}{
			"bound":                  {"SCRAM-SHA-256-PLUS", true, "john"},
			"bound, SHA-1":           {"SCRAM-SHA-1-PLUS", true, "john"},
			"unbound, as was wanted": {"SCRAM-SHA-256", true, "john"},
			"the list was changed":   {"SCRAM-SHA-256", false, no},
		} {
			s.both(t, "ours, "+name, over, func() gosasl.Client {
				c, err := saslclient.New(test.mechanism, saslclient.Login{
					User: "john", Password: "secret", TLS: &client, Offered: func(string) bool { return test.offered },
				})
				if err != nil {
					t.Fatal(err)
				}
				return c
			}, test.want)
		}
		s.both(t, "PLUS unbound", over, func() gosasl.Client { return newScram(t, "SCRAM-SHA-1-PLUS", "john", "secret", "", nil) }, no)
	}
}
