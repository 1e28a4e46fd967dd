package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/starttls/starttlstest"
)

// securing makes a home with a program in the place of qmail-tls.
func securing(t *testing.T, first, second string, controls map[string]string) {
	t.Helper()
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	if err := os.Mkdir(filepath.Join(auto.Home, "control"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range controls {
		if err := os.WriteFile(filepath.Join(auto.Home, "control", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	starttlstest.Program(t, first, second)
}

// converse leads a dialogue. The program prints what it is given and then serves
// the mailbox: it says back one line.
func converse(t *testing.T, env call.Env, turns ...string) string {
	t.Helper()
	args := []string{"qmail-popup", "h.example", "sh", "-c", `tr '\0' , <&3 | sed 's/<.*//'; echo; read line; echo "got $line"`}
	said := starttlstest.Converse(t, func(in, out *os.File) {
		serve(call.New(args, append(env, "PATH=/usr/bin:/bin"), map[int]*os.File{0: in, 1: out, 2: os.Stderr}))
	}, turns...)
	_, after, _ := strings.Cut(said, up)
	return after
}

func lines(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

var (
	patched     = map[string]string{"extensions": "smtp-tls\n", "servercert.pem": ""}
	offer       = lines("+OK capability list follows", "TOP", "UIDL", "USER", "STLS", ".")
	onlyOffer   = lines("+OK capability list follows", "TOP", "UIDL", "STLS", ".")
	noOffer     = lines("+OK capability list follows", "TOP", "UIDL", "USER", ".")
	ready       = lines("+OK starting TLS negotiation")
	wantTLS     = lines("-ERR TLS required: STLS first")
	unavailable = lines("-ERR TLS is not available")
)

const (
	up     = "@h.example>\r\n"
	served = "joe,x,\ngot STAT\r\n" // what the program makes of it
)

func TestSTLS(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second string
		controls      map[string]string
		env           call.Env
		turns         []string
		want          string
	}{
		{"plain", "", "", map[string]string{"servercert.pem": ""}, nil, []string{up, "CAPA\r\nSTLS\r\nQUIT\r\n"},
			lines("-ERR authorization first", "-ERR authorization first", "+OK ")},
		{"secured", "+\n", "+SUITE\t\t\n", patched, nil,
			[]string{up, "CAPA\r\nUSER evil\r\nSTLS\r\nUSER injected\r\n", ready, "PASS x\r\nCAPA\r\nSTLS\r\nUSER joe\r\nPASS x\r\n", "joe,x,\n", "STAT\r\n"},
			offer + "+OK \r\n" + ready + lines("-ERR USER first") + noOffer + lines("-ERR TLS is active already", "+OK ") + served},
		{"bad certificate", "-no good\n", "", patched, nil, []string{up, "STLS\r\nUSER evil\r\n", "good\r\n", "APOP joe x\r\n", "x,\n", "STAT\r\n"},
			lines("-ERR TLS no good") + served},
		{"no certificate", "+\n", "+\n", map[string]string{"extensions": "smtp-tls"}, nil, []string{up, "CAPA\r\nSTLS\r\nQUIT\r\n"}, noOffer + unavailable + "+OK \r\n"},
		{"no handshake", "+\n", "-alert\n", patched, nil, []string{up, "STLS\r\n"}, ready + lines("-ERR TLS connection failed: alert")},
		{"denied", "", "", patched, call.Env{"DENY_TLS=1"}, []string{up, "CAPA\r\nSTLS\r\nQUIT\r\n"},
			lines("-ERR authorization first", "-ERR authorization first", "+OK ")},
		{"forced", "+\n", "+SUITE\t\t\n", map[string]string{"servercert.pem": ""}, call.Env{"FORCETLS=1"},
			[]string{up, "CAPA\r\nUSER joe\r\nAPOP joe x\r\nPASS x\r\nSTLS\r\n", ready, "CAPA\r\nAPOP joe x\r\n", "x,\n", "STAT\r\n"},
			onlyOffer + wantTLS + wantTLS + lines("-ERR USER first") + ready + noOffer + served},
		{"forced and denied", "", "", patched, call.Env{"FORCE_TLS=1", "DISABLETLS=1"}, []string{up, "USER joe\r\nSTLS\r\nQUIT\r\n"}, wantTLS + unavailable + "+OK \r\n"},
		{"POP3S", "+\n", "+SUITE\t\t\n", nil, call.Env{"POP3S="}, []string{up, "CAPA\r\nAPOP joe x\r\n", "x,\n", "STAT\r\n"},
			lines("-ERR authorization first") + served},
	} {
		t.Run(c.name, func(t *testing.T) {
			securing(t, c.first, c.second, c.controls)
			if got := converse(t, c.env, c.turns...); got != c.want {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestPOP3SFails(t *testing.T) {
	securing(t, "-missing certificate: x\n", "", nil)
	if output, given := talk(t, "APOP joe x\r\n", "POP3S=1", "h.example", "sh", "-c", "cat <&3 >$GIVEN"); output != lines("-ERR TLS missing certificate: x") || given != "" {
		t.Errorf("got %q, %q", output, given)
	}
}

func TestUnknownExtension(t *testing.T) {
	securing(t, "", "", map[string]string{"extensions": "smtp-tsl"})
	if output, _ := talk(t, "APOP joe x\r\n", "", "h.example", "true"); output != lines("-ERR unable to read controls") {
		t.Errorf("got %q", output)
	}
}

// With UCSPITLS the test is the server that speaks TLS.
func TestUCSPITLS(t *testing.T) {
	securing(t, "", "", nil)
	clear, secret := starttlstest.Outside(t, "CAPA\r\nUSER a\r\nSTLS\r\nUSER evil\r\n", "", "PASS x\r\nAPOP joe x\r\n",
		func(env call.Env, files map[int]*os.File) {
			args := []string{"qmail-popup", "h.example", "sh", "-c", "cat <&3 >/dev/null; echo $SSL_PROTOCOL"}
			serve(call.New(args, append(env, "UCSPITLS=!"), files))
		})
	_, said, _ := strings.Cut(clear, up)
	if want := onlyOffer + wantTLS + ready; said != want {
		t.Errorf("in the clear: got %q\nwant %q", said, want)
	}
	if got, want := secret, "-ERR USER first\r\nY\n"; got != want {
		t.Errorf("then: got %q", got)
	}
}
