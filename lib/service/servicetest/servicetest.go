// Package servicetest has what tests of services need.
package servicetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Connect gives a service a connection of a network, tcp or unix, and returns the other
// end. Both end with the test at the latest.
func Connect(t testing.TB, network string, serve func(net.Conn)) net.Conn {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	go func() { serve(theirs); close(done) }()
	t.Cleanup(func() { ours.Close(); <-done })
	ours.SetDeadline(time.Now().Add(5 * time.Minute)) // a machine may be slow
	return ours
}

// Limited is a connection of which it is seen how long a write may take.
type Limited struct {
	net.Conn
	until time.Time
}

func (l *Limited) SetReadDeadline(time.Time) error    { return nil }
func (l *Limited) SetWriteDeadline(t time.Time) error { l.until = t; return nil }
func (l *Limited) Write(p []byte) (int, error)        { return len(p), nil }

// Left is how long it still may take.
func (l *Limited) Left() time.Duration { return time.Until(l.until) }

// Certificate makes a certificate for host.example, in one file with its key, and returns
// also what one needs to believe it.
func Certificate(t testing.TB) (path string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"host.example"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, &made, &made, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	data := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	path = filepath.Join(t.TempDir(), "server.pem")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(data)
	return path, roots
}
