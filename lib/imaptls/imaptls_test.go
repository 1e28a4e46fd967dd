package imaptls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"goqmail/lib/imapconf"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// sign makes a certificate and its key, in PEM; of an authority's own if by is nil.
func sign(t *testing.T, by *authority, name string) (a *authority, data []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: by == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	a = &authority{cert, key}
	if by == nil {
		by = a
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	data = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a, append(data, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shake has a client greet the server, and returns what the server knows then.
func shake(t *testing.T, s *Server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	client.InsecureSkipVerify = true
	go func() {
		c := tls.Client(far, client)
		if c.Handshake() == nil {
			c.Read(make([]byte, 1)) // takes the session ticket
		}
	}()
	c := tls.Server(near, s.Config())
	err := c.Handshake()
	return c.ConnectionState(), err
}

func TestServer(t *testing.T) {
	dir := t.TempDir()
	ca, caPEM := sign(t, nil, "CA")
	_, first := sign(t, ca, "first.example")
	_, second := sign(t, ca, "second.example")
	_, john := sign(t, ca, "john")
	_, stranger := sign(t, nil, "john")
	caFile, file := write(t, dir+"/ca.pem", caPEM), write(t, dir+"/server.pem", first)
	conf := imapconf.Conf{"tls_cert_file": file, "tls_key_file": file, "tls_ca_file": caFile}
	s, err := Load(conf)
	if err != nil {
		t.Fatal(err)
	}
	as := func(data []byte) *tls.Config {
		pair, err := tls.X509KeyPair(data, data)
		if err != nil {
			t.Fatal(err)
		}
		// A client sends what it has, whoever the server says it knows.
		return &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }}
	}
	for name, test := range map[string]struct {
		client   *tls.Config
		identity string
	}{
		"no certificate":           {&tls.Config{}, ""},
		"a known one":              {as(john), "john"},
		"one of nobody's":          {as(stranger), ""},
		"an older version, a user": {func() *tls.Config { c := as(john); c.MaxVersion = tls.VersionTLS12; return c }(), "john"},
	} {
		state, err := shake(t, s, test.client)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := s.Identity(state); got != test.identity {
			t.Errorf("%s: %q", name, got)
		}
	}

	conf["tls_client_certs"] = "require"
	strict, err := Load(conf)
	if err != nil {
		t.Fatal(err)
	}
	for name, client := range map[string]*tls.Config{"none": {}, "unknown": as(stranger)} {
		if _, err := shake(t, strict, client); err == nil {
			t.Errorf("required, but %s was taken", name)
		}
	}
	if _, err := shake(t, strict, as(john)); err != nil {
		t.Error(err)
	}

	// What cannot be read changes nothing; what can is there for the next connection.
	serving := func() string { return s.Certificate().Subject.CommonName }
	write(t, file, []byte("half"))
	if err := s.Reload(conf); err == nil || !strings.Contains(err.Error(), file) || serving() != "first.example" {
		t.Errorf("%v, serving %s", err, serving())
	}
	write(t, file, second)
	if err := s.Reload(conf); err != nil || serving() != "second.example" {
		t.Errorf("%v, serving %s", err, serving())
	}
}

func TestLimits(t *testing.T) {
	_, data := sign(t, nil, "host.example")
	file := write(t, t.TempDir()+"/server.pem", data)
	s, err := Load(imapconf.Conf{"tls_server_cert": file, "tls_versions": "tls1_2", "tls_ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384:RC4-SHA"})
	if err != nil {
		t.Fatal(err)
	}
	state, err := shake(t, s, &tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "starttls: TLSv1.2 with cipher ECDHE-ECDSA-AES256-GCM-SHA384 (256/256 bits new) authenticated as john"
	if got := Describe(state, "john"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := shake(t, s, &tls.Config{MinVersion: tls.VersionTLS13}); err == nil {
		t.Error("TLS 1.3 was not to be had")
	}
}

func TestBits(t *testing.T) {
	for suite, want := range map[uint16]int{
		tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256:       128,
		tls.TLS_AES_128_GCM_SHA256:                      128,
		tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA:          256,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 256,
	} {
		if got := Bits(tls.ConnectionState{CipherSuite: suite}); got != want {
			t.Errorf("%s: %d", tls.CipherSuiteName(suite), got)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	_, data := sign(t, nil, "host.example")
	file := write(t, t.TempDir()+"/server.pem", data)
	for name, test := range map[string]struct {
		conf imapconf.Conf
		want string
	}{
		"nothing set":      {imapconf.Conf{}, ErrOff.Error()},
		"disabled":         {imapconf.Conf{"tls_cert_file": "disabled"}, ErrOff.Error()},
		"no file":          {imapconf.Conf{"tls_cert_file": "/nonexistent.pem"}, "TLS: /nonexistent.pem: open /nonexistent.pem: no such file"},
		"no version":       {imapconf.Conf{"tls_cert_file": file, "tls_versions": "ssl3"}, "tls_versions: ssl3"},
		"no way":           {imapconf.Conf{"tls_cert_file": file, "tls_client_certs": "maybe"}, "tls_client_certs: maybe"},
		"clients, by whom": {imapconf.Conf{"tls_cert_file": file, "tls_client_certs": "require"}, "no such file"},
		"no authority":     {imapconf.Conf{"tls_cert_file": file, "tls_ca_file": "/dev/null"}, "/dev/null: no certificate"},
	} {
		_, err := Load(test.conf)
		if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, ErrOff) != (test.want == ErrOff.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
