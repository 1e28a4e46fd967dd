package main

import (
	"bufio"
	"compress/flate"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"goqmail/lib/imapconf"
	"goqmail/lib/imaptls"
	"goqmail/lib/service/servicetest"
)

// useTLS gives the server a certificate. settings are lines of imapd.conf.
func useTLS(t *testing.T, s *server, settings ...string) {
	t.Helper()
	path, _ := servicetest.Certificate(t)
	conf := imapconf.Conf{"tls_cert_file": path, "tls_key_file": path}
	for _, line := range settings {
		name, value, _ := strings.Cut(line, ": ")
		conf[name] = value
	}
	var err error
	if s.tls, err = imaptls.Load(conf); err != nil {
		t.Fatal(err)
	}
}

// over makes the client speak through a layer.
func (c *client) over(n net.Conn) {
	c.Conn = n
	c.lines = bufio.NewReader(n)
}

func (c *client) shakeHands() {
	c.over(tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true}))
}

func TestStartTLS(t *testing.T) {
	s := newServer(t, "allowplaintext: no")
	useTLS(t, s)
	c := dial(t, s)
	c.talk(`
		> a CAPABILITY
		< * CAPABILITY IMAP4rev1 … STARTTLS… LOGINDISABLED…
		< a OK Completed
		> b LOGIN john secret
		< b NO [PRIVACYREQUIRED] …
		> c STARTTLS
		< c OK Begin TLS negotiation now`)
	c.shakeHands()
	c.talk(`
		> d STARTTLS
		< d NO TLS already active
		> e LOGIN john secret
		< e OK [CAPABILITY …] …
		> f STARTTLS
		< f BAD Already logged in
		> g LOGOUT
		< * BYE …
		< g OK Completed
		< EOF`)
}

// What somebody has put before the handshake is not run after it.
func TestStartTLSInjection(t *testing.T) {
	s := newServer(t)
	useTLS(t, s)
	dial(t, s).talk(`
		> a STARTTLS␍␊b LOGIN john secret
		< a OK Begin TLS negotiation now
		< EOF`)
}

func TestTLSFromTheStart(t *testing.T) {
	s := newServer(t)
	useTLS(t, s)
	s.secure = true
	c := &client{t: t, Conn: connect(t, s)}
	c.shakeHands()
	c.talk(`
		< * OK …
		> a LOGIN john secret
		< a OK …`)
}

// deflating is the client's end of COMPRESS.
type deflating struct {
	net.Conn
	r io.Reader
	w *flate.Writer
}

func (d *deflating) Read(p []byte) (int, error) { return d.r.Read(p) }

func (d *deflating) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	if err == nil {
		err = d.w.Flush()
	}
	return n, err
}

func TestCompress(t *testing.T) {
	s := newServer(t)
	useTLS(t, s)
	put(t, s, "user.john", nil, hello+strings.Repeat("All work and no play\r\n", 10000))
	c := dial(t, s)
	c.talk(`
		> a STARTTLS
		< a OK …`)
	c.shakeHands()
	c.talk(`
		> b LOGIN john secret
		< b OK [CAPABILITY …COMPRESS=DEFLATE…
		> c COMPRESS ZIP
		< c NO …
		> d COMPRESS DEFLATE
		< d OK DEFLATE active`)
	w, err := flate.NewWriter(c.Conn, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	c.over(&deflating{c.Conn, flate.NewReader(c.Conn), w})
	c.talk(`
		> e COMPRESS DEFLATE
		< e NO [COMPRESSIONACTIVE] …
		> f CAPABILITY
		< * CAPABILITY …
		< f OK Completed
		> g SELECT INBOX
		< ...
		< g OK …
		> h FETCH 1 BODY.PEEK[TEXT]
		< * 1 FETCH (BODY[TEXT] {220007}
		< world
		< ...
		< )
		< h OK Completed
		> i IDLE
		< + idling`)
	put(t, s, "user.john", nil, hello)
	c.talk(`
		< * 2 EXISTS
		< * 2 RECENT
		> DONE
		< i OK Completed`)
}
