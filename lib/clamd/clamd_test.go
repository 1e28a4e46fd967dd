package clamd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// talk has Scan talk to a server, which is a function of the connection's other
// end.
func talk(mess io.Reader, server func(net.Conn)) (virus string, err error) {
	here, there := net.Pipe()
	go func() {
		server(there)
		there.Close()
	}()
	defer here.Close()
	return Scan(here, mess)
}

// stream reads a whole command, and gives the message in it.
func stream(conn net.Conn) string {
	command := make([]byte, len("zINSTREAM\x00"))
	io.ReadFull(conn, command)
	if string(command) != "zINSTREAM\x00" {
		return "no command"
	}
	var mess bytes.Buffer
	for {
		var size uint32
		if err := binary.Read(conn, binary.BigEndian, &size); err != nil {
			return "cut"
		}
		if size == 0 {
			return mess.String()
		}
		if _, err := io.CopyN(&mess, conn, int64(size)); err != nil {
			return "cut"
		}
	}
}

func TestWholeMessageIsSent(t *testing.T) {
	for _, mess := range []string{"", "x", "Subject: \x00\xff\n\nbody\n", strings.Repeat("0123456789", 100000)} {
		var got string
		virus, err := talk(strings.NewReader(mess), func(conn net.Conn) {
			got = stream(conn)
			io.WriteString(conn, "stream: OK\x00")
		})
		if virus != "" || err != nil {
			t.Errorf("%q, %v", virus, err)
		}
		if got != mess {
			t.Errorf("sent %.60q, want %.60q", got, mess)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct{ reply, virus, err string }{
		{"stream: OK\x00", "", ""},
		{"stream: Eicar-Test-Signature FOUND\x00", "Eicar-Test-Signature", ""},
		{"stream: A FOUND FOUND\x00", "A FOUND", ""},
		{"INSTREAM size limit exceeded. ERROR\x00", "", ErrTooBig.Error()},
		{"", "", "unexpected EOF"},
		{"stream: OK", "", "unexpected EOF"}, // cut off
		{"stream: OK\n", "", "unexpected EOF"},
		{"stream: Eicar FOUND", "", "unexpected EOF"},
		{"\x00", "", `unexpected answer ""`},
		{"OK\x00", "", `unexpected answer "OK"`},
		{"stream:  FOUND\x00", "", `unexpected answer "stream:  FOUND"`},
		{"stream: ok\x00", "", `unexpected answer "stream: ok"`},
		{"stream: OK FOUNDED\x00", "", `unexpected answer "stream: OK FOUNDED"`},
		{"stream: lstat() failed: No such file or directory. ERROR\x00", "", `unexpected answer "stream: lstat() failed: No such file or directory. ERROR"`},
		{"UNKNOWN COMMAND\x00", "", `unexpected answer "UNKNOWN COMMAND"`},
		{"stream: \n\xff\x1b[31m\x00", "", `unexpected answer "stream: \n\xff\x1b[31m"`},
		{strings.Repeat("x", 100000), "", "bufio: buffer full"},
	} {
		virus, err := talk(strings.NewReader("mess"), func(conn net.Conn) {
			stream(conn)
			io.WriteString(conn, c.reply)
		})
		text := ""
		if err != nil {
			text = err.Error()
		}
		if virus != c.virus || text != c.err {
			t.Errorf("%.60q: %q, %q; want %q, %q", c.reply, virus, text, c.virus, c.err)
		}
	}
}

// What is said before the message is over is not about the message, unless it is
// that clamd wants no more.
func TestAnswersTooEarly(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		reply string
		want  error
	}{
		{"stream: OK\x00", io.ErrClosedPipe}, {"stream: X FOUND\x00", io.ErrClosedPipe}, {"", io.ErrClosedPipe},
		{sizeLimit + "\x00", ErrTooBig},
	} {
		conn := &early{reply: strings.NewReader(c.reply), left: 100000}
		if virus, err := Scan(conn, strings.NewReader(big)); virus != "" || err != c.want {
			t.Errorf("%q: %q, %v", c.reply, virus, err)
		}
	}
}

// early is a connection that breaks after so many bytes, with a reply in it.
type early struct {
	reply io.Reader
	left  int
}

func (e *early) Read(p []byte) (int, error) { return e.reply.Read(p) }

func (e *early) Write(p []byte) (int, error) {
	if e.left -= len(p); e.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// A message that cannot be read to its end is not scanned, whatever clamd says.
func TestMessageThatCannotBeRead(t *testing.T) {
	broken := errors.New("broken")
	mess := io.MultiReader(strings.NewReader("half"), failing{broken})
	conn := &early{reply: strings.NewReader("stream: OK\x00"), left: 1000}
	if virus, err := Scan(conn, mess); virus != "" || err != broken {
		t.Errorf("%q, %v", virus, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// An answer is clean, a virus or an error, and only one of them; and clean is one
// answer alone.
func FuzzVerdict(f *testing.F) {
	for _, reply := range []string{"stream: OK", "stream: X FOUND", sizeLimit, "", "stream: OK FOUND", "stream: FOUND"} {
		f.Add(reply)
	}
	f.Fuzz(func(t *testing.T, reply string) {
		virus, err := verdict(reply)
		switch {
		case virus != "" && (err != nil || reply != "stream: "+virus+" FOUND"):
			t.Errorf("%q: %q, %v", reply, virus, err)
		case virus == "" && err == nil && reply != "stream: OK":
			t.Errorf("%q is clean", reply)
		}
	})
}
