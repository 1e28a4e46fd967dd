package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/control"
	"goqmail/lib/dns"
	"goqmail/lib/ip"
	"goqmail/lib/ipme"
)

// pair gives both ends of a connection: a client's as it comes from lib/socket,
// and a server's.
func pair(t testing.TB) (*os.File, net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	file, err := near.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	near.Close()
	return file, far
}

// host says the replies, one for each command, and returns what it was sent.
// Where replies end it hangs up.
func host(conn net.Conn, replies []string) (heard string) {
	defer conn.Close()
	return talk(conn, replies)
}

func talk(conn net.Conn, replies []string) (heard string) {
	in := bufio.NewReader(conn)
	for _, reply := range replies {
		io.WriteString(conn, reply)
		line, err := in.ReadString('\n')
		heard += line
		for err == nil && strings.HasPrefix(reply, "354") && line != ".\r\n" {
			line, err = in.ReadString('\n')
			heard += line
		}
		if err != nil {
			break
		}
	}
	return heard
}

// here is the host at the other end of a pair, as far as reports know.
var here = target{Host: dns.Host{Name: "mx.example", Addr: ip.V4(192, 0, 2, 1)}, port: smtpPort}

// clientTo is for a message that is the only one.
func clientTo(conn *os.File, t target, c *config, utf8 need) *client {
	return newClient(conn, c.way(t, utf8), c.extensions, new(kept))
}

// send sends a message to a host that says replies.
func send(t testing.TB, m message, replies []string) (reported, heard string) {
	near, far := pair(t)
	done := make(chan string)
	go func() { done <- host(far, replies) }()
	var reports strings.Builder
	config := &config{helo: "me", timeout: time.Minute}
	v := clientTo(near, here, config, none).send(m, &reports)
	near.Close()
	return reports.String() + string(v), <-done
}

func TestDialogue(t *testing.T) {
	const (
		helo = "HELO me\r\n"
		mail = helo + "MAIL FROM:<a>\r\n"
		rcpt = mail + "RCPT TO:<b>\r\n"
		data = rcpt + "DATA\r\n"
		text = data + "hello\r\n..\r\n.\r\n"
		quit = "QUIT\r\n"
	)
	for _, c := range []struct {
		name     string
		replies  []string
		reported string
		heard    string
	}{
		{"accepted", []string{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n", "250 taken\r\n"},
			"r\x00K192.0.2.1 accepted message.\nRemote host said: 250 taken\n", text + quit},
		{"several lines", []string{"220-x\r\n220-\r\n220\n", "250-a\r\n250 b\r\n", "250\r\n", "250-x\r\n999 y\r\n", "354 x\r\n", "250-a\r\n250-b\r\n250 c\r\n"},
			"r\x00K192.0.2.1 accepted message.\nRemote host said: 250-a\n250-b\n250 c\n", text + quit},
		{"greeting", []string{"554 go away\r\n"}, "ZConnected to 192.0.2.1 but greeting failed.\nRemote host said: 554 go away\n", quit},
		{"greeting 250", []string{"250 x\r\n"}, "ZConnected to 192.0.2.1 but greeting failed.\nRemote host said: 250 x\n", quit},
		{"name", []string{"220 x\r\n", "550 who?\r\n"}, "ZConnected to 192.0.2.1 but my name was rejected.\nRemote host said: 550 who?\n", helo + quit},
		{"sender for good", []string{"220 x\r\n", "250 x\r\n", "500 no\r\n"}, "DConnected to 192.0.2.1 but sender was rejected.\nRemote host said: 500 no\n", mail + quit},
		{"sender for now", []string{"220 x\r\n", "250 x\r\n", "499 no\r\n"}, "ZConnected to 192.0.2.1 but sender was rejected.\nRemote host said: 499 no\n", mail + quit},
		{"recipient for good", []string{"220 x\r\n", "250 x\r\n", "250 x\r\n", "550 no\x00\r\n"},
			"h192.0.2.1 does not like recipient.\nRemote host said: 550 no?\n\x00DGiving up on 192.0.2.1.\n", rcpt + quit},
		{"recipient for now", []string{"220 x\r\n", "250 x\r\n", "250 x\r\n", "421 no\r\n"},
			"s192.0.2.1 does not like recipient.\nRemote host said: 421 no\n\x00DGiving up on 192.0.2.1.\n", rcpt + quit},
		{"data", []string{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "451 no\r\n"},
			"r\x00Z192.0.2.1 failed on DATA command.\nRemote host said: 451 no\n", data + quit},
		{"message", []string{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n", "554 no\r\n"},
			"r\x00D192.0.2.1 failed after I sent the message.\nRemote host said: 554 no\n", text + quit},
		{"no number", []string{"220 x\r\n", "250 x\r\n", "hello\r\n"}, "DConnected to 192.0.2.1 but sender was rejected.\nRemote host said: hello\n", mail + quit},
		{"no connection", nil, "ZConnected to 192.0.2.1 but connection died. (#4.4.2)\n", ""},
		{"died", []string{"220 x\r\n", "250 x\r\n"}, "ZConnected to 192.0.2.1 but connection died. (#4.4.2)\n", mail},
		{"died late", []string{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n"},
			"r\x00ZConnected to 192.0.2.1 but connection died. Possible duplicate! (#4.4.2)\n", text},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := message{sender: "a", recipients: []string{"b"}, text: strings.NewReader("hello\n.\n")}
			reported, heard := send(t, m, c.replies)
			// A host that hangs up may not hear all we said.
			if c.replies == nil {
				heard = ""
			}
			if reported != c.reported || heard != c.heard {
				t.Errorf("got %q\nwant %q\nheard %q\nwant %q", reported, c.reported, heard, c.heard)
			}
		})
	}
}

func TestRecipients(t *testing.T) {
	m := message{sender: "a", recipients: []string{"b", "c", "d", "e"}, text: strings.NewReader("")}
	reported, heard := send(t, m, []string{"220 x\r\n", "250 x\r\n", "250 x\r\n", "550 b\r\n", "250 c\r\n", "450 d\r\n", "399 e\r\n", "354 x\r\n", "250 x\r\n"})
	want := "h192.0.2.1 does not like recipient.\nRemote host said: 550 b\n\x00r\x00" +
		"s192.0.2.1 does not like recipient.\nRemote host said: 450 d\n\x00r\x00K192.0.2.1 accepted message.\nRemote host said: 250 x\n"
	if reported != want {
		t.Errorf("got %q", reported)
	}
	if !strings.HasSuffix(heard, "RCPT TO:<e>\r\nDATA\r\n.\r\nQUIT\r\n") {
		t.Errorf("heard %q", heard)
	}
}

// What cannot be sent whole must not look whole.
func TestUnsendable(t *testing.T) {
	for _, c := range []struct {
		text io.Reader
		want verdict
	}{
		{strings.NewReader("hello\nworld"), partialLine},
		{iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("hello\n"))), noMessage},
		{(*os.File)(nil), noMessage},
	} {
		reported, heard := send(t, message{sender: "a", recipients: []string{"b"}, text: c.text},
			[]string{"220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n"})
		if reported != "r\x00"+string(c.want) || strings.HasSuffix(heard, "\r\n.\r\n") {
			t.Errorf("got %q, heard %q", reported, heard)
		}
	}
}

