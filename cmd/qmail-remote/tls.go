package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/ciphers"
	"goqmail/lib/control"
	"goqmail/lib/notls"
	"goqmail/lib/socket"
	"goqmail/lib/timeout"
)

// startTLS makes the connection safe if that is our policy and the host offers
// it (RFC 3207). done tells whether it did. A verdict ends the dialogue.
func (c *client) startTLS() (done bool, v verdict, err error) {
	if !c.policy.try {
		return false, "", nil
	}
	if !c.offersExtension("STARTTLS") {
		if !c.policy.opportunistic() {
			c.said = nil
			v, err = c.quit("ZNo TLS achieved while "+c.policy.authorities+" exists; connecting to ", "", nil)
		}
		return false, v, err
	}
	settings, authorities, v, err := c.tlsSettings()
	if v != "" || err != nil {
		return false, v, err
	}
	code, err := c.command("STARTTLS")
	if err != nil {
		return false, "", err
	}
	if code != 220 {
		if !c.policy.opportunistic() {
			v, err = c.quit("ZSTARTTLS rejected while "+c.policy.authorities+" exists; connecting to ", "", nil)
		}
		return false, v, err
	}
	v, err = c.handshake(settings, authorities)
	return true, v, err
}

// smtps makes a connection safe that has TLS from the start (RFC 8314, section
// 3.3).
func (c *client) smtps() (verdict, error) {
	settings, authorities, v, err := c.tlsSettings()
	if v != "" || err != nil {
		return v, err
	}
	return c.handshake(settings, authorities)
}

// tlsSettings reads the control files of TLS. Nothing in the settings is about
// the host's certificate: that is examined after the handshake, so that we can
// still say good bye.
func (c *client) tlsSettings() (settings *tls.Config, authorities *x509.CertPool, v verdict, err error) {
	if file := c.policy.authorities; file != "" {
		authorities, err = readAuthorities(file)
		if err != nil {
			c.said = nil
			v, err = c.quit("ZTLS unable to load "+file+": "+reason(err)+"; connecting to ", "", nil)
			return nil, nil, v, err
		}
	}
	list, _, err := control.Lines("tlsclientciphers")
	if err != nil {
		return nil, nil, noControls, nil
	}
	settings = &tls.Config{
		ServerName:           c.Name, // is not sent if it is an address
		InsecureSkipVerify:   true,
		MinVersion:           tls.VersionTLS10, // the next best thing is clear text
		GetClientCertificate: clientCertificate,
	}
	settings.CipherSuites, _ = ciphers.Parse(strings.Join(list, ":"))
	return settings, authorities, "", nil
}

// reason is the text of an error, on one line: parts of it may be the host's.
func reason(err error) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, err.Error())
}

func readAuthorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(auto.Home + "/" + file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate in it")
	}
	return pool, nil
}

// clientCertificate reads clientcert.pem when the host asks for a certificate.
// If there is none, let the host complain.
func clientCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	file := control.Path("clientcert.pem")
	certificate, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		return &tls.Certificate{}, nil
	}
	return &certificate, nil
}

// handshake begins TLS. Whatever the host sent before it is forgotten. With
// authorities, they must vouch for the host.
func (c *client) handshake(settings *tls.Config, authorities *x509.CertPool) (verdict, error) {
	// The last of the handshake and our next command are two packets in a row:
	// the second must not wait until the host gets round to say that it has the
	// first.
	socket.NoDelay(c.wire.Writer.File)
	conn := tls.Client(c.wire, settings)
	c.said = nil
	c.mute = true
	c.wire.expect(c.timeout)
	if err := conn.Handshake(); err != nil {
		if c.policy.opportunistic() && c.port != smtpsPort {
			notls.Note(c.Addr, time.Now())
		}
		return c.quit("ZTLS connect failed: "+reason(err)+"; connected to ", "", nil)
	}
	c.mute = false
	c.in, c.out = bufio.NewReader(conn), conn
	if authorities == nil {
		return "", nil
	}
	if problem := c.verify(conn.ConnectionState().PeerCertificates, authorities); problem != "" {
		return c.quit("ZTLS unable to verify server "+problem+"; connected to ", "", nil)
	}
	return "", nil
}

// verify examines the host's certificates, and returns what is wrong with them.
func (c *client) verify(chain []*x509.Certificate, authorities *x509.CertPool) (problem string) {
	options := x509.VerifyOptions{Roots: authorities, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	for _, certificate := range chain[1:] {
		options.Intermediates.AddCert(certificate)
	}
	if _, err := chain[0].Verify(options); err != nil {
		return "with " + c.policy.authorities + ": " + reason(err)
	}
	names := chain[0].DNSNames
	for _, name := range names {
		if certifies(name, c.Name) {
			return ""
		}
	}
	common := chain[0].Subject.CommonName
	switch {
	case len(names) > 0:
		problem = "certificate contains no matching dNSNnames"
	case common == "":
		problem = "certificate contains no valid commonName"
	case !certifies(common, c.Name):
		problem = "received certificate for " + printable(common)
	default:
		return ""
	}
	return printable(c.Name) + ": " + problem
}

// certifies tells whether a name in a certificate covers a host: it is the
// same, or has * for the first label (RFC 2595, section 2.4).
func certifies(name, host string) bool {
	if domain, ok := strings.CutPrefix(name, "*"); ok {
		dot := strings.IndexByte(host, '.')
		return dot > 0 && strings.EqualFold(domain, host[dot:])
	}
	return strings.EqualFold(name, host)
}

// wire is a connection as package tls wants it, with a limit to each wait, and to
// all waits for the same thing together: a host could send, or take, a byte now
// and then.
type wire struct {
	timeout.Reader
	timeout.Writer
	end *time.Time // of patience
}

// expect begins to wait for something new.
func (w wire) expect(limit time.Duration) {
	const waits = 4 // none that means well has needed more
	*w.end = time.Now().Add(waits * limit)
}

func (w wire) Read(p []byte) (int, error) {
	if w.Reader.Limit > 0 && time.Now().After(*w.end) {
		return 0, errEndless
	}
	return w.Reader.Read(p)
}

func (w wire) Write(p []byte) (int, error) {
	if w.Writer.Limit > 0 && time.Now().After(*w.end) {
		return 0, os.ErrDeadlineExceeded
	}
	const perByte = 10 * time.Millisecond // none that means well is slower for long
	*w.end = w.end.Add(time.Duration(len(p)) * perByte)
	return w.Writer.Write(p)
}

func (wire) Close() error                     { return nil } // is done elsewhere
func (wire) LocalAddr() net.Addr              { return nil }
func (wire) RemoteAddr() net.Addr             { return nil }
func (wire) SetDeadline(time.Time) error      { return nil }
func (wire) SetReadDeadline(time.Time) error  { return nil }
func (wire) SetWriteDeadline(time.Time) error { return nil }
