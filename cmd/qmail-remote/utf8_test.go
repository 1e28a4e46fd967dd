package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

const (
	queueLine  = "Received: (qmail 7 invoked by uid 1000); 1 Jan 2026 00:00:00 -0000\n"
	cameByUTF  = queueLine + "Received: from a (HELO b) (192.0.2.7)\n  by c with UTF8SMTPS (x encrypted); 1 Jan 2026 00:00:00 -0000\n"
	cameByESTP = queueLine + "received: from a by c\n\tWITH esmtp; date\n" + cameByUTF
)

func TestNeedUTF8(t *testing.T) {
	const subject = "Subject: f\u00fcr\n"
	for _, c := range []struct {
		name, sender, recipient, text string
		want                          need
	}{
		{"plain", "a@b", "c@d", "Subject: x\n\nbody\n", none},
		{"sender", "j\u00f6rg@b", "c@d", "\n", must},
		{"recipient", "", "c@b\u00fccher.example", "\n", must},
		{"no UTF-8", "", "\xff@b", "\n", must},
		{"header of old", "a@b", "c@d", queueLine + subject, none},
		{"header of ours", "a@b", "c@d", cameByUTF + subject + "\n", must},
		{"body", "a@b", "c@d", cameByUTF + "\n" + subject, asked},
		{"the last hop counts", "a@b", "c@d", cameByESTP + subject, none},
		{"no header", "a@b", "c@d", "", none},
		{"other field", "a@b", "c@d", "X-Received: from a by b with UTF8SMTP\n" + subject, none},
		{"in a body", "a@b", "c@d", "\n" + cameByUTF + subject, none},
		{"cut off", "a@b", "c@d", "Received: from a with", none},
		{"endless", "a@b", "c@d", "Received: " + strings.Repeat("with", maxHeader), none},
	} {
		m := message{sender: c.sender, recipients: []string{c.recipient}, text: strings.NewReader(c.text)}
		m.needUTF8()
		if m.utf8 != c.want {
			t.Errorf("%s: got %v, want %v", c.name, m.utf8, c.want)
		}
		if text, err := io.ReadAll(m.text); string(text) != c.text || err != nil {
			t.Errorf("%s: the text became %q, %v", c.name, text, err)
		}
	}
}

// FuzzNeedUTF8: a message is what it was, and only what says that it is UTF-8
// needs a host that knows it.
func FuzzNeedUTF8(f *testing.F) {
	f.Add(cameByUTF + "Subject: f\u00fcr\n\nbody\n")
	f.Add(cameByESTP)
	f.Add("Received:\n\t with\n UTF8\n")
	f.Fuzz(func(t *testing.T, text string) {
		m := message{text: strings.NewReader(text)}
		m.needUTF8()
		if got, err := io.ReadAll(m.text); string(got) != text || err != nil {
			t.Errorf("%q became %q, %v", text, got, err)
		}
		switch {
		case m.utf8 != none && !strings.Contains(strings.ToLower(text), "utf8"):
			t.Errorf("%q: got %v", text, m.utf8)
		case m.utf8 == must && isASCII(text):
			t.Errorf("%q is ASCII", text)
		}
	})
}

// A message that cannot be read is found out later.
func TestNeedUTF8Unreadable(t *testing.T) {
	m := message{text: io.MultiReader(strings.NewReader("x"), broken{})}
	m.needUTF8()
	if text, err := io.ReadAll(m.text); string(text) != "x" || err == nil {
		t.Errorf("got %q, %v", text, err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestSendUTF8(t *testing.T) {
	const (
		ehlo = "EHLO me\r\n"
		rest = "RCPT TO:<c@d>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n"
	)
	taken := "r\x00K192.0.2.1 accepted message.\nRemote host said: 250 taken\n"
	cannot := "DConnected to 192.0.2.1 but server does not support internationalized email addresses.\n"
	for _, c := range []struct {
		name     string
		need     need
		ehlo     []string
		reported string
		heard    string
	}{
		{"not needed", none, []string{"250 x\r\n"}, taken, "HELO me\r\nMAIL FROM:<a>\r\n" + rest},
		{"offered", must, []string{"250-x\r\n250-SIZE\r\n250 smtputf8\r\n"}, taken, ehlo + "MAIL FROM:<a> SMTPUTF8\r\n" + rest},
		{"not offered", must, []string{"250-x\r\n250 XSMTPUTF8\r\n"}, cannot, ehlo + "QUIT\r\n"},
		{"no ESMTP", must, []string{"502 x\r\n", "250 x\r\n"}, cannot, ehlo + "HELO me\r\nQUIT\r\n"},
		{"asked for, offered", asked, []string{"250-x\r\n250 SMTPUTF8\r\n"}, taken, ehlo + "MAIL FROM:<a> SMTPUTF8\r\n" + rest},
		{"asked for, not offered", asked, []string{"250 SMTPUTF8\r\n"}, taken, ehlo + "MAIL FROM:<a>\r\n" + rest},
	} {
		t.Run(c.name, func(t *testing.T) {
			near, far := pair(t)
			done := make(chan string)
			replies := append(append([]string{"220 x\r\n"}, c.ehlo...), "250 x\r\n", "250 x\r\n", "354 x\r\n", "250 taken\r\n")
			go func() { done <- host(far, replies) }()
			var reports strings.Builder
			m := message{sender: "a", recipients: []string{"c@d"}, text: strings.NewReader("hello\n"), utf8: c.need}
			v := clientTo(near, here, &config{helo: "me", timeout: time.Minute}, m.utf8).send(m, &reports)
			near.Close()
			if got, heard := reports.String()+string(v), <-done; got != c.reported || heard != c.heard {
				t.Errorf("got %q\nwant %q\nheard %q\nwant %q", got, c.reported, heard, c.heard)
			}
		})
	}
}

func TestQuoteUTF8(t *testing.T) {
	for address, want := range map[string]string{
		"j\u00f6rg@b":      "j\u00f6rg@b",
		"j\u00f6 rg@b":     "\"j\u00f6 rg\"@b",
		"j\xf6rg@b":        "\"j\xf6rg\"@b",
		".\u00f6@b":        "\".\u00f6\"@b",
		"a@b\u00fccher":    "a@b\u00fccher",
		"a b@b\u00fccher":  "\"a b\"@b\u00fccher",
		"no\u00f6\r\nRSET": "no\u00f6\r\nRSET", // as ever without a domain
	} {
		if got := (&config{utf8: true}).quoteAddress(address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
	if got, want := new(config).quoteAddress("j\u00f6rg@b"), "\"j\u00f6rg\"@b"; got != want {
		t.Errorf("without SMTPUTF8: got %q, want %q", got, want)
	}
}
