package main

import (
	"strings"
	"testing"
	"time"

	"goqmail/lib/control"
	"goqmail/lib/extensions"
	"goqmail/lib/spawn"
)

// sendAs is send with a login and extensions.
func sendAs(t *testing.T, l login, wanted extensions.Set, replies []string) (reported, heard string) {
	near, far := pair(t)
	done := make(chan string)
	go func() { done <- host(far, replies) }()
	var reports strings.Builder
	there := here
	there.login = l
	m := message{sender: "a", recipients: []string{"b"}, text: strings.NewReader("hello\n")}
	v := clientTo(near, there, &config{helo: "me", timeout: time.Minute, extensions: wanted}, none).send(m, &reports)
	near.Close()
	return reports.String() + string(v), <-done
}

func TestLogIn(t *testing.T) {
	const (
		ehlo     = "EHLO me\r\n"
		plain    = ehlo + "AUTH PLAIN\r\n"
		response = plain + "am9lAGpvZQBzZWNyZXQ=\r\n"
		taken    = "K192.0.2.1 accepted message.\nRemote host said: 250 taken\n"
		mail     = "MAIL FROM:<a>"
		rest     = "\r\nRCPT TO:<b>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n"
		refused  = "ZConnected to 192.0.2.1 but authentication was rejected "
	)
	yes := []string{"250 x\r\n", "250 x\r\n", "354 x\r\n", "250 taken\r\n"}
	for _, c := range []struct {
		name, offer string
		replies     []string
		reported    string
		heard       string
	}{
		{"plain", "AUTH PLAIN LOGIN", append([]string{"334 \r\n", "235 x\r\n"}, yes...), "r\x00" + taken, response + mail + " AUTH=joe" + rest},
		{"login", "auth=login", append([]string{"334 \r\n", "334 \r\n", "235 x\r\n"}, yes...), "r\x00" + taken,
			ehlo + "AUTH LOGIN\r\nam9l\r\nc2VjcmV0\r\n" + mail + " AUTH=joe" + rest},
		{"none in common", "AUTH SCRAM-SHA-1 CRAM-SHA1", yes, spawn.NoLogin + "\x00r\x00" + taken, ehlo + mail + rest},
		{"none at all", "SIZE", yes, spawn.NoLogin + "\x00r\x00" + taken, ehlo + mail + rest},
		{"method refused", "AUTH PLAIN", []string{"504 no\r\n"}, refused + "(AUTH PLAIN)..\nRemote host said: 504 no\n", plain + "QUIT\r\n"},
		{"refused", "AUTH PLAIN", []string{"334\r\n", "535 no\r\n"}, refused + "(plain)..\nRemote host said: 535 no\n", response + "QUIT\r\n"},
		{"expired", "AUTH PLAIN", []string{"334\r\n", "432 no\r\n"}, "ZConnected to 192.0.2.1 but password expired..\nRemote host said: 432 no\n", response + "QUIT\r\n"},
		{"no challenge", "AUTH CRAM-MD5", []string{"334 ?\r\n"},
			"ZConnected to 192.0.2.1 but unable to base64decode challenge..\nRemote host said: 334 ?\n", ehlo + "AUTH CRAM-MD5\r\nQUIT\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			replies := append([]string{"220 x\r\n", "250-x\r\n250 " + c.offer + "\r\n"}, c.replies...)
			reported, heard := sendAs(t, login{"joe", "secret"}, nil, replies)
			if reported != c.reported || heard != c.heard {
				t.Errorf("got %q\nwant %q\nheard %q\nwant %q", reported, c.reported, heard, c.heard)
			}
		})
	}
}

// The example of RFC 2195.
func TestCRAM(t *testing.T) {
	const challenge = "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n"
	_, heard := sendAs(t, login{"tim", "tanstaaftanstaaf"}, nil, []string{"220 x\r\n", "250-x\r\n250 AUTH PLAIN CRAM-MD5\r\n", challenge, "535 x\r\n"})
	if want := "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n"; !strings.Contains(heard, want) {
		t.Errorf("heard %q", heard)
	}
}

func TestXtext(t *testing.T) {
	if got, want := xtext("e=mc2+x@y \xff"), "e+3Dmc2+2Bx@y+3F+3F"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGreeting(t *testing.T) {
	const failed = "Connected to 192.0.2.1 but greeting failed.\nRemote host said: "
	for _, c := range []struct {
		wanted         extensions.Set
		greeting, want string
	}{
		{nil, "421 x", "Z" + failed + "421 x\n"},
		{nil, "554 x", "Z" + failed + "554 x\n"},
		{extensions.Set{extensions.RFC2821}, "421 x", string(tryNext)},
		{extensions.Set{extensions.RFC2821}, "554 x", "D" + failed + "554 x\n"},
		{extensions.Set{extensions.RFC2821}, "600 x", "Z" + failed + "600 x\n"},
		{extensions.Set{extensions.SMTPAuth}, "421 x", "Z" + failed + "421 x\n"},
		{extensions.Set{extensions.SMTPAuth}, "600 x", "D" + failed + "600 x\n"},
	} {
		if got, _ := sendAs(t, login{}, c.wanted, []string{c.greeting + "\r\n"}); got != c.want {
			t.Errorf("%v, %s: got %q, want %q", c.wanted, c.greeting, got, c.want)
		}
	}
}

func TestParseRoute(t *testing.T) {
	for line, want := range map[string]route{
		"relay":                   {"relay", 25, login{}},
		"relay:587|joe|a:b|c":     {"relay", 587, login{"joe", "a:b|c"}},
		"relay;587":               {"relay", 587, login{}},
		"[2001:db8::1];465|joe|x": {"[2001:db8::1]", 465, login{"joe", "x"}},
		"relay||x":                {"relay", 25, login{"", "x"}},
		"relay|joe":               {"relay|joe", 25, login{}},
		"|joe|x":                  {"", 25, login{"joe", "x"}},
	} {
		if got := parseRoute(line); got != want {
			t.Errorf("%q: got %+v, want %+v", line, got, want)
		}
	}
}

func TestSenders(t *testing.T) {
	c := config{
		senders: control.NewMap([]string{"joe@a.example:one", "@a.example:two", ".example:three", ".doe@a.example:four", "empty@a.example:"}),
		routes:  control.NewMap([]string{":route"}),
	}
	for sender, want := range map[string]string{
		"joe@a.example": "one", "JOE@A.example": "one", "sue@a.example": "two", "x@b.a.example": "three", "sue.doe@a.example": "four",
		"empty@a.example": "route", "joe@a.org": "route", "": "route",
	} {
		if got, ok := c.route(sender, "b.example"); got.relay != want || !ok {
			t.Errorf("%s: got %+v, %v", sender, got, ok)
		}
	}
	c.senders[""] = "all"
	if got, _ := c.route("", "b.example"); got.relay != "all" {
		t.Errorf("no sender: got %+v", got)
	}
}
