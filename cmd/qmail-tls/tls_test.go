package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
)

func TestIsHostName(t *testing.T) {
	for name, want := range map[string]bool{
		"mx.example": true, "a": true, "x-1_y.example": true,
		"": false, ".": false, "..": false, "a..b": false, ".a": false, "a/b": false, "a\x00": false, "../x": false, "a.": false,
	} {
		if got := isHostName(name); got != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key}
}

func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
}

// issue makes a certificate and its key.
func (a *authority) issue(t *testing.T, serial int64, name, email string) string {
	return a.issueUntil(t, time.Now().Add(time.Hour), serial, name, email)
}

func (a *authority) issueUntil(t *testing.T, end time.Time, serial int64, name, email string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: end}
	if email != "" {
		template.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: email}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

func (a *authority) revoke(t *testing.T, serial int64) string {
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(serial), RevocationTime: time.Now()}},
	}, a.certificate, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
}

// home makes a home directory of the given control files.
func home(t *testing.T, controls map[string]string) {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	for name, data := range controls {
		path := filepath.Join(auto.Home, "control", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// peer is a qmail-tls, seen from both sides.
type peer struct {
	client  net.Conn
	server  *os.File
	reports *bufio.Reader
	code    chan int
}

func pair(t *testing.T) (near, far *os.File) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	near, far = os.NewFile(uintptr(fds[0]), "near"), os.NewFile(uintptr(fds[1]), "far")
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func start(t *testing.T) *peer { return startWith(t, "30") }

// startWith starts one that waits so many seconds for the client.
func startWith(t *testing.T, seconds string) *peer {
	near, far := pair(t)
	client, err := net.FileConn(near)
	if err != nil {
		t.Fatal(err)
	}
	near.Close()
	server, serverFar := pair(t)
	reports, reportsFar, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{client, server, bufio.NewReader(reports), make(chan int, 1)}
	go func() {
		p.code <- run(call.New([]string{"qmail-tls", seconds}, nil, map[int]*os.File{0: far, 1: far, 2: os.Stderr, 3: serverFar, 4: reportsFar}))
	}()
	return p
}

func (p *peer) report(t *testing.T) string {
	line, err := p.reports.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(line, "\n")
}

func TestNoCertificate(t *testing.T) {
	ca := newAuthority(t)
	good := ca.issue(t, 2, "mx.example", "")
	for name, c := range map[string]struct {
		controls map[string]string
		want     string
	}{
		"none":      {map[string]string{"me": "x"}, "-missing certificate: file does not exist"},
		"empty":     {map[string]string{"servercert.pem": ""}, "-missing certificate: none in servercert.pem"},
		"no key":    {map[string]string{"servercert.pem": ca.pem()}, "-no valid RSA private key: "},
		"other key": {map[string]string{"servercert.pem": ca.pem() + good[strings.Index(good, "-----BEGIN PRIV"):]}, "-no valid RSA private key: "},
	} {
		home(t, c.controls)
		p := start(t)
		if got := p.report(t); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %q", name, got)
		}
		if code := <-p.code; code != failed {
			t.Errorf("%s: exit code %d", name, code)
		}
	}
}

// A client that sends a byte of its handshake now and then is not waited for without end.
func TestDrip(t *testing.T) {
	ca := newAuthority(t)
	home(t, map[string]string{"servercert.pem": ca.issue(t, 2, "mx.example", "")})
	p := startWith(t, "1")
	p.report(t)
	p.server.Write([]byte{0})
	hello := append([]byte{22, 3, 1, 64, 0, 1, 0, 63, 252}, make([]byte, 1<<14-4)...)
	for i := range hello {
		select {
		case code := <-p.code:
			if got := p.report(t); code != failed || !strings.Contains(got, "timeout") {
				t.Errorf("exit code %d, %q", code, got)
			}
			return
		case <-time.After(100 * time.Millisecond):
			p.client.Write(hello[i : i+1])
		}
	}
	t.Error("all of it was waited for")
}

func TestDialogue(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	controls := map[string]string{
		"servercert.pem":                       ca.issue(t, 2, "mx.example", ""),
		"servercerts/b.example/servercert.pem": ca.issue(t, 3, "b.example", ""),
	}
	withClients := map[string]string{"clientca.pem": ca.pem(), "tlsclients": "joe@a\n"}
	withList := map[string]string{"clientcrl.pem": ca.revoke(t, 9)}
	for _, c := range []struct {
		name    string
		more    []map[string]string
		call    string // the name the client asks for
		shows   string // its certificate
		version uint16
		want    string // the report
	}{
		{"1.2", nil, "mx.example", "", tls.VersionTLS12, "ECDHE-ECDSA-AES128-GCM-SHA256\t\t\t"},
		{"1.3", nil, "mx.example", "", tls.VersionTLS13, "TLS_AES_128_GCM_SHA256\t\t\t"},
		{"other name", nil, "B.example", "", tls.VersionTLS13, "TLS_AES_128_GCM_SHA256\t\t\t"},
		{"not asked", nil, "mx.example", ca.issue(t, 4, "c", "joe@a"), tls.VersionTLS13, "TLS_AES_128_GCM_SHA256\t\t\t"},
		{"certificate 1.3", []map[string]string{withClients}, "mx.example", ca.issue(t, 4, "c", "joe@a"), tls.VersionTLS13, "TLS_AES_128_GCM_SHA256\tjoe@a\t\t"},
		{"certificate 1.2", []map[string]string{withClients}, "mx.example", ca.issue(t, 4, "c", "joe@a"), tls.VersionTLS12, "ECDHE-ECDSA-AES128-GCM-SHA256\tjoe@a\t\t"},
		{"no address", []map[string]string{withClients}, "mx.example", ca.issue(t, 4, "c", ""), tls.VersionTLS13, "TLS_AES_128_GCM_SHA256\t\tcontains no email address\t"},
		{"other authority", []map[string]string{withClients}, "mx.example", other.issue(t, 4, "c", "joe@a"), tls.VersionTLS13, "TLS_AES_128_GCM_SHA256\t\tx509: "},
		{"revoked", []map[string]string{withClients, withList}, "mx.example", ca.issue(t, 9, "c", "joe@a"), tls.VersionTLS13, "TLS_AES_128_GCM_SHA256\t\tcertificate revoked\t"},
		{"not revoked", []map[string]string{withClients, withList}, "mx.example", ca.issue(t, 8, "c", "joe@a"), tls.VersionTLS13, "TLS_AES_128_GCM_SHA256\tjoe@a\t\t"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := map[string]string{}
			for _, some := range append(c.more, controls) {
				for name, data := range some {
					all[name] = data
				}
			}
			home(t, all)
			roots := x509.NewCertPool()
			roots.AddCert(ca.certificate)
			config := &tls.Config{RootCAs: roots, ServerName: c.call, MinVersion: c.version, MaxVersion: c.version, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
			if c.shows != "" {
				own, err := tls.X509KeyPair([]byte(c.shows), []byte(c.shows))
				if err != nil {
					t.Fatal(err)
				}
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
			}
			p := start(t)
			if got := p.report(t); got != "+" {
				t.Fatalf("got %q", got)
			}
			p.server.Write([]byte("+"))
			client := tls.Client(p.client, config)
			if err := client.Handshake(); err != nil {
				t.Fatal(err)
			}
			if got := p.report(t); !strings.HasPrefix(got, "+"+c.want) || !strings.HasSuffix(c.want, " ") && got != "+"+c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			passes(t, p, client)
		})
	}
}

// passes checks that what each says gets to the other, to the end.
func passes(t *testing.T, p *peer, client *tls.Conn) {
	io.WriteString(client, "QUIT\r\n")
	client.CloseWrite()
	heard, err := io.ReadAll(p.server)
	if string(heard) != "QUIT\r\n" || err != nil {
		t.Errorf("server heard %q, %v", heard, err)
	}
	io.WriteString(p.server, "221 bye\r\n")
	p.server.Close()
	heard, err = io.ReadAll(client)
	if string(heard) != "221 bye\r\n" || err != nil {
		t.Errorf("client heard %q, %v", heard, err)
	}
	if code := <-p.code; code != 0 {
		t.Errorf("exit code %d", code)
	}
	if client.ConnectionState().DidResume {
		t.Error("a session was resumed")
	}
}

func TestNoHandshake(t *testing.T) {
	ca := newAuthority(t)
	home(t, map[string]string{"servercert.pem": ca.issue(t, 2, "mx.example", "")})
	p := start(t)
	p.report(t)
	p.server.Write([]byte("+"))
	io.WriteString(p.client, "EHLO x\r\nMAIL FROM:<a@b>\r\n")
	if got := p.report(t); !strings.HasPrefix(got, "-tls: ") {
		t.Errorf("got %q", got)
	}
	if code := <-p.code; code != failed {
		t.Errorf("exit code %d", code)
	}
}

func TestNotWanted(t *testing.T) {
	ca := newAuthority(t)
	home(t, map[string]string{"servercert.pem": ca.issue(t, 2, "mx.example", "")})
	p := start(t)
	p.report(t)
	p.server.Close()
	if code := <-p.code; code != failed {
		t.Errorf("exit code %d", code)
	}
}
