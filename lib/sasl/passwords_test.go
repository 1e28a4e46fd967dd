package sasl

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// daemon answers like saslauthd(8), and returns its socket. It gives john's password
// right for the service imap only.
func daemon(t *testing.T, asked *string) string {
	t.Helper()
	path := t.TempDir() + "/mux"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			var parts []string
			for range 4 {
				var size uint16
				if binary.Read(c, binary.BigEndian, &size) != nil {
					break
				}
				text := make([]byte, size)
				io.ReadFull(c, text)
				parts = append(parts, string(text))
			}
			*asked = strings.Join(parts, "|")
			switch {
			case *asked == "john|other|imap|" || *asked == "far|other|imap|other.example":
				io.WriteString(c, "\x00\x0aOK success")
			case strings.HasPrefix(*asked, "mute|"):
			case strings.HasPrefix(*asked, "odd|"):
				io.WriteString(c, "\x00\x02??")
			default:
				io.WriteString(c, "\x00\x02NO")
			}
			c.Close()
		}
	}()
	return path
}

// program writes a checkpassword program.
func program(t *testing.T) string {
	t.Helper()
	path := t.TempDir() + "/checkpassword"
	// A child that another test forks now would hold it open, busy.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	err := os.WriteFile(path, []byte(`#!/bin/sh
said=$(tr '\000' : <&3)
case $said in
john:fromprogram:*) shift; exec "$@" ;;
broken:*) exit 111 ;;
*) exit 1 ;;
esac
`), 0o755)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMethods(t *testing.T) {
	var asked string
	mux, prog := daemon(t, &asked), program(t)
	const wrong, temporary = "authentication failure", "generic failure"
	for _, test := range []struct{ name, methods, user, password, want string }{
		{"saslauthd", "saslauthd", "john", "other", ""},
		{"saslauthd, of this realm", "saslauthd", "john@host.example", "other", ""},
		{"saslauthd, of another", "saslauthd", "far@other.example", "other", ""},
		{"saslauthd, wrong", "saslauthd", "john", "secret", wrong},
		{"saslauthd, too long", "saslauthd", "john", strings.Repeat("x", 300), wrong},
		{"saslauthd, mute", "saslauthd", "mute", "x", temporary},
		{"saslauthd, odd", "saslauthd", "odd", "x", temporary},
		{"checkpassword", "checkpassword", "john", "fromprogram", ""},
		{"checkpassword, wrong", "checkpassword", "john", "secret", wrong},
		{"checkpassword, too long", "checkpassword", "john", strings.Repeat("x", 600), wrong},
		{"checkpassword, broken", "checkpassword", "broken", "x", temporary},
		{"in a row, first", "auxprop saslauthd checkpassword", "john", "secret", ""},
		{"in a row, second", "auxprop saslauthd checkpassword", "john", "other", ""},
		{"in a row, third", "auxprop saslauthd checkpassword", "john", "fromprogram", ""},
		{"in a row, none", "auxprop saslauthd checkpassword", "john", "x", wrong},
		{"in a row, one does not know", "auxprop checkpassword saslauthd", "broken", "x", temporary},
		{"unknown", "pwcheck", "john", "secret", temporary},
		{"a NUL", "checkpassword", "john\x00fromprogram", "x", wrong},
		{"no password", "checkpassword", "john", "", wrong},
	} {
		s := newSite(t, "sasl_pwcheck_method: "+test.methods, "sasl_saslauthd_path: "+mux, "sasl_checkpassword: "+prog)
		err := s.check(test.user, test.password)
		var e *Error
		if got := errors.As(err, &e); got != (test.want != "") || got && (e.Text != test.want || e.Temporary() != (test.want == temporary)) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
		if test.name == "saslauthd, of this realm" && asked != "john|other|imap|" {
			t.Errorf("%s: asked %s", test.name, asked)
		}
	}
}

// A set-up that names saslauthd but runs none, with users made by saslpasswd2(8), works.
func TestNoDaemon(t *testing.T) {
	gone := t.TempDir() + "/mux"
	l, err := net.Listen("unix", gone)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	for _, mux := range []string{gone, gone + ".never"} {
		s := newSite(t, "sasl_pwcheck_method: saslauthd", "sasl_saslauthd_path: "+mux)
		if err := s.check("john", "secret"); err != nil {
			t.Errorf("%s: %v", mux, err)
		}
		if err := s.check("john", "wrong"); err == nil {
			t.Errorf("%s: a wrong password", mux)
		}
	}
	s := newSite(t, "sasl_pwcheck_method: checkpassword", "sasl_checkpassword: /nonexistent/checkpassword")
	var e *Error
	if err := s.check("john", "secret"); !errors.As(err, &e) || !e.Temporary() {
		t.Errorf("%v", err)
	}
}

func TestUser(t *testing.T) {
	s := newSite(t, "virtdomains: userid", "username_tolower: yes", "defaultdomain: default.example")
	for name, want := range map[string]string{"John": "john", "john@b.example": "john@b.example", "john@B.Example": "john@b.example", "john@default.example": "john", "john@Host.Example": "john", "john@": "", "@h": "", "-john": "", "jo hn": ""} {
		if got, _ := s.user(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