func TestLongReply(t *testing.T) {
	long := "554 " + strings.Repeat("x", 10000) + "\r\n"
	reported, _ := send(t, message{sender: "a", recipients: []string{"b"}}, []string{long})
	want := "ZConnected to 192.0.2.1 but greeting failed.\nRemote host said: " + long[:maxSaid]
	if reported != want {
		t.Errorf("got %d bytes, want %d", len(reported), len(want))
	}
}

// hostSaying is a connection to a host that says something, whatever it hears.
func hostSaying(t *testing.T, said string) *os.File {
	near, far := pair(t)
	go func() {
		io.WriteString(far, said)
		far.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, far)
		far.Close()
	}()
	return near
}

// FuzzReplies: whatever a host says, there is at most one report on each
// recipient, and no success without its yes to one.
func FuzzReplies(f *testing.F) {
	f.Add("220 x\r\n250 x\r\n250 x\r\n550-x\r\n550 x\r\n250 x\r\n354\r\n250\r\n")
	f.Add("220\n250\n250-\n\n\n\n250\r\n")
	f.Fuzz(func(t *testing.T, said string) {
		near := hostSaying(t, said)
		var reports strings.Builder
		m := message{recipients: []string{"b", "c"}, text: strings.NewReader("x\n")}
		v := clientTo(near, here, &config{timeout: time.Minute}, none).send(m, &reports)
		near.Close()
		list := strings.SplitAfter(reports.String(), "\x00")
		list = list[:len(list)-1]
		for _, report := range list {
			if !strings.ContainsAny(report[:1], "rhs") {
				t.Errorf("%q: report %q", said, report)
			}
		}
		if len(list) > 2 || v == "" || !strings.ContainsAny(string(v[:1]), "KZD") || strings.Contains(string(v), "\x00") {
			t.Errorf("%q: %q, %q", said, list, v)
		}
		if v[0] == 'K' && !slices.Contains(list, "r\x00") {
			t.Errorf("%q: %q, %q", said, list, v)
		}
	})
}

