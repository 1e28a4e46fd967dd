package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"goqmail/lib/auto"
	"goqmail/lib/ip"
	"goqmail/lib/outgoingip"
	"goqmail/lib/qmail"
)

func TestWrite(t *testing.T) {
	long := strings.Repeat("0123456789abcde\n", 10000)
	for _, test := range []struct{ mess, envelope, want string }{
		{"", "F\x00\x00", "6:0:,0:,,"},
		{"a\nb", "Fs@h\x00Tr\x00T\x00\x00ignored", "19:3:a\nb,3:s@h,1:r,0:,,"},
		{long, "Fs\x00\x00", "160012:160000:" + long + ",1:s,,"},
	} {
		m, err := readMail(strings.NewReader(test.mess), strings.NewReader(test.envelope))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := m.write(&out); err != nil || out.String() != test.want {
			t.Errorf("got %.100q, %v, want %.100q", out.String(), err, test.want)
		}
	}
}

func TestReadFails(t *testing.T) {
	for _, envelope := range []string{"", "F", "Fs\x00", "Fs\x00Tr\x00", "Fs\x00Tr", "fs\x00\x00", "\x00", "Tr\x00\x00", "Fs\x00Fs\x00\x00"} {
		if _, err := readMail(strings.NewReader("x"), strings.NewReader(envelope)); err != errEnvelope {
			t.Errorf("envelope %q: got %v", envelope, err)
		}
	}
	broken := errors.New("broken")
	if _, err := readMail(iotest.ErrReader(broken), strings.NewReader("F\x00\x00")); err != broken {
		t.Errorf("message: got %v", err)
	}
	if _, err := readMail(strings.NewReader(""), io.MultiReader(strings.NewReader("Fs\x00"), iotest.ErrReader(broken))); err != broken {
		t.Errorf("envelope: got %v", err)
	}
}

func TestDeliver(t *testing.T) {
	for _, test := range []struct {
		answer string
		want   int
	}{
		{"19:Kok 1 qp 2,", 0},
		{"6:Zlater,", qmail.ExitTry},
		{"2:Dx,", qmail.ExitRefused},
		{"kzd, K", 0},
		{"", qmail.ExitLost},
		{"5:what?,", qmail.ExitLost},
		{strings.Repeat("x", 4000) + "K", qmail.ExitLost},
	} {
		fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		conn, server := os.NewFile(uintptr(fds[0]), "conn"), os.NewFile(uintptr(fds[1]), "server")
		io.WriteString(server, test.answer)
		syscall.Shutdown(fds[1], syscall.SHUT_WR)
		m := mail{text: [][]byte{[]byte("x")}, textLen: 1, envelope: []byte("1:s,")}
		if got := m.deliver(conn); got != test.want {
			t.Errorf("%q: got %d, want %d", test.answer, got, test.want)
		}
		conn.Close()
		// The connection is reset if not all of the answer was read.
		if sent, err := io.ReadAll(server); string(sent) != "8:1:x,1:s,," {
			t.Errorf("sent %q, %v", sent, err)
		}
		server.Close()
	}
}

func TestServers(t *testing.T) {
	dir := t.TempDir()
	old := auto.Home
	auto.Home = dir
	defer func() { auto.Home = old }()
	os.Mkdir(dir+"/control", 0o755)
	if got, err := readServers(); err == nil {
		t.Errorf("no file: got %v", got)
	}
	os.WriteFile(dir+"/control/qmqpservers", []byte("#x\n192.0.2.1\nserver.example\n192.0.2.2:628 second\n2001:db8::1 third\n"), 0o644)
	got, err := readServers()
	if err != nil || !slices.Equal(got, []ip.Addr{ip.V4(192, 0, 2, 1), ip.V4(192, 0, 2, 2), {0x20, 1, 0x0d, 0xb8, 15: 1}}) {
		t.Errorf("got %v, %v", got, err)
	}
	if code := send(nil, outgoingip.Source{}, &mail{}); code != qmail.ExitConfig {
		t.Errorf("no servers: got %d", code)
	}
}
