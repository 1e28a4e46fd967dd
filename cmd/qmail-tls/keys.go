package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"goqmail/lib/ascii"
	"goqmail/lib/call"
	"goqmail/lib/control"
	"goqmail/lib/errno"
)

// keys reads the files with keys and certificates, at each start.
type keys struct {
	identity
	warnings []string // what the log should have, since problems was asked
}

func (k *keys) warn(problem string) {
	k.warnings = append(k.warnings, strings.ReplaceAll(problem, "\t", " "))
}

func (k *keys) problems() string {
	defer func() { k.warnings = nil }()
	return strings.Join(k.warnings, "; ")
}

// config is what the handshake on conn goes by.
func (k *keys) config(env call.Env, conn *connection) (*tls.Config, error) {
	certificate, err := k.certificate("servercert.pem")
	if err != nil {
		return nil, err
	}
	suites, err := k.cipherSuites(env)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		CipherSuites: suites,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if own := k.named(hello.ServerName); own != nil {
				return own, nil
			}
			return certificate, nil
		},
	}
	if pool := k.clientCAs(); pool != nil {
		config.ClientAuth = tls.RequestClientCert
		config.ClientCAs = pool
	}
	return config, giveTickets(config, conn, certificate)
}

// certificate reads a control file with a chain and its key.
func (k *keys) certificate(name string) (*tls.Certificate, error) {
	data, err := k.read(control.Path(name))
	if err != nil {
		return nil, missing{err}
	}
	if len(certificates(data)) == 0 {
		return nil, errors.New("missing certificate: none in " + name)
	}
	pair, err := tls.X509KeyPair(data, data)
	if err != nil {
		return nil, errors.New("no valid RSA private key: " + err.Error()) // fixed words, whatever the kind
	}
	// Most clients do not mind, and those that do would not like clear text more.
	if time.Now().After(pair.Leaf.NotAfter) {
		k.warn("the certificate in " + name + " has expired")
	}
	return &pair, nil
}

// missing is the error of a certificate that cannot be read.
type missing struct{ error }

func (m missing) Error() string { return "missing certificate: " + errno.Text(m.error) }
func (m missing) Unwrap() error { return m.error }

// named is the certificate for the name that the client has called, if there is
// one: servercerts/NAME/servercert.pem.
func (k *keys) named(name string) *tls.Certificate {
	name = ascii.Lower(strings.TrimSuffix(name, "."))
	if !isHostName(name) {
		return nil
	}
	file := "servercerts/" + name + "/servercert.pem"
	own, err := k.certificate(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.warn(file + ": " + err.Error())
	}
	return own
}

// isHostName tells whether name can stand in a path: letters, digits, hyphens
// and dots, of which none is at its start or beside another.
func isHostName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// clientCAs are those whose certificates clients may show, nil if none is asked
// for: that takes clientca.pem and tlsclients.
func (k *keys) clientCAs() *x509.CertPool {
	if _, err := os.Stat(control.Path("tlsclients")); err != nil {
		return nil
	}
	data, err := k.read(control.Path("clientca.pem"))
	if err != nil {
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil
	}
	return pool
}

// certificates are the good ones in PEM data.
func certificates(data []byte) (list []*x509.Certificate) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			list = append(list, c)
		}
	}
	return list
}
