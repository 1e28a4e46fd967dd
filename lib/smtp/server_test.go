package smtp

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/qmail"
)

// ask leads a dialogue with a server.
func (s *Server) ask(t *testing.T, env call.Env, input string) string {
	inR, inW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer outR.Close()
	io.WriteString(inW, input)
	inW.Close()
	s.Serve(call.New([]string{"qmail-smtpd"}, env, map[int]*os.File{0: inR, 1: outW}))
	inR.Close()
	outW.Close()
	said, _ := io.ReadAll(outR)
	return string(said)
}

// The next dialogue knows each change of a control file.
func TestServerHeedsChanges(t *testing.T) {
	home(t, map[string]string{"me": "me", "rcpthosts": "here\n"})
	s := NewServer(qmail.Open)
	kept := func() {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			if _, kept, err := s.read(); kept {
				return
			} else if err != nil || time.Now().After(end) {
				t.Fatalf("never kept: %v", err)
			}
		}
	}
	remove := func(name string) { os.Remove(filepath.Join(auto.Home, "control", name)) }
	mail := "MAIL FROM:<a@b>\r\nRCPT TO:<c@here>\r\n"
	for _, c := range []struct {
		name   string
		change func()
		env    call.Env
		want   []string
	}{
		{"as it is", func() {}, nil, []string{"220 me ESMTP", replyOK, replyOK}},
		{"greeting", func() { write(t, "control/smtpgreeting", "new") }, nil, []string{"220 new ESMTP", replyOK, replyOK}},
		{"no rcpthosts for c", func() { write(t, "control/rcpthosts", "else\n") }, nil, []string{"220 new ESMTP", replyOK, replyNoGateway}},
		{"a client that may", func() {}, call.Env{"RELAYCLIENT="}, []string{"220 new ESMTP", replyOK, replyOK}},
		{"and the next may not", func() {}, nil, []string{"220 new ESMTP", replyOK, replyNoGateway}},
		{"all hosts", func() { remove("rcpthosts") }, nil, []string{"220 new ESMTP", replyOK, replyOK}},
		{"badrcptto", func() { write(t, "control/badrcptto", "c@here\n") }, nil, []string{"220 new ESMTP", replyOK, replyBadRecipient}},
		{"another badrcptto", func() { write(t, "control/badrcptto", "d@here\n") }, nil, []string{"220 new ESMTP", replyOK, replyOK}},
		{"badmailfrom", func() { write(t, "control/badmailfrom", "@b\n") }, nil, []string{"220 new ESMTP", replyOK, replyBadMailFrom}},
		{"none", func() { remove("badmailfrom") }, nil, []string{"220 new ESMTP", replyOK, replyOK}},
		{"maxrcpt", func() { write(t, "control/maxrcpt", "0") }, nil, []string{"220 new ESMTP", replyOK, replyMaxRcpt}},
		{"lifted for one", func() {}, call.Env{"DISABLE_MAXRCPT="}, []string{"220 new ESMTP", replyOK, replyOK}},
		{"bad extensions", func() { write(t, "control/extensions", "x") }, nil, []string{replyControls}},
		{"good again", func() { remove("extensions"); remove("maxrcpt") }, nil, []string{"220 new ESMTP", replyOK, replyOK}},
	} {
		if c.name != "good again" {
			kept()
		}
		c.change()
		if got := s.ask(t, c.env, mail); got != lines(c.want...) {
			t.Errorf("%s: got %q", c.name, got)
		}
	}
}

// Each of many dialogues has the lists to itself as far as it changes anything.
func TestServerForMany(t *testing.T) {
	home(t, map[string]string{"me": "me", "rcpthosts": "here\n", "badhelo": "bad\n", "brtlimit": "2"})
	write(t, "control/morercpthosts.cdb", "no database")
	s := NewServer(qmail.Open)
	input := "HELO good\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@here>\r\nHELO bad\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@here>\r\n"
	want := lines("220 me ESMTP", "250 me", replyOK, replyOK, "250 me", replyOK, replyBadHelo)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 20 {
				if i == 0 {
					write(t, "control/me", "me"+strings.Repeat("\n", j))
				}
				if got := s.ask(t, nil, input); got != want && !strings.HasPrefix(got, "220  ESMTP") { // a file is empty for a moment
					t.Errorf("got %q", got)
				}
			}
		})
	}
	all.Wait()
}
