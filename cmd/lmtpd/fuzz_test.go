package main

import (
	"bufio"
	"bytes"
	"io"
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
		if len(a.local) > len(a.text) {
			t.Errorf("%q: local part %q", s, a.local)
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
