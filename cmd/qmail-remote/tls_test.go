package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/control"
	"goqmail/lib/extensions"
	"goqmail/lib/notls"
)

// certificate makes one for common and other names, signed by issuer, or else
// by itself.
func certificate(t *testing.T, common string, names []string, until time.Time, issuer *tls.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: common},
		DNSNames:              names,
		NotBefore:             time.Now().Add(-time.Hour * 48),
		NotAfter:              until,
		IsCA:                  issuer == nil,
		BasicConstraintsValid: true,
	}
	parent, signer := template, any(key)
	if issuer != nil {
		if parent, err = x509.ParseCertificate(issuer.Certificate[0]); err != nil {
			t.Fatal(err)
		}
		signer = issuer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// tlsHome makes a home with files below control, and a place for notes.
func tlsHome(t *testing.T, files map[string]string) {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	put(t, notls.Path(), "")
	put(t, control.Path("me"), "me\n")
	for name, text := range files {
		put(t, control.Path(name), text)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// hostTLS says opening, then begins TLS unless its certificate is nil, and then
// says replies.
func hostTLS(conn net.Conn, opening []string, cert *tls.Certificate, replies []string) (heard string) {
	defer conn.Close()
	if last := len(opening) - 1; last >= 0 {
		heard = talk(conn, opening[:last])
		io.WriteString(conn, opening[last])
	}
	if cert != nil {
		safe := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*cert}})
		if safe.Handshake() == nil {
			heard += "<TLS>" + talk(safe, replies)
		}
	}
	return heard
}

// sendTLS sends a message to such a host.
func sendTLS(t *testing.T, to target, opening []string, cert *tls.Certificate, replies []string) (reported, heard string) {
	near, far := pair(t)
	done := make(chan string)
	go func() { done <- hostTLS(far, opening, cert, replies) }()
	var reports strings.Builder
	m := message{sender: "a", recipients: []string{"b"}, text: strings.NewReader("hello\n")}
	c := &config{helo: "me", timeout: time.Minute, extensions: extensions.Set{extensions.SMTPTLS}}
	v := clientTo(near, to, c, none).send(m, &reports)
	near.Close()
	return reports.String() + string(v), <-done
}

var (
	starttls = []string{"220 x\r\n", "250-x\r\n250-SIZE\r\n250 STARTTLS\r\n", "220 go\r\n"}
	taking   = []string{"250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n", "250 taken\r\n"}
)

const (
	inClear = "EHLO me\r\nSTARTTLS\r\n"
	inTLS   = "<TLS>EHLO me\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n"
	taken   = "r\x00K192.0.2.1 accepted message.\nRemote host said: 250 taken\n"
)

func TestSTARTTLS(t *testing.T) {
	tlsHome(t, map[string]string{})
	cert := certificate(t, "other.example", nil, time.Now().Add(-time.Hour), nil)
	reported, heard := sendTLS(t, here, starttls, &cert, taking)
	if reported != taken || heard != inClear+inTLS {
		t.Errorf("got %q, heard %q", reported, heard)
	}
}

// What arrives before the handshake, from whomever, must not pass for what the
// host says in safety.
func TestInjected(t *testing.T) {
	tlsHome(t, map[string]string{})
	cert := certificate(t, "mx.example", nil, time.Now().Add(time.Hour), nil)
	opening := append(starttls[:2:2], "220 go\r\n"+strings.Join(taking, ""))
	reported, heard := sendTLS(t, here, opening, &cert, taking)
	if reported != taken || heard != inClear+inTLS {
		t.Errorf("got %q, heard %q", reported, heard)
	}
}

func TestSMTPS(t *testing.T) {
	tlsHome(t, map[string]string{})
	cert := certificate(t, "mx.example", nil, time.Now().Add(time.Hour), nil)
	there := here
	there.port = smtpsPort
	reported, heard := sendTLS(t, there, nil, &cert, append([]string{"220 x\r\n"}, taking...))
	if reported != taken || heard != inTLS {
		t.Errorf("got %q, heard %q", reported, heard)
	}
	reported, _ = sendTLS(t, there, nil, &cert, []string{"421 busy\r\n"})
	if want := "ZTLS Connected to 192.0.2.1 but greeting failed.\nRemote host said: 421 busy\n"; reported != want {
		t.Errorf("got %q", reported)
	}
}

