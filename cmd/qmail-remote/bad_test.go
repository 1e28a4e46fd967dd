package main

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The tests here are about hosts that mean no good, and messages that nobody
// wants to carry.

// sendTo sends a message to a host that behaves as serve does.
func sendTo(t *testing.T, m message, c config, serve func(conn net.Conn)) (reported string) {
	t.Helper()
	near, far := pair(t)
	defer near.Close()
	done := make(chan bool)
	go func() {
		serve(far)
		far.Close()
		close(done)
	}()
	var reports strings.Builder
	v := clientTo(near, here, &c, none).send(m, &reports)
	near.Close()
	<-done
	return reports.String() + string(v)
}

func hello() message {
	return message{sender: "a", recipients: []string{"b"}, text: strings.NewReader("hello\n")}
}

var patient = config{helo: "me", timeout: time.Minute}

// forever says the same until nobody listens any more.
func forever(conn net.Conn, text string) {
	block := strings.Repeat(text, 4096)
	for {
		if _, err := io.WriteString(conn, block); err != nil {
			return
		}
	}
}

func TestEndlessReplies(t *testing.T) {
	yes := []string{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n"}
	for stage := range len(yes) + 1 {
		for name, text := range map[string]string{"line": "x", "lines": "250-x\r\n", "NULs": "\x00", "signs": "-"} {
			want := "ZConnected to 192.0.2.1 but its reply does not end. (#4.4.2)\n"
			if stage == len(yes) {
				want = "r\x00ZConnected to 192.0.2.1 but its reply does not end. Possible duplicate! (#4.4.2)\n"
			} else if stage == len(yes)-1 {
				want = "r\x00" + want
			}
			got := sendTo(t, hello(), patient, func(conn net.Conn) {
				talk(conn, yes[:stage])
				io.WriteString(conn, "250-")
				forever(conn, text)
			})
			if got != want {
				t.Errorf("stage %d, %s: got %q", stage, name, got)
			}
		}
	}
}

// A host may hang up before a reply or within it. Only after the message is
// there any doubt.
func TestHangUps(t *testing.T) {
	yes := []string{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n"}
	for stage := range len(yes) + 1 {
		want := "ZConnected to 192.0.2.1 but connection died. (#4.4.2)\n"
		if stage == len(yes) {
			want = "r\x00ZConnected to 192.0.2.1 but connection died. Possible duplicate! (#4.4.2)\n"
		} else if stage == len(yes)-1 {
			want = "r\x00" + want
		}
		for _, last := range []string{"", "2", "250", "250 no end", "250-more to come\r\n", "250-x\r\n25"} {
			got := sendTo(t, hello(), patient, func(conn net.Conn) {
				talk(conn, yes[:stage])
				io.WriteString(conn, last)
			})
			if got != want {
				t.Errorf("stage %d, %q: got %q", stage, last, got)
			}
		}
	}
}

// A host that sends a byte now and then makes us wait for a while only.
func TestDrip(t *testing.T) {
	near, far := pair(t)
	defer near.Close()
	defer far.Close()
	io.WriteString(far, "220 x")
	c := clientTo(near, here, &patient, none)
	c.wire.expect(time.Minute)
	if n, err := c.wire.Read(make([]byte, 3)); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	c.wire.expect(-time.Minute)
	if _, err := c.wire.Read(make([]byte, 3)); err != errEndless {
		t.Errorf("got %v", err)
	}
	if _, err := c.wire.Write([]byte("x")); err == nil {
		t.Error("a host that takes a byte now and then is given more")
	}
	c.wire.expect(time.Minute)
	before := *c.wire.end
	if _, err := c.wire.Write(make([]byte, 1000)); err != nil || c.wire.end.Sub(before) != 10*time.Second {
		t.Errorf("%v for more, %v", c.wire.end.Sub(before), err)
	}
	io.WriteString(far, "\r\n")
	if code, err := c.reply(); err != nil || code < 400 {
		t.Errorf("another reply, with another start: %v, %v", code, err)
	}
}

func TestSilence(t *testing.T) {
	got := sendTo(t, hello(), config{timeout: time.Millisecond}, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	if want := "ZConnected to 192.0.2.1 but connection died. (#4.4.2)\n"; got != want {
		t.Errorf("got %q", got)
	}
}

// A host that takes nothing any more, with all its replies sent before.
func TestDeafHost(t *testing.T) {
	near, far := pair(t)
	defer near.Close()
	defer far.Close()
	io.WriteString(far, "220 x\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n250 taken\r\n")
	m := message{sender: "a", recipients: []string{"b"}, text: &repeated{strings.Repeat("x\n", 1000), 1 << 30}}
	var reports strings.Builder
	v := clientTo(near, here, &config{helo: "me", timeout: time.Second}, none).send(m, &reports)
	if got, want := reports.String()+string(v), "r\x00ZConnected to 192.0.2.1 but connection died. (#4.4.2)\n"; got != want {
		t.Errorf("got %q", got)
	}
}

// What a host says is quoted as it is, but for NULs and CRs, which have a
// meaning for the reader of reports.
func TestControlBytesInReplies(t *testing.T) {
	got := sendTo(t, hello(), patient, func(conn net.Conn) {
		talk(conn, []string{"220 \x00\x1b[2J\r\n", "250 x\r\n", "550-\x00\x00K\r\r\n550 \x1b]0;x\x07\x7f\xff\r\n"})
	})
	if want := "DConnected to 192.0.2.1 but sender was rejected.\nRemote host said: 550-??K\n550 \x1b]0;x\x07\x7f\xff\n"; got != want {
		t.Errorf("got %q", got)
	}
}

// All replies at once, before there was a command, are as good as others.
func TestEarlyReplies(t *testing.T) {
	got := sendTo(t, hello(), patient, func(conn net.Conn) {
		io.WriteString(conn, "220 x\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n250 taken\r\n")
		io.Copy(io.Discard, conn)
	})
	if want := "r\x00K192.0.2.1 accepted message.\nRemote host said: 250 taken\n"; got != want {
		t.Errorf("got %q", got)
	}
}

// repeated is a text of n bytes, a block again and again.
type repeated struct {
	block string
	n     int
}

func (r *repeated) Read(p []byte) (n int, err error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n = copy(p[:min(len(p), r.n)], r.block)
	r.n -= n
	return n, nil
}

// A line of 100 MB, with all kinds of bytes in it, passes through little memory
// and cannot end the message.
func TestHugeLine(t *testing.T) {
	const size = 100 << 20
	block := strings.Repeat("x\x00\xff\r.\rQUIT", 100)
	text := io.MultiReader(&repeated{block, size}, strings.NewReader("\n"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var commands, ends int
	got := sendTo(t, message{sender: "a", recipients: []string{"b"}, text: text}, patient, func(conn net.Conn) {
		commands, ends = swallow(conn)
	})
	runtime.ReadMemStats(&after)
	if want := "r\x00K192.0.2.1 accepted message.\nRemote host said: 250 taken\n"; got != want {
		t.Errorf("got %q", got)
	}
	if commands != 4 || ends != 1 {
		t.Errorf("%d commands before the message, %d ends of it", commands, ends)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("took %d bytes of memory", used)
	}
}

// swallow says yes to all commands, and counts them and the ends of a message,
// in the eyes of one who takes CR, LF or both for the end of a line.
func swallow(conn net.Conn) (commands, ends int) {
	in := make([]byte, 64<<10)
	io.WriteString(conn, "220 x\r\n")
	var data bool
	tail := 0 // bytes of what came before, since an end may come in parts
	for {
		n, err := conn.Read(in[tail:])
		if err != nil {
			return commands, ends
		}
		if !data {
			commands++
			data = bytes.Equal(in[:n], []byte("DATA\r\n"))
			reply := "250 x\r\n"
			if data {
				reply = "354 x\r\n"
			}
			io.WriteString(conn, reply)
			continue
		}
		text := in[:tail+n]
		ends += bytes.Count(text[max(0, tail-2):], []byte("\n.\r")) + bytes.Count(text[max(0, tail-2):], []byte("\r.\r"))
		if bytes.HasSuffix(text, []byte("\r\n.\r\n")) {
			io.WriteString(conn, "250 taken\r\n")
			return commands, ends
		}
		tail = copy(in, text[max(0, len(text)-4):])
	}
}
