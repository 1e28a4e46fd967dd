//go:build linux

package main

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"
)

// W2 after STARTTLS, and what that costs beside the same without. A home whose
// qmail-smtpd does not offer it has no figures.
func (e *Env) wSmtpTLS(per int) {
	n := e.sc(1000)
	const control = "/var/qmail/control/"
	must(os.WriteFile(control+"extensions", []byte("smtp-tls\n"), 0644))
	must(os.WriteFile(control+"servercert.pem", selfSigned(), 0600))
	must(os.Chown(control+"servercert.pem", lookup("/etc/passwd", "qmaild", 2), 0))
	e.startSmtpd()
	if !offersTLS() {
		return
	}
	nothing := func() {}
	plain := e.smtp(n, per, false, nothing)
	secure := e.smtp(n, per, true, nothing)
	e.smtpFigs(n, secure)
	e.fig("time TLS/plain", secure.seconds/plain.seconds, "-")
	e.fig("CPU TLS/plain", secure.cpu/plain.cpu, "-")
}

// selfSigned is a new certificate with its key, PEM. RSA is what every server
// takes.
func selfSigned() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: domain}, DNSNames: []string{domain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	must(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
}

func offersTLS() bool {
	c, err := net.Dial("tcp", smtpAddr)
	must(err)
	defer c.Close()
	r := bufio.NewReader(c)
	reply(r)
	c.Write([]byte("EHLO client.invalid\r\n"))
	for {
		l, err := r.ReadString('\n')
		switch {
		case err != nil || len(l) < 4:
			return false
		case l[4:] == "STARTTLS\r\n":
			return true
		case l[3] != '-':
			return false
		}
	}
}
