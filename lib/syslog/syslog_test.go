package syslog

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func listen(t *testing.T, path string) net.PacketConn {
	t.Helper()
	os.Remove(path)
	conn, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func receive(t *testing.T, conn net.PacketConn) string {
	t.Helper()
	var buf [4096]byte
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	n, _, err := conn.ReadFrom(buf[:])
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestLine(t *testing.T) {
	path := t.TempDir() + "/log"
	conn := listen(t, path)
	l := &Log{Tag: "lmtpunix", Facility: Local6, Path: path}
	l.Printf(Notice, "Delivered: %s to mailbox: user.john", "<a\nb@c>")
	got := receive(t, conn)
	if want := " lmtpunix[" + strconv.Itoa(os.Getpid()) + "]: Delivered: <a?b@c> to mailbox: user.john"; !strings.HasPrefix(got, "<181>") || !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want <181>...%q", got, want)
	}
}

func TestLogIsStartedAnew(t *testing.T) {
	path := t.TempDir() + "/log"
	conn := listen(t, path)
	l := &Log{Tag: "x", Path: path}
	l.Printf(Info, "one")
	receive(t, conn)
	conn.Close()
	l.Printf(Info, "lost")
	again := listen(t, path)
	l.Printf(Info, "two")
	if got := receive(t, again); !strings.HasSuffix(got, "two") {
		t.Errorf("got %q", got)
	}
}

// A log that nobody reads takes some lines and loses the others.
func TestFullLogHoldsUpNobody(t *testing.T) {
	path := t.TempDir() + "/log"
	listen(t, path)
	l := &Log{Tag: "x", Path: path}
	for range 5000 {
		l.Printf(Info, "%s", strings.Repeat("x", 2*maxLine))
	}
}

func TestFacility(t *testing.T) {
	for name, want := range map[string]Facility{"MAIL": Mail, "local6": Local6, "LOCAL0": 16, "local7": 23, "auth": Auth} {
		if got, ok := ParseFacility(name); !ok || got != want {
			t.Errorf("%s: %d, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "local", "local8", "6", "nobody"} {
		if got, ok := ParseFacility(name); ok {
			t.Errorf("%s: %d", name, got)
		}
	}
}
