package saslclient

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
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
	s := &scram{Login: Login{User: "user", Password: "pencil"}, nonce: "fyko+d2lbbFgONRv9qkxdawL", first: "n=user,r=fyko+d2lbbFgONRv9qkxdawL"}
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
		if _, err := New(name, Login{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
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
			c, _ := New(name, Login{User: "u", Password: "p"})
			c.Start()
			c.Next([]byte(first))
			c.Next([]byte(second))
		}
	})
}