func TestRoute(t *testing.T) {
	routes := control.NewMap([]string{
		"b.example:relay.example", "c.example:[192.0.2.1]:2525", ".c.example:sub:x", "d.example:", "e.example::587",
		"six.example:[2001:db8::1]", "seven.example:[IPv6:2001:db8::1]:587", "eight.example:[x:y]:z",
		".net:net:65561", ".deep.net:deep:25 ", "F.Example:f", "noise",
	})
	for _, c := range []struct {
		host, relay string
		port        uint16
		ok          bool
	}{
		{"b.example", "relay.example", 25, true},
		{"x.b.example", "", 25, false},
		{"c.example", "[192.0.2.1]", 2525, true},
		{"x.c.example", "sub", 0, true},
		{"d.example", "", 25, false},
		{"e.example", "", 587, true},
		{"six.example", "[2001:db8::1]", 25, true},
		{"seven.example", "[IPv6:2001:db8::1]", 587, true},
		{"eight.example", "[x", 0, true},
		{"x.net", "net", 25, true}, // ports wrap around
		{"x.deep.net", "deep", 25, true},
		{"net", "", 25, false},
		{"f.eXample", "f", 25, true},
		{"noise", "", 25, false},
		{"", "", 25, false},
	} {
		r, ok := (&config{routes: routes}).route("joe@a.example", c.host)
		if r.relay != c.relay || r.port != c.port || ok != c.ok {
			t.Errorf("%s: got %+v, %v", c.host, r, ok)
		}
	}
	routes[""] = "all"
	for _, host := range []string{"", "anything", "x.b.example"} {
		if r, ok := (&config{routes: routes}).route("", host); r.relay != "all" || !ok {
			t.Errorf("%q: got %+v, %v", host, r, ok)
		}
	}
	if r, ok := (&config{routes: routes}).route("", "d.example"); ok {
		t.Errorf("an empty route must stop the search: got %+v", r)
	}
}

func TestBestOwn(t *testing.T) {
	auto.Home = t.TempDir()
	own, err := ipme.Look()
	if err != nil {
		t.Fatal(err)
	}
	here, there := ip.V4(0, 0, 0, 0), ip.V4(192, 0, 2, 1)
	hosts := []dns.Host{{Addr: there, Pref: 5}, {Addr: here, Pref: 20}, {Addr: here, Pref: 10}, {Addr: there, Pref: 30}}
	if got := bestOwn(append(hosts, dns.Host{Pref: 7}), own); got != 7 { // at ::
		t.Errorf("by IPv6: got %d", got)
	}
	if got := bestOwn(hosts, own); got != 10 {
		t.Errorf("got %d", got)
	}
	if got := bestOwn(hosts[:1], own); got <= 1<<16 {
		t.Errorf("got %d", got)
	}
}

func TestQuoteAddress(t *testing.T) {
	for address, want := range map[string]string{
		"":               "",
		"a":              "a",
		"a b":            "a b", // there is nowhere to put quotes
		"a@b":            "a@b",
		"a b@c":          `"a b"@c`,
		"a@b@c":          `"a@b"@c`,
		"@b":             `""@b`,
		"a@":             "a@",
		"a\r\nRSET@b":    "\"a\\\r\\\nRSET\"@b",
		"joe@[1.2.3.4]":  "joe@[1.2.3.4]",
		`"quoted"@there`: `"\"quoted\""@there`,
	} {
		if got := new(config).quoteAddress(address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
}

// report runs the program and returns what it says.
func report(t *testing.T, arguments ...string) string {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	code := new(process).run(call.New(append([]string{"qmail-remote"}, arguments...), nil, map[int]*os.File{1: w}))
	w.Close()
	said, err := io.ReadAll(r)
	if err != nil || code != 0 {
		t.Fatal(code, err)
	}
	r.Close()
	return string(said)
}

func TestTroubleAtHome(t *testing.T) {
	auto.Home = t.TempDir()
	write := func(name, data string) {
		os.Mkdir(auto.Home+"/control", 0o755)
		if err := os.WriteFile(auto.Home+"/control/"+name, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		prepare   func()
		arguments []string
		want      verdict
	}{
		{func() {}, []string{"b.example", "a@b"}, misused},
		{func() { auto.Home += "/nowhere" }, []string{"b.example", "a", "b"}, noHome},
		{func() { auto.Home = t.TempDir() }, []string{"b.example", "a", "b"}, noControls},
		{func() { write("me", "me\n") }, []string{"[0.0.0.0]", "a", "b"}, ambiguous},
		{func() { write("smtproutes", "b:a..b\n") }, []string{"b", "a", "b"}, noHost("a..b")},
		{func() {}, []string{"a \x80..b", "a", "b"}, noHost("a??..b")},
	} {
		c.prepare()
		if got := report(t, c.arguments...); got != string(c.want)+"\x00" {
			t.Errorf("%q: got %q, want %q", c.arguments, got, c.want)
		}
	}
}
