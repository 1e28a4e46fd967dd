// Package starttlstest plays, for tests of servers, what speaks TLS in front of
// them: qmail-tls, or a listener of UCSPI.
package starttlstest

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

// Program makes a program in the place of qmail-tls, in a home that is there,
// that does everything but encrypt, and reports what it is told to: before the
// handshake and after it.
func Program(t *testing.T, before, after string) {
	t.Helper()
	for name, text := range map[string]string{"before": before, "after": after, "bin/qmail-tls": `#!/bin/sh
cat before >&4; grep -q ^- before && exit 1
test "$(dd bs=1 count=1 <&3 2>/dev/null)" = + || exit 1
cat after >&4; grep -q ^- after && exit 1
exec 5<&0
cat <&5 >&3 &
cat <&3 >&1
kill $!
`} {
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

// Converse leads a dialogue in which the client waits for each reply to end with
// what is paired with what it says, and returns what the server says.
func Converse(t *testing.T, serve func(in, out *os.File), turns ...string) string {
	t.Helper()
	in, inFar := pipe(t)
	out, outFar := pipe(t)
	done := make(chan bool)
	go func() {
		serve(in, outFar)
		in.Close()
		outFar.Close()
		done <- true
	}()
	var said strings.Builder
	for i := 0; i+1 < len(turns); i += 2 {
		buf := make([]byte, 512)
		for !strings.HasSuffix(said.String(), turns[i]) {
			n, err := out.Read(buf)
			said.Write(buf[:n])
			if err != nil {
				t.Fatalf("%v after %q", err, said.String())
			}
		}
		io.WriteString(inFar, turns[i+1])
	}
	rest, _ := io.ReadAll(out)
	inFar.Close()
	out.Close()
	<-done
	return said.String() + string(rest)
}

// Outside has a session with a listener of UCSPI that speaks TLS when it is told
// to, and then gives variables. The client says first clear and then secret; the
// server's answers to both are returned. serve gets what the listener starts a
// server with.
func Outside(t *testing.T, clear, variables, secret string, serve func(env call.Env, files map[int]*os.File)) (inClear, inSecret string) {
	t.Helper()
	in, inFar := pipe(t)
	out, outFar := pipe(t)
	secureIn, secureInFar := pipe(t)
	secureOut, secureOutFar := pipe(t)
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	control, controlFar := os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control")
	io.WriteString(inFar, clear)
	inFar.Close()
	go func() {
		asked := make([]byte, 1)
		io.ReadFull(controlFar, asked)
		io.WriteString(controlFar, variables+"SSL_PROTOCOL="+string(asked)+"\x00\x00")
		io.WriteString(secureInFar, secret)
		secureInFar.Close()
	}()
	serve(call.Env{"SSLCTLFD=7", "SSLREADFD=8", "SSLWRITEFD=9", "PATH=/usr/bin:/bin"},
		map[int]*os.File{0: in, 1: outFar, 2: os.Stderr, 7: control, 8: secureIn, 9: secureOutFar})
	outFar.Close()
	secureOutFar.Close()
	control.Close()
	first, _ := io.ReadAll(out)
	second, _ := io.ReadAll(secureOut)
	return string(first), string(second)
}

// pipe is in blocking mode, as cat wants it.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := child.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}
