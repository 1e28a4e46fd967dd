package ident

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"goqmail/lib/ip"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]string{
		"6193, 23 : USERID : UNIX : joe\r\n":    "joe",
		"1,2:USERID:OTHER,US-ASCII:joe\n":       "joe",
		"1,2:USERID:UNIX: a b\tc:d \r\nmore\n":  "abc:d",
		"1,2:ERROR:NO-USER\r\n":                 "",
		"\n":                                    "",
		":::a\x00b\n":                           "a",
		":::" + strings.Repeat("x", 20) + "\n":  "xxxxxxxxxx",
		":::" + strings.Repeat("x", 20):         "xxxxxxxxxx",
		":::\xff\x01\x1b[2J\n":                  "\xff\x01\x1b[2J",
		strings.Repeat(" ", 10000) + ":::joe\n": "joe",
	} {
		if got, ok := parse(strings.NewReader(line), 10); got != want || !ok {
			t.Errorf("%.40q: %q, %v; want %q", line, got, ok, want)
		}
	}
	for _, line := range []string{"", "1,2:USERID:UNIX:joe", "x", ":::"} {
		if got, ok := parse(strings.NewReader(line), 10); ok {
			t.Errorf("%q: %q; want no answer", line, got)
		}
	}
}

// The answer fits an environment variable and the limit.
func FuzzParse(f *testing.F) {
	f.Add([]byte("1,2:USERID:UNIX:joe\r\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := parse(bytes.NewReader(line), 10)
		if len(got) > 10 || strings.ContainsAny(got, "\x00\r\n\t ") || !ok && got != "" {
			t.Errorf("%q: %q, %v", line, got, ok)
		}
	})
}

func TestAsk(t *testing.T) {
	l, err := net.Listen("tcp", "127.113.55.2:113")
	if err != nil {
		t.Skip("asking needs a server on port 113: ", err)
	}
	defer l.Close()
	asked := make(chan string, 1)
	answer := make(chan string, 1)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 100)
			n, _ := conn.Read(buf)
			asked <- conn.RemoteAddr().(*net.TCPAddr).IP.String() + " asks " + string(buf[:n])
			go func() { // it may hang
				conn.Write([]byte(<-answer))
				conn.Close()
			}()
		}
	}()
	c := Connection{Remote: ip.V4(127, 113, 55, 2), RemotePort: 4321, Local: ip.V4(127, 113, 55, 1), LocalPort: 25}
	answer <- "4321 , 25 : USERID : UNIX : joe\r\n"
	if got, ok := c.Ask(time.Minute, 100); got != "joe" || !ok {
		t.Errorf("got %q, %v", got, ok)
	}
	if got := <-asked; got != "127.113.55.1 asks 4321 , 25\r\n" {
		t.Error(got)
	}
	if got, ok := c.Ask(50*time.Millisecond, 100); ok { // it says nothing
		t.Errorf("got %q", got)
	}
	answer <- ""
	c.Remote = ip.V4(127, 113, 55, 3)
	if got, ok := c.Ask(time.Minute, 100); ok { // nobody there
		t.Errorf("got %q", got)
	}
}
