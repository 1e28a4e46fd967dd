package rcptd

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/netstring"
	"goqmail/lib/socket"
)

// home makes a home directory with control files and a socket in it.
func home(t *testing.T, files map[string]string) (listening *os.File) {
	t.Helper()
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	for _, dir := range []string{"control", "rcptd"} {
		if err := os.Mkdir(auto.Home+"/"+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		if err := os.WriteFile(auto.Home+"/control/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	listening, err := socket.ListenUnix(Socket())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listening.Close() })
	if err := socket.Backlog(listening, 5); err != nil {
		t.Fatal(err)
	}
	return listening
}

// answer serves one question with what it is told to say.
func answer(t *testing.T, listening *os.File, say string) (asked chan string) {
	asked = make(chan string, 1)
	go func() {
		conn, err := socket.Accept(listening)
		if err != nil {
			t.Error(err)
			close(asked)
			return
		}
		defer conn.Close()
		local, err := ReadQuestion(conn)
		if err != nil {
			t.Error(err)
		}
		io.WriteString(conn, say)
		asked <- local
	}()
	return asked
}

func TestAsk(t *testing.T) {
	listening := home(t, nil)
	for _, row := range []struct {
		say  string
		want Answer
		err  error
	}{
		{"K", Exists, nil}, {"D", Missing, nil}, {"Z", Unsure, nil}, {"x", Unsure, nil}, {"", Unsure, io.EOF},
	} {
		local := "john-" + strings.Repeat("\xff", 1000)
		asked := answer(t, listening, row.say)
		got, err := Ask(local)
		if got != row.want || err != row.err {
			t.Errorf("%q: got %c, %v", row.say, got, err)
		}
		if heard := <-asked; heard != local {
			t.Errorf("asked about %q", heard)
		}
	}
	listening.Close()
	if got, err := Ask("john"); got != Unsure || err != syscall.ECONNREFUSED {
		t.Errorf("nobody there: %c, %v", got, err)
	}
	os.Remove(Socket())
	if got, err := Ask("john"); got != Unsure || err != syscall.ENOENT {
		t.Errorf("no socket: %c, %v", got, err)
	}
}

// Who does not answer does not keep us.
func TestAskPatience(t *testing.T) {
	home(t, nil)
	if got, err := ask(Socket(), "john", 10*time.Millisecond); got != Unsure || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("got %c, %v", got, err)
	}
}

func TestRecipient(t *testing.T) {
	listening := home(t, map[string]string{"me": "here.example\n", "virtualdomains": "v.example:virt\n"})
	for recipient, want := range map[string]string{"John-x@Here.example": "John-x", "a@v.example": "virt-a", "a": "a", "a@b@v.example": "virt-a@b", "@v.example": "virt-"} {
		asked := answer(t, listening, "D")
		if refuse, err := Refuses(recipient); !refuse || err != nil {
			t.Errorf("%s: %v, %v", recipient, refuse, err)
		}
		if local := <-asked; local != want {
			t.Errorf("%s: asked about %q", recipient, local)
		}
	}
	if refuse, err := Refuses("a@elsewhere.example"); refuse || err != nil {
		t.Errorf("elsewhere: %v, %v", refuse, err)
	}
	os.Remove(auto.Home + "/control/me")
	if refuse, err := Refuses("a@v.example"); refuse || err == nil {
		t.Errorf("without control/me: %v, %v", refuse, err)
	}
}

func TestReadQuestionRefuses(t *testing.T) {
	for _, row := range []struct {
		text string
		want error
	}{
		{"x:a,", ErrQuestion}, {"1:a;", ErrQuestion}, {"3:a\x00b,", ErrQuestion}, {"4097:" + strings.Repeat("a", 4097) + ",", ErrQuestion},
		{"99999999999:", netstring.ErrTooLong}, {"", io.EOF}, {"5:a,", io.ErrUnexpectedEOF},
	} {
		if local, err := ReadQuestion(strings.NewReader(row.text)); local != "" || err != row.want {
			t.Errorf("%.10q: got %q, %v; want %v", row.text, local, err, row.want)
		}
	}
}

// FuzzReadQuestion: what is read prints back to itself, and can be an argument.
func FuzzReadQuestion(f *testing.F) {
	for _, s := range []string{"4:john,", "0:,", ":,", "04:a/.b,more", "3:a\x00b,", "99999999999:", "2:a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		local, err := ReadQuestion(strings.NewReader(text))
		if err != nil {
			if local != "" {
				t.Errorf("%q beside %v", local, err)
			}
			return
		}
		if strings.IndexByte(local, 0) >= 0 || len(local) > localMax {
			t.Errorf("%q", local)
		}
		again, err := ReadQuestion(strings.NewReader(string(netstring.Append(nil, local))))
		if again != local || err != nil {
			t.Errorf("%q becomes %q, %v", local, again, err)
		}
	})
}