func TestVerify(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	issuer := certificate(t, "CA", nil, soon, nil)
	self := certificate(t, "mx.example", nil, soon, nil)
	bundle := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate[0]}))
	const file = "control/tlshosts/mx.example.pem"
	tlsHome(t, map[string]string{"tlshosts/mx.example.pem": bundle, "notlshosts/mx.example": ""})
	for _, c := range []struct {
		name string
		cert tls.Certificate
		want string // how the verdict starts; "" if it is accepted
	}{
		{"by name", certificate(t, "x", []string{"y.example", "MX.example"}, soon, &issuer), ""},
		{"by common name", certificate(t, "mx.example", nil, soon, &issuer), ""},
		{"by wildcard", certificate(t, "x", []string{"*.example"}, soon, &issuer), ""},
		{"other name", certificate(t, "mx.example", []string{"y.example"}, soon, &issuer), "ZTLS unable to verify server mx.example: certificate contains no matching dNSNnames; connected to 192.0.2.1.\n"},
		{"other common name", certificate(t, "x", nil, soon, &issuer), "ZTLS unable to verify server mx.example: received certificate for x; connected to 192.0.2.1.\n"},
		{"no name", certificate(t, "", nil, soon, &issuer), "ZTLS unable to verify server mx.example: certificate contains no valid commonName; connected to 192.0.2.1.\n"},
		{"expired", certificate(t, "mx.example", nil, time.Now().Add(-time.Hour), &issuer), "ZTLS unable to verify server with " + file + ": "},
		{"self-signed", self, "ZTLS unable to verify server with " + file + ": "},
	} {
		t.Run(c.name, func(t *testing.T) {
			reported, heard := sendTLS(t, here, starttls, &c.cert, taking)
			if c.want == "" && (reported != taken || heard != inClear+inTLS) {
				t.Errorf("got %q, heard %q", reported, heard)
			}
			if c.want != "" && (!strings.HasPrefix(reported, c.want) || heard != inClear+"<TLS>QUIT\r\n") {
				t.Errorf("got %q, heard %q", reported, heard)
			}
		})
	}
}

// With tlshosts, there is no way around TLS.
func TestTLSOrNothing(t *testing.T) {
	issuer := certificate(t, "CA", nil, time.Now().Add(time.Hour), nil)
	bundle := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate[0]}))
	for _, c := range []struct {
		name, bundle string
		opening      []string
		want         string
	}{
		{"not offered", bundle, []string{"220 x\r\n", "250 x\r\n"}, "ZNo TLS achieved while control/tlshosts/mx.example.pem exists; connecting to 192.0.2.1.\n"},
		{"no EHLO", bundle, []string{"220 x\r\n", "502 x\r\n"}, "ZNo TLS achieved while control/tlshosts/mx.example.pem exists; connecting to 192.0.2.1.\n"},
		{"refused", bundle, append(starttls[:2:2], "454 no\r\n"), "ZSTARTTLS rejected while control/tlshosts/mx.example.pem exists; connecting to 192.0.2.1.\nRemote host said: 454 no\n"},
		{"no certificate", "x", starttls[:2], "ZTLS unable to load control/tlshosts/mx.example.pem: no certificate in it; connecting to 192.0.2.1.\n"},
		{"broken", bundle, append(starttls[:2:2], "220 go\r\n"), "ZTLS connect failed: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			tlsHome(t, map[string]string{"tlshosts/mx.example.pem": c.bundle})
			reported, _ := sendTLS(t, here, c.opening, nil, nil)
			if !strings.HasPrefix(reported, c.want) {
				t.Errorf("got %q", reported)
			}
			if notls.Failed(here.Addr, time.Now()) {
				t.Error("noted")
			}
		})
	}
}

// A host whose TLS is broken gets its mail in clear text, on the second try.
func TestBrokenTLS(t *testing.T) {
	tlsHome(t, map[string]string{})
	reported, _ := sendTLS(t, here, append(starttls[:2:2], "220 go\r\n"), nil, nil)
	if !strings.HasPrefix(reported, "ZTLS connect failed: ") {
		t.Errorf("got %q", reported)
	}
	reported, heard := sendTLS(t, here, append(starttls[:2:2], taking[1:]...), nil, nil)
	if reported != taken || strings.Contains(heard, "STARTTLS") {
		t.Errorf("got %q, heard %q", reported, heard)
	}
	there := here
	there.login = login{"joe", "secret"}
	if !policyFor(there, extensions.Set{extensions.SMTPTLS}).try {
		t.Error("a password would go in clear text")
	}
}

func TestPolicy(t *testing.T) {
	on := extensions.Set{extensions.SMTPTLS}
	named := func(name string, port uint16) target {
		to := here
		to.Name, to.port = name, port
		return to
	}
	must := policy{try: true, authorities: "control/tlshosts/mx.example.pem"}
	files := map[string]string{"tlshosts/mx.example.pem": "", "notlshosts/mx.example": "", "notlshosts/old.example": "", "evil.pem": ""}
	tlsHome(t, files)
	for _, c := range []struct {
		to     target
		wanted extensions.Set
		want   policy
	}{
		{named("mx.example", 25), nil, must},
		{named("mx.example", 25), on, must},
		{named("mx.example", 465), nil, must},
		{named("other.example", 25), nil, policy{}},
		{named("other.example", 25), on, policy{try: true}},
		{named("", 25), on, policy{try: true}},
		{named("other.example", 465), nil, policy{try: true}},
		{named("old.example", 25), on, policy{}},
		{named("../evil", 25), on, policy{try: true}},
		{named(".", 25), on, policy{try: true}},
	} {
		if got := policyFor(c.to, c.wanted); got != c.want {
			t.Errorf("%s, %v: got %+v", c.to.Name, c.wanted, got)
		}
	}
	put(t, control.Path("tlshosts/exhaustivelist"), "")
	if got := policyFor(named("other.example", 25), on); got.try {
		t.Error("the list is exhaustive")
	}
}
