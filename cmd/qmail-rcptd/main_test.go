package main

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"goqmail/lib/netstring"
	"goqmail/lib/rcptd"
	"goqmail/lib/socket"
)

// serve starts a server that looks in its own way, and returns how to ask it.
func serve(t *testing.T, patience time.Duration, look func(string) rcptd.Answer) (ask func(text string) string) {
	t.Helper()
	path := t.TempDir() + "/socket"
	listening, err := socket.ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := socket.Backlog(listening, waiting); err != nil {
		t.Fatal(err)
	}
	s := newServer(nil, patience)
	s.look = look
	done := make(chan error)
	go func() { done <- s.serve(listening) }()
	t.Cleanup(func() {
		listening.Close()
		<-done
	})
	return func(text string) string {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Error(err)
			return ""
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Minute))
		io.WriteString(conn, text)
		answer, _ := io.ReadAll(conn) // an error where a question is not read to its end
		return string(answer)
	}
}

func question(local string) string { return string(netstring.Append(nil, local)) }

func TestAnswers(t *testing.T) {
	ask := serve(t, time.Minute, func(local string) rcptd.Answer {
		if strings.HasPrefix(local, "john") {
			return rcptd.Exists
		}
		return rcptd.Missing
	})
	for text, want := range map[string]string{
		question("john"): "K", question("sue"): "D", question(strings.Repeat("x", 4096)): "D",
		question(strings.Repeat("x", 4097)): "", "john": "", "4:john;": "", "5:jo\x00hn,": "",
	} {
		if got := ask(text); got != want {
			t.Errorf("%.20q: got %q, want %q", text, got, want)
		}
	}
}

// Who says nothing is let go, and so is who asks what hangs; there are no more
// looks than there are places, and those that end free theirs.
func TestPatience(t *testing.T) {
	var looks atomic.Int32
	release := make(chan struct{})
	ask := serve(t, 50*time.Millisecond, func(local string) rcptd.Answer {
		looks.Add(1)
		if local == "hangs" {
			<-release
		}
		return rcptd.Exists
	})
	if got := ask("4:jo"); got != "" {
		t.Errorf("half a question: %q", got)
	}
	answers := make(chan string)
	const many = 3 * atOnce
	for range many {
		go func() {
			answer := ""
			for answer == "" { // who is too slow to ask is let go, too
				answer = ask(question("hangs"))
			}
			answers <- answer
		}()
	}
	for range many {
		if got := <-answers; got != "Z" {
			t.Errorf("got %q", got)
		}
	}
	if got := looks.Load(); got != atOnce {
		t.Errorf("%d looks at once", got)
	}
	close(release)
	for got := ""; got != "K"; {
		got = ask(question("john")) // Z while the last of them end
	}
}

func TestMeaning(t *testing.T) {
	for code := range 256 {
		want := rcptd.Unsure
		switch code {
		case 0:
			want = rcptd.Exists
		case 100:
			want = rcptd.Missing
		}
		if got := meaning(code); got != want {
			t.Errorf("%d: got %c", code, got)
		}
	}
	if (&mailboxes{}).look("") != rcptd.Exists {
		t.Error("the trash address does not exist")
	}
}
