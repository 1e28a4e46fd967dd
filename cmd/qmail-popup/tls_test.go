package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
)

// securing makes a home with a program in the place of qmail-tls that does
// everything but encrypt, and reports what it is told to.
func securing(t *testing.T, first, second string, controls map[string]string) {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	files := map[string]string{"first": first, "second": second, "bin/qmail-tls": `#!/bin/sh
cat first >&4; grep -q ^- first && exit 1
test "$(dd bs=1 count=1 <&3 2>/dev/null)" = + || exit 1
cat second >&4; grep -q ^- second && exit 1
exec 5<&0
cat <&5 >&3 &
cat <&3 >&1
kill $!
`}
	for name, text := range controls {
		files["control/"+name] = text
	}
	for name, text := range files {
		path := filepath.Join(auto.Home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		// A child that another test forks now would hold it open, busy.
		syscall.ForkLock.RLock()
		err := os.WriteFile(path, []byte(text), 0o755)
		syscall.ForkLock.RUnlock()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// converse leads a dialogue in which the client waits for each reply to end
// with what is paired with what it says. The program prints what it is given and
// then serves the mailbox: it says back one line.
func converse(t *testing.T, env call.Env, turns ...string) string {
	inR, inW, err := child.Pipe() // in blocking mode, as cat wants it
	if err != nil {
		t.Fatal(err)
	}
	outR, outW, err := child.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		args := []string{"qmail-popup", "h.example", "sh", "-c", `tr '\0' , <&3 | sed 's/<.*//'; echo; read line; echo "got $line"`}
		serve(call.New(args, append(env, "PATH=/usr/bin:/bin"), map[int]*os.File{0: inR, 1: outW, 2: os.Stderr}))
		inR.Close()
		outW.Close()
		close(done)
	}()
	var said strings.Builder
	for i := 0; i+1 < len(turns); i += 2 {
		buf := make([]byte, 512)
		for !strings.HasSuffix(said.String(), turns[i]) {
			n, err := outR.Read(buf)
			said.Write(buf[:n])
			if err != nil {
				t.Fatalf("%v after %q", err, said.String())
			}
		}
		io.WriteString(inW, turns[i+1])
	}
	rest, _ := io.ReadAll(outR)
	inW.Close()
	outR.Close()
	<-done
	said.Write(rest)
	_, after, _ := strings.Cut(said.String(), "@h.example>\r\n")
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
	pipe := func() (*os.File, *os.File) {
		r, w, err := child.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		return r, w
	}
	in, inFar := pipe()
	out, outFar := pipe()
	secureIn, secureInFar := pipe()
	secureOut, secureOutFar := pipe()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	control, controlFar := os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control")
	io.WriteString(inFar, "CAPA\r\nUSER a\r\nSTLS\r\nUSER evil\r\n")
	go func() {
		asked := make([]byte, 1)
		io.ReadFull(controlFar, asked)
		io.WriteString(controlFar, "SSL_PROTOCOL="+string(asked)+"\x00\x00")
		io.WriteString(secureInFar, "PASS x\r\nAPOP joe x\r\n")
	}()
	serve(call.New([]string{"qmail-popup", "h.example", "sh", "-c", "cat <&3 >/dev/null; echo $SSL_PROTOCOL"},
		call.Env{"UCSPITLS=!", "SSLCTLFD=7", "SSLREADFD=8", "SSLWRITEFD=9", "PATH=/usr/bin:/bin"},
		map[int]*os.File{0: in, 1: outFar, 2: os.Stderr, 7: control, 8: secureIn, 9: secureOutFar}))
	outFar.Close()
	secureOutFar.Close()
	clear, _ := io.ReadAll(out)
	secret, _ := io.ReadAll(secureOut)
	_, said, _ := strings.Cut(string(clear), up)
	if want := onlyOffer + wantTLS + ready; said != want {
		t.Errorf("in the clear: got %q\nwant %q", said, want)
	}
	if got, want := string(secret), "-ERR USER first\r\nY\n"; got != want {
		t.Errorf("then: got %q", got)
	}
}
