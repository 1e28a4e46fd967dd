//go:build linux

package replay

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// tlsOptions are how a script speaks TLS.
type tlsOptions struct {
	Cert     Text // PEM: a chain and its key
	CA       Text // PEM
	Min, Max string
	Ciphers  string
	Verify   bool   // client: check the chain, not the name, against CA
	Name     string // client: the server name to send
	Ask      any    // server: true asks for a certificate, "need" insists
}

// config is what both sides have in common.
func (o *tlsOptions) config() (*tls.Config, error) {
	c := &tls.Config{}
	var err error
	if c.MinVersion, err = tlsVersion(o.Min); err != nil {
		return nil, err
	}
	if c.MaxVersion, err = tlsVersion(o.Max); err != nil {
		return nil, err
	}
	if c.CipherSuites, err = cipherSuites(o.Ciphers); err != nil {
		return nil, err
	}
	if o.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(o.Cert), []byte(o.Cert))
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

func tlsVersion(name string) (uint16, error) {
	switch name {
	case "", "1.2":
		return tls.VersionTLS12, nil
	case "1.3":
		return tls.VersionTLS13, nil
	}
	return 0, fmt.Errorf("unknown version of TLS %q", name)
}

// cipherSuites takes the names of OpenSSL.
func cipherSuites(names string) ([]uint16, error) {
	if names == "" {
		names = "ECDHE-RSA-AES128-GCM-SHA256"
	}
	var out []uint16
	for name := range strings.SplitSeq(names, ":") {
		switch name {
		case "ECDHE-RSA-AES128-GCM-SHA256":
			out = append(out, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
		case "ECDHE-RSA-AES256-GCM-SHA384":
			out = append(out, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)
		case "ECDHE-RSA-CHACHA20-POLY1305":
			out = append(out, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)
		case "ECDHE-ECDSA-AES128-GCM-SHA256":
			out = append(out, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
		default:
			return nil, fmt.Errorf("unknown cipher %q", name)
		}
	}
	return out, nil
}

func (o *tlsOptions) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(o.CA))
	return pool
}

func (o *tlsOptions) client() (*tls.Config, error) {
	c, err := o.config()
	if err != nil {
		return nil, err
	}
	c.ServerName = o.Name
	// Whatever authorities the server says that it takes.
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		for i := range c.Certificates {
			return &c.Certificates[i], nil
		}
		return &tls.Certificate{}, nil
	}
	c.InsecureSkipVerify = true // of the name; the chain is checked below
	if o.Verify {
		c.VerifyConnection = func(s tls.ConnectionState) error {
			chain := x509.VerifyOptions{Roots: o.pool(), Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
			for _, cert := range s.PeerCertificates[1:] {
				chain.Intermediates.AddCert(cert)
			}
			_, err := s.PeerCertificates[0].Verify(chain)
			return err
		}
	}
	return c, nil
}

func (o *tlsOptions) server() (*tls.Config, error) {
	c, err := o.config()
	if err != nil {
		return nil, err
	}
	c.ClientCAs = o.pool()
	switch o.Ask {
	case nil, false:
	case "need":
		c.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		c.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return c, nil
}

// secure is TLS on a descriptor of a dialogue, which stays the one reader of
// that descriptor: what comes goes through records, and clear text comes back
// as the dialogue's events.
type secure struct {
	*tls.Conn
	wire *wire
}

// starttls speaks TLS on a descriptor from here on; nothing may be pending.
func (d *dialogue) starttls(fd int, o *tlsOptions) {
	r, w := d.ends.readers[fd], d.ends.writers[fd]
	if r == nil || w == nil || o == nil {
		d.r.fail("TLS cannot be spoken on descriptor %d", fd)
		return
	}
	config, err := o.client()
	if err != nil {
		d.r.fail("starttls: %v", err)
		return
	}
	s := &secure{wire: &wire{f: r.f, records: make(chan []byte, 10000), over: d.over}}
	s.Conn = tls.Client(s.wire, config)
	r.secure, w.secure = s, s
	go d.readSecure(r, s)
}

// readSecure gives what s decrypts to the dialogue.
func (d *dialogue) readSecure(r *reader, s *secure) {
	hear := func(text []byte) { d.tell(func() { r.data = append(r.data, text...) }) }
	switch err := s.Handshake(); {
	case err == nil:
		hear([]byte("<TLS>"))
		for err == nil {
			var n int
			buf := make([]byte, 16384)
			n, err = s.Read(buf)
			hear(buf[:n])
		}
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		hear([]byte("<TLS FAILED>"))
	}
	io.Copy(io.Discard, s.wire) // TLS may end before the connection does
	d.tell(func() { r.open = false })
}

// Write pretends to have written what TLS takes no more: the script goes on,
// and what follows from that shows.
func (s *secure) Write(data []byte) (int, error) {
	s.Conn.Write(data)
	return len(data), nil
}

// wire is the connection below TLS.
type wire struct {
	f       *os.File
	records chan []byte // closed when no more will come
	over    <-chan struct{}
	rest    []byte
}

func (w *wire) Read(data []byte) (int, error) {
	for len(w.rest) == 0 {
		var ok bool
		select {
		case w.rest, ok = <-w.records:
		case <-w.over:
		}
		if !ok {
			return 0, io.EOF
		}
	}
	n := copy(data, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

func (w *wire) Write(data []byte) (int, error) { return w.f.Write(data) }

// The rest of a net.Conn, which TLS asks for and does not use here.
func (w *wire) Close() error                     { return nil }
func (w *wire) LocalAddr() net.Addr              { return nil }
func (w *wire) RemoteAddr() net.Addr             { return nil }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
