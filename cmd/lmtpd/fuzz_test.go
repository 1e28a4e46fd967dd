package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzAddress: what is read as a path is one, with its length right, and its local part
// says no more than stands there.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"<>", "<john>", "<john+SPAM@x>", `<"jo\"hn"@[1.2.3.4]> SIZE=1`, "<@a,@b:john@c>", "<@a>", "<@:@>", "<john", `<john\`, "<+user.john.SPAM>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, n := parsePath(s)
		if n == 0 {
			return
		}
		if n > len(s) || s[0] != '<' || s[n-1] != '>' || !strings.HasSuffix(s[:n-1], a.text) {
			t.Fatalf("%q: %+v, %d", s, a, n)
		}
		if len(a.local)+len(a.domain) > len(a.text) || !strings.HasSuffix(a.text, a.domain) {
			t.Errorf("%q: local part %q, domain %q", s, a.local, a.domain)
		}
		if again, m := parsePath("<" + a.text + ">"); m != len(a.text)+2 || again != a {
			t.Errorf("%q is read as %+v, and that as %+v", s, a, again)
		}
	})
}

// FuzzData: a message ends with CR LF . CR LF and nowhere else, however it is read.
func FuzzData(f *testing.F) {
	for _, s := range []string{".\r\n", "a\r\n.\r\nrest", "a\n.\r\nb\r\n.\n.\r\n\r\n.\r\n", "\r\r\n.\r\n", "..\r\n.\r\n", strings.Repeat("x", 20) + "\r\n.\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		end := bytes.Index(append([]byte("\r\n"), b...), []byte("\r\n.\r\n"))
		var want []byte
		if end >= 0 {
			want = append([]byte("\r\n"), b[:end]...)
			want = bytes.ReplaceAll(want, []byte("\r\n."), []byte("\r\n"))[2:]
		}
		for _, r := range []io.Reader{bytes.NewReader(b), iotest.OneByteReader(bytes.NewReader(b))} {
			var got bytes.Buffer
			in := bufio.NewReaderSize(r, 16)
			err := copyData(&got, in)
			if (err == nil) != (end >= 0) {
				t.Fatalf("%q: %v", b, err)
			}
			if err != nil {
				continue
			}
			rest, _ := io.ReadAll(in)
			if !bytes.Equal(got.Bytes(), want) || !bytes.Equal(rest, b[end+3:]) {
				t.Fatalf("%q: message %q, rest %q; want %q, %q", b, got.Bytes(), rest, want, b[end+3:])
			}
		}
	})
}

// stranger is a connection that comes from the network.
type stranger struct{ net.Conn }

func (stranger) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }

// FuzzDialogue: whatever a client says, it gets replies, and nothing of it is left.
func FuzzDialogue(f *testing.F) {
	f.Add([]byte("LHLO x\r\nMAIL FROM:<a@b> AUTH=john SIZE=3\r\nRCPT TO:<john+SPAM>\r\nRCPT TO:<+shared.news> IGNOREQUOTA\r\nDATA\r\nA: b\r\n\r\n.\r\nQUIT\r\n"))
	f.Add([]byte("AUTH EXTERNAL\r\n*\r\nAUTH EXTERNAL =\nVRFY x\nRSET\nNOOP\nDATA\nHELO\n"))
	f.Add([]byte("MAIL FROM:<@a:\"b c\"@[1.2.3.4]> BODY=8BITMIME\nRCPT TO:<\"+user.john\">\nDATA\n.\n\r\n.\r\n"))
	f.Add([]byte("LHLO x\r\nAUTH PLAIN\r\nAGpvaG4Ac2VjcmV0\r\nAUTH CRAM-MD5\r\n!\r\nAUTH SCRAM-SHA-1 =\r\n*\r\nSTARTTLS\r\n"))
	s := newSystem(f, "allowplaintext: yes")
	s.withPasswords(f)
	f.Fuzz(func(t *testing.T, says []byte) {
		ours, theirs := net.Pipe()
		go func() {
			ours.Write(says)
			ours.Write([]byte("\r\n.\r\nQUIT\r\n"))
		}()
		if len(says)%2 == 0 {
			theirs = stranger{theirs}
		}
		go s.serve(theirs)
		b, err := io.ReadAll(ours)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if len(line) < 6 || strings.Trim(line[:3], "0123456789") != "" || line[3] != ' ' && line[3] != '-' || !strings.HasSuffix(line, "\r\n") {
				t.Errorf("%q: reply %q", says, line)
			}
		}
		if left, _ := filepath.Glob(s.dir + "/spool/stage./*"); len(left) > 0 {
			t.Errorf("%q: left %q", says, left)
		}
	})
}
