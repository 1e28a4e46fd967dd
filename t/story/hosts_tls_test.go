//go:build linux

package story

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// authority vouches for hosts.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority makes an authority with a name, for which it vouches itself.
func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t)}
	template := certificateFor(name, time.Now().Add(time.Hour))
	template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	a.cert = a.sign(template, template, a.key)
	return a
}

// vouch makes a certificate for a name, with its key, both in PEM.
func (a *authority) vouch(name string, until time.Time) string {
	a.t.Helper()
	key := newKey(a.t)
	return inPEM(a.t, a.sign(certificateFor(name, until), a.cert, key), key)
}

func (a *authority) sign(template, issuer *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func certificateFor(name string, until time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, BasicConstraintsValid: true,
	}
}

func inPEM(t *testing.T, cert *x509.Certificate, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// encrypted is a Received line of a message that came with TLS.
var encrypted = regexp.MustCompile(`\nReceived: from a\.example \(192\.0\.2\.1\)\n  by b\.example with ESMTPS \(TLS_AES_\w+ encrypted\); `)

// Without control/tlshosts, TLS with anybody is better than none. With it, the
// mail waits until the host proves who it is.
func TestCertificatesCountForHostsInTlshosts(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.needOurs("TLS")
	for _, h := range h {
		h.control("extensions", "smtp-tls\n")
	}
	a.start()
	b.up()
	const tlshosts = home + "/control/tlshosts"
	known := newAuthority(t, "authority.example")
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-24*time.Hour)
	alone := newAuthority(t, b.name)
	with := "TLS unable to verify server with control/tlshosts/b.example.pem: "
	a.in(func() error { return os.Mkdir(tlshosts, 0o755) })
	for _, c := range []struct{ name, certificate, problem string }{
		{"good", known.vouch(b.name, tomorrow), ""},
		{"expired", known.vouch(b.name, yesterday), with + "x509: certificate has expired"},
		{"wrong-name", known.vouch("c.example", tomorrow), "TLS unable to verify server b.example: certificate contains no matching dNSNnames; connected to 192.0.2.2.\n"},
		{"self-signed", inPEM(t, alone.cert, alone.key), with + "x509: "},
	} {
		b.key(c.certificate)
		a.enqueue(c.name+", whoever", a.at("susie"), b.at("dirk"))
		if got := b.awaitMail("dirk", "Subject: "+c.name+", whoever\n"); !encrypted.MatchString(got) {
			t.Errorf("%s: not encrypted: %q", c.name, got)
		}
		a.write(tlshosts+"/b.example.pem", inPEM(t, known.cert, known.key), "root")
		deferral := "deferral: " + logged(c.problem)
		before := a.log.count(deferral)
		a.enqueue(c.name+", b alone", a.at("susie"), b.at("dirk"))
		if c.problem != "" {
			a.await(deferral, func() bool { return a.log.count(deferral) > before })
			if n := b.count("dirk", c.name+", b alone"); n != 0 {
				t.Errorf("%s: it arrived", c.name)
			}
			b.key(known.vouch(b.name, tomorrow))
			a.alarm()
		}
		if got := b.awaitMail("dirk", "Subject: "+c.name+", b alone\n"); !encrypted.MatchString(got) {
			t.Errorf("%s: not encrypted: %q", c.name, got)
		}
		a.awaitEmpty()
		a.in(func() error { return os.Remove(tlshosts + "/b.example.pem") })
	}
}

// key gives the host a certificate and its key, for qmail-tls alone.
func (h *host) key(certificate string) {
	h.t.Helper()
	const path = home + "/control/servercert.pem"
	h.write(path, certificate, "qmailp")
	h.in(func() error { return os.Chmod(path, 0o400) })
}

// What counts is the name of the exchanger, not that of the domain.
func TestMailForAHostInTlshostsWaitsForTLS(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "d.example MX 10 b.example\n", addrA, addrB)
	a, b := h[0], h[1]
	a.needOurs("TLS")
	b.control("locals", "d.example\n")
	b.control("rcpthosts", "d.example\n")
	a.start()
	b.up()
	known := newAuthority(t, "authority.example")
	a.in(func() error { return os.Mkdir(home+"/control/tlshosts", 0o755) })
	a.write(home+"/control/tlshosts/b.example.pem", inPEM(t, known.cert, known.key), "root")
	a.enqueue("safely", a.at("susie"), "dirk@d.example")
	a.awaitLog("deferral: No_TLS_achieved_while_control/tlshosts/b.example.pem_exists;_connecting_to_192.0.2.2./")
	b.key(known.vouch(b.name, time.Now().Add(time.Hour)))
	b.control("extensions", "smtp-tls\n")
	a.alarm()
	if got := b.awaitMail("dirk", "Subject: safely\n"); !encrypted.MatchString(got) {
		t.Errorf("not encrypted: %q", got)
	}
}

// A host that offers TLS and then breaks it gets its mail in clear, later.
func TestBrokenTLSDelaysMailButDoesNotKeepIt(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB)
	a, b := h[0], h[1]
	a.needOurs("TLS")
	a.control("extensions", "smtp-tls\n")
	a.start()
	p := b.peer(addrB, script{"EHLO": "250-b.example\r\n250 STARTTLS", "STARTTLS": "220 go ahead\r\n250 nonsense"})
	a.enqueue("anyhow", a.at("susie"), b.at("dirk"))
	a.awaitLog("deferral: TLS_connect_failed:_")
	a.alarm()
	a.awaitLog("success: 192.0.2.2_accepted_message./")
	if got := p.messages(); len(got) != 1 || !strings.Contains(got[0], "Subject: anyhow\r\n") {
		t.Errorf("the other host took %q", got)
	}
}

// Host a has an account at b, and sends all its mail there, by TLS.
func TestARelayWantsAPassword(t *testing.T) {
	t.Parallel()
	h := newHosts(t, "", addrA, addrB, addrC)
	a, b, c := h[0], h[1], h[2]
	b.encrypt()
	b.start()
	b.machine.serve("qmail-submission", "587")
	b.machine.serve("qmail-smtpsd", "465")
	c.up()
	a.control("extensions", "smtp-tls\n")
	a.control("smtproutes", ":b.example:587\n")
	a.start()
	a.enqueue("nobody", a.at("susie"), c.at("dirk"))
	a.awaitLog("failure: Connected_to_192.0.2.2_but_sender_was_rejected./Remote_host_said:_530_Authorization_required_")
	for _, port := range []string{"587", "465"} {
		a.control("smtproutes", ":b.example:"+port+"|susie|secret\n")
		a.enqueue("by "+port, a.at("susie"), c.at("dirk"))
		got := c.awaitMail("dirk", "Subject: by "+port+"\n")
		for _, part := range []string{
			"\nReceived: from b.example (192.0.2.2)\n  by c.example with SMTP; ",
			"\nReceived: from a.example (susie@192.0.2.1)\n  by b.example with ESMTPSA (TLS_AES_128_GCM_SHA256 encrypted); ",
		} {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %q in %q", port, part, got)
			}
		}
	}
	a.awaitEmpty()
	b.awaitEmpty()
}
