package saslclient

import (
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
)

// The examples of RFC 2195, 2289 and 5802.
func TestExamples(t *testing.T) {
	cram, _ := New("cram-md5", Login{User: "tim", Password: "tanstaaftanstaaf"})
	cram.Start()
	got, err := cram.Next([]byte("<1896.697170952@postoffice.reston.mci.net>"))
	if want := "tim b913a602c7eda7a495b4e6e7334d3890"; err != nil || string(got) != want {
		t.Errorf("CRAM-MD5: %s, %v, want %s", got, err, want)
	}
	for _, row := range []struct{ challenge, password, want string }{
		{"otp-md5 0 TeSt ext", "This is a test.", "9e876134d90499dd"},
		{"otp-md5 99 alpha1 ext", "AbCdEfGhIjK", "5aa37a81f212146c"},
		{"otp-sha1 0 TeSt", "This is a test.", "bb9e6ae1979d8ff4"},
		{"otp-sha1 99 correct ext", "OTP's are good", "4f296a74fe1567ec"},
	} {
		got, err := Login{Password: row.password}.otp([]byte(row.challenge))
		if err != nil || string(got) != "hex:"+row.want {
			t.Errorf("%s: %s, %v, want %s", row.challenge, got, err, row.want)
		}
	}
	s := &scram{Login: Login{User: "user", Password: "pencil"}, header: "n,,", nonce: "fyko+d2lbbFgONRv9qkxdawL", first: "n=user,r=fyko+d2lbbFgONRv9qkxdawL"}
	s.hash = sha1.New
	got, err = s.respond([]byte("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"))
	if want := "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="; err != nil || string(got) != want {
		t.Errorf("SCRAM: %s, %v, want %s", got, err, want)
	}
	if _, err := s.verify([]byte("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")); err != nil {
		t.Errorf("SCRAM: the server's signature: %v", err)
	}
	d := &digestMD5{Login: Login{User: "chris", Password: "secret", Service: "imap", Host: "elwood.innosoft.com"}}
	got, err = d.respond([]byte(`realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8`))
	if err != nil || !strings.Contains(string(got), `realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh"`) {
		t.Errorf("DIGEST-MD5: %s, %v", got, err)
	}
}

// A server that only claims to know the password is found out.
func TestServerIsProved(t *testing.T) {
	for _, name := range []string{"SCRAM-SHA-1", "SCRAM-SHA-256", "DIGEST-MD5"} {
		c, err := New(name, Login{User: "u", Password: "p"})
		if err != nil {
			t.Fatal(err)
		}
		_, first, _ := c.Start()
		challenge := `realm="r",nonce="n",algorithm=md5-sess`
		if first != nil {
			_, nonce, _ := strings.Cut(string(first), "r=")
			challenge = "r=" + nonce + "x,s=QSXCR+Q6sek8bf92,i=10"
		}
		if _, err := c.Next([]byte(challenge)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := c.Next([]byte("v=" + hex.EncodeToString([]byte("no")) + ",rspauth=no")); err == nil {
			t.Errorf("%s takes anything for a proof", name)
		}
	}
}

func TestUnknown(t *testing.T) {
	if _, err := New("KERBEROS_V4", Login{}); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	for _, name := range Mechanisms() {
		if _, err := New(name, Login{}); (err != nil) != strings.HasSuffix(name, "-PLUS") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New("SCRAM-SHA-1-PLUS", Login{}); !errors.Is(err, ErrUnbound) {
		t.Error(err)
	}
}

// The best is taken of what the server has and the connection allows.
func TestBest(t *testing.T) {
	unique := &tls.ConnectionState{Version: tls.VersionTLS12, TLSUnique: []byte("x")}
	for _, row := range []struct {
		name, offered string
		over          *tls.ConnectionState
		best, first   string
	}{
		{"nothing", "OTP EXTERNAL", unique, "", ""},
		{"no TLS", "SCRAM-SHA-256-PLUS SCRAM-SHA-1 PLAIN", nil, "SCRAM-SHA-1", "n,,n=u,"},
		{"no name", "SCRAM-SHA-256-PLUS SCRAM-SHA-1", &tls.ConnectionState{Version: tls.VersionTLS12}, "SCRAM-SHA-1", "n,,n=u,"},
		{"bound", "SCRAM-SHA-1-PLUS SCRAM-SHA-256", unique, "SCRAM-SHA-1-PLUS", "p=tls-unique,,n=u,"},
		{"it could, the server cannot", "SCRAM-SHA-256", unique, "SCRAM-SHA-256", "y,,n=u,"},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := Login{User: "u", TLS: row.over, Offered: func(name string) bool { return slices.Contains(strings.Fields(row.offered), name) }}
			got := l.Best()
			if got != row.best {
				t.Fatalf("got %q, want %q", got, row.best)
			}
			if got == "" {
				return
			}
			c, err := New(got, l)
			if err != nil {
				t.Fatal(err)
			}
			if _, first, _ := c.Start(); !strings.HasPrefix(string(first), row.first) {
				t.Errorf("%q does not begin with %q", first, row.first)
			}
		})
	}
}

// No challenge stops a client but by an error.
func FuzzChallenge(f *testing.F) {
	f.Add("r=x,s=QQ==,i=1", "v=")
	f.Add(`realm="a\"b",nonce="c",algorithm=md5-sess`, "rspauth=x")
	f.Add("otp-md5 3 seed ext", "")
	f.Fuzz(func(t *testing.T, first, second string) {
		for _, name := range Mechanisms() {
			if strings.Contains(first, "i=") && len(first) > 40 && strings.HasPrefix(name, "SCRAM") {
				continue // many iterations take long
			}
			c, err := New(name, Login{User: "u", Password: "p", TLS: &tls.ConnectionState{TLSUnique: []byte("x")}})
			if err != nil {
				t.Fatal(err)
			}
			c.Start()
			c.Next([]byte(first))
			c.Next([]byte(second))
		}
	})
}
