package main

import (
	"bytes"
	"crypto/tls"
	"net"
	"slices"
	"testing"
	"time"
)

// visit makes a connection and sees it to its end.
func visit(t *testing.T, config *tls.Config) (resumed bool) {
	asked := false
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true // by one more record
		return new(tls.Certificate), nil
	}
	p := start(t)
	p.report(t)
	p.server.Write([]byte("+"))
	watched := &watched{Conn: p.client}
	client := tls.Client(watched, config)
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	p.report(t)
	p.server.Write([]byte("220 hello"))
	client.Read(make([]byte, 100)) // and the ticket before it
	client.Close()
	p.server.Close()
	<-p.code
	// One record for each message of the server's; package tls would have sent the
	// ticket as well.
	state := client.ConnectionState()
	want := map[bool]int{false: 4, true: 2}[state.DidResume]
	if state.Version == tls.VersionTLS13 && watched.records != want && !asked {
		t.Errorf("%d encrypted records before the client has answered, want %d", watched.records, want)
	}
	return state.DidResume
}

// watched counts the encrypted records that come before the second answer of the
// client, which has the end of its handshake.
type watched struct {
	net.Conn
	written int
	heard   bytes.Buffer
	records int
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if w.written < 2 {
		w.heard.Write(p[:n])
	}
	return n, err
}

func (w *watched) Write(p []byte) (int, error) {
	if w.written++; w.written == 2 {
		for data := w.heard.Bytes(); len(data) >= 5; data = data[min(len(data), 5+int(data[3])<<8+int(data[4])):] {
			if data[0] == 23 {
				w.records++
			}
		}
	}
	return w.Conn.Write(p)
}

func TestTickets(t *testing.T) {
	ca := newAuthority(t)
	cert := ca.issue(t, 2, "mx.example", "")
	for _, c := range []struct {
		name     string
		version  uint16
		controls map[string]string // from the second connection on
		want     bool
	}{
		{"another process", tls.VersionTLS13, nil, true},
		{"another key", tls.VersionTLS13, map[string]string{"servercert.pem": ca.issue(t, 3, "mx.example", "")}, false},
		{"clients asked", tls.VersionTLS13, map[string]string{"servercert.pem": cert, "clientca.pem": ca.pem(), "tlsclients": ""}, false},
		{"1.2", tls.VersionTLS12, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			home(t, map[string]string{"servercert.pem": cert})
			config := &tls.Config{InsecureSkipVerify: true, ServerName: "mx.example", MaxVersion: c.version, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
			if visit(t, config) {
				t.Error("resumed at once")
			}
			if c.controls != nil {
				home(t, c.controls)
			}
			if got := visit(t, config); got != c.want {
				t.Errorf("resumed: %v", got)
			}
		})
	}
}

// Yesterday's tickets are good, and those of the day before are not.
func TestTicketKeys(t *testing.T) {
	now := time.Unix(1e9, 0)
	today, tomorrow := ticketKeys([]byte("secret"), now), ticketKeys([]byte("secret"), now.AddDate(0, 0, 1))
	if today[0] != tomorrow[1] || slices.Contains(tomorrow, today[1]) || today[0] == today[1] {
		t.Errorf("got %x, %x", today, tomorrow)
	}
	if ticketKeys([]byte("other"), now)[0] == today[0] {
		t.Error("the key does not come from the secret")
	}
}

// A certificate that is no good any more is better than clear text, and one for
// another name than was asked for is better than none.
func TestWarnings(t *testing.T) {
	ca := newAuthority(t)
	expired := ca.issueUntil(t, time.Now().Add(-time.Hour), 2, "mx.example", "")
	for _, c := range []struct{ name, called, first, second string }{
		{"expired", "x.example", "+the certificate in servercert.pem has expired; ciphers not known here: RC4-SHA", ""},
		{"broken", "mx.example", "+the certificate in servercert.pem has expired; ciphers not known here: RC4-SHA",
			"servercerts/mx.example/servercert.pem: missing certificate: none in servercerts/mx.example/servercert.pem"},
	} {
		home(t, map[string]string{"servercert.pem": expired, "servercerts/mx.example/servercert.pem": "x", "tlsserverciphers": "HIGH\nRC4-SHA\n"})
		p := start(t)
		if got := p.report(t); got != c.first {
			t.Errorf("%s: got %q", c.name, got)
		}
		p.server.Write([]byte("+"))
		client := tls.Client(p.client, &tls.Config{InsecureSkipVerify: true, ServerName: c.called})
		if err := client.Handshake(); err != nil {
			t.Fatal(err)
		}
		if got := p.report(t); got != "+TLS_AES_128_GCM_SHA256\t\t\t"+c.second {
			t.Errorf("%s: got %q", c.name, got)
		}
		passes(t, p, client)
	}
}

func TestLastRecord(t *testing.T) {
	const one, two = "\x16\x03\x03\x00\x01a", "\x17\x03\x03\x01\x00"
	long := two + string(make([]byte, 256))
	for data, want := range map[string]int{"": 0, "abc": 0, one: 0, one + one: 6, long + one: 261, one + long: 6, one + two + "short": 6} {
		if got := lastRecord([]byte(data)); got != want {
			t.Errorf("%q: got %d, want %d", data, got, want)
		}
	}
}
