package main

import (
	"net"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/control"
	"goqmail/lib/dns"
	"goqmail/lib/extensions"
	"goqmail/lib/ip"
	"goqmail/lib/spawn"
)

// relay is a host whose every connection has a script of replies.
type relay struct {
	target
	heard chan string // on each connection, at its end
}

func newRelay(t *testing.T, scripts ...[]string) relay {
	t.Helper()
	auto.Home = t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	r := relay{heard: make(chan string, len(scripts))}
	r.Host = dns.Host{Addr: ip.V4(127, 0, 0, 1)}
	r.port = uint16(l.Addr().(*net.TCPAddr).Port)
	go func() {
		for _, replies := range scripts {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { r.heard <- host(conn, replies) }()
		}
	}()
	return r
}

// busy is a process with always another message for a target.
func busy(to target, c *config) *process {
	p := new(process)
	p.kept.enter(c.way(to, none))
	return p
}

// deliverTo sends a message from a sender and returns what is reported.
func deliverTo(to target, c *config, p *process, sender string) string {
	m := message{sender: sender, recipients: []string{"b"}, text: strings.NewReader("hello\n")}
	d := delivery{process: p, config: c, message: m}
	v := d.sendTo(to)
	return d.reports.String() + string(v)
}

var plain = config{helo: "me", timeout: time.Minute, connectTimeout: time.Minute}

const (
	tookIt   = "r\x00K127.0.0.1 accepted message.\nRemote host said: 250 taken\n"
	gaveHelo = "HELO me\r\n"
	gaveOne  = "MAIL FROM:<1>\r\nRCPT TO:<b>\r\nDATA\r\nhello\r\n.\r\n"
	gaveTwo  = "MAIL FROM:<2>\r\nRCPT TO:<b>\r\nDATA\r\nhello\r\n.\r\n"
)

var (
	welcome  = []string{"220 x\r\n", "250 x\r\n"}
	takesOne = []string{"250 x\r\n", "250 x\r\n", "354 x\r\n", "250 taken\r\n"}
)

// A connection carries what comes while it is kept, and ends with a good bye.
func TestKept(t *testing.T) {
	r := newRelay(t, slices.Concat(welcome, takesOne, takesOne))
	p := busy(r.target, &plain)
	for _, sender := range []string{"1", "2"} {
		if got := deliverTo(r.target, &plain, p, sender); got != tookIt {
			t.Errorf("%s: got %q", sender, got)
		}
	}
	if got, want := <-r.heard, gaveHelo+gaveOne+gaveTwo+"QUIT\r\n"; got != want {
		t.Errorf("heard %q", got)
	}
	if len(p.kept.idle) > 0 {
		t.Error("still kept")
	}
}

// Without another message on its way nothing is kept.
func TestAlone(t *testing.T) {
	once := slices.Concat(welcome, takesOne)
	r := newRelay(t, once, once)
	p := new(process)
	for _, sender := range []string{"1", "2"} {
		if got := deliverTo(r.target, &plain, p, sender); got != tookIt {
			t.Errorf("%s: got %q", sender, got)
		}
		if got, want := <-r.heard, gaveHelo+strings.Replace(gaveOne, "1", sender, 1)+"QUIT\r\n"; got != want {
			t.Errorf("heard %q", got)
		}
	}
	if len(p.kept.going) > 0 {
		t.Errorf("under way: %v", p.kept.going)
	}
}

// What a host does not want on a connection that was kept it is offered on a new
// one, and only that counts.
func TestStartOver(t *testing.T) {
	for _, c := range []struct {
		name        string
		end         string   // of the first message
		kept, fresh []string // replies from then on, and after the name on a new connection
		reported    string
		heard       string // of the second message on the connection that was kept; "" if that hung up
	}{
		{"hung up", "250 taken\r\n", nil, takesOne, tookIt, ""},
		{"closing", "250 taken\r\n", []string{"421 x\r\n"}, takesOne, tookIt, "MAIL FROM:<2>\r\nQUIT\r\n"},
		{"closing, said before", "250 taken\r\n421 x\r\n", nil, takesOne, tookIt, ""},
		{"sender", "250 taken\r\n", []string{"550 once\r\n"}, []string{"550 twice\r\n"},
			"DConnected to 127.0.0.1 but sender was rejected.\nRemote host said: 550 twice\n", "MAIL FROM:<2>\r\nQUIT\r\n"},
		{"recipient for now", "250 taken\r\n", []string{"250 x\r\n", "450 x\r\n"}, takesOne, tookIt, "MAIL FROM:<2>\r\nRCPT TO:<b>\r\nQUIT\r\n"},
		{"recipient for good", "250 taken\r\n", []string{"250 x\r\n", "550 once\r\n"}, []string{"250 x\r\n", "550 twice\r\n"},
			"h127.0.0.1 does not like recipient.\nRemote host said: 550 twice\n\x00DGiving up on 127.0.0.1.\n", "MAIL FROM:<2>\r\nRCPT TO:<b>\r\nQUIT\r\n"},
		{"data", "250 taken\r\n", []string{"250 x\r\n", "250 x\r\n", "451 x\r\n"}, takesOne, tookIt, "MAIL FROM:<2>\r\nRCPT TO:<b>\r\nDATA\r\nQUIT\r\n"},
		{"a reply too many", "250 taken\r\n", []string{"250 x\r\n250 x\r\n", "250 x\r\n", "250 x\r\n"}, takesOne, tookIt, "MAIL FROM:<2>\r\nRCPT TO:<b>\r\nDATA\r\nQUIT\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			first := append(takesOne[:3:3], c.end)
			r := newRelay(t, slices.Concat(welcome, first, c.kept), slices.Concat(welcome, c.fresh))
			p := busy(r.target, &plain)
			deliverTo(r.target, &plain, p, "1")
			if got := deliverTo(r.target, &plain, p, "2"); got != c.reported {
				t.Errorf("got %q\nwant %q", got, c.reported)
			}
			if heard := <-r.heard; c.heard != "" && heard != gaveHelo+gaveOne+c.heard {
				t.Errorf("heard %q", heard)
			}
		})
	}
}

// Once the host is ready to take the message, its word counts.
func TestNoWayBack(t *testing.T) {
	ready := takesOne[:3]
	for _, c := range []struct {
		name     string
		replies  []string
		reported string
	}{
		{"refused", append(ready[:3:3], "554 no\r\n"), "r\x00D127.0.0.1 failed after I sent the message.\nRemote host said: 554 no\n"},
		{"died", ready, "r\x00ZConnected to 127.0.0.1 but connection died. Possible duplicate! (#4.4.2)\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRelay(t, slices.Concat(welcome, takesOne, c.replies), slices.Concat(welcome, takesOne))
			p := busy(r.target, &plain)
			deliverTo(r.target, &plain, p, "1")
			if got := deliverTo(r.target, &plain, p, "2"); got != c.reported {
				t.Errorf("got %q", got)
			}
			if len(p.kept.idle) > 0 {
				t.Error("kept")
			}
		})
	}
}

// Several recipients of whom one is refused: none of the first answers counts.
func TestPartOver(t *testing.T) {
	r := newRelay(t, slices.Concat(welcome, takesOne, []string{"250 x\r\n", "250 x\r\n", "450 x\r\n"}),
		slices.Concat(welcome, []string{"250 x\r\n", "550 no\r\n", "250 x\r\n", "354 x\r\n", "250 taken\r\n"}))
	p := busy(r.target, &plain)
	deliverTo(r.target, &plain, p, "1")
	d := delivery{config: &plain, message: message{sender: "2", recipients: []string{"b", "c"}, text: strings.NewReader("hello\n")}, process: p}
	v := d.sendTo(r.target)
	want := "h127.0.0.1 does not like recipient.\nRemote host said: 550 no\n\x00" + tookIt
	if got := d.reports.String() + string(v); got != want {
		t.Errorf("got %q", got)
	}
}

// A connection is for those that would have made the same.
func TestWay(t *testing.T) {
	tlsHome(t, map[string]string{"tlshosts/mx.example.pem": "", "outgoingip": "192.0.2.9"})
	named := here
	named.Name = "other.example"
	base := plain.way(named, none)
	other := plain
	for name, w := range map[string]func() way{
		"address":    func() way { named.Addr = ip.V4(192, 0, 2, 2); return plain.way(named, none) },
		"port":       func() way { named.port = 587; return plain.way(named, none) },
		"login":      func() way { named.login = login{"joe", "x"}; return plain.way(named, none) },
		"password":   func() way { named.login = login{"", "x"}; return plain.way(named, none) },
		"name":       func() way { named.Name = "third.example"; return plain.way(named, none) },
		"TLS":        func() way { named.Name = "mx.example"; return plain.way(named, none) },
		"UTF-8":      func() way { return plain.way(named, asked) },
		"helo":       func() way { other.helo = "you"; return other.way(named, none) },
		"timeout":    func() way { other.timeout++; return other.way(named, none) },
		"extensions": func() way { other.extensions = extensions.Set{extensions.SMTPAuth}; return other.way(named, none) },
	} {
		before := named
		if other = plain; w() == base {
			t.Errorf("%s: the same", name)
		}
		named = before
	}
	named.Pref = 10
	if plain.way(named, none) != base {
		t.Error("another preference is another way")
	}
}

// TestOthersWay: whose way differs does not get what is kept.
func TestOthersWay(t *testing.T) {
	once := slices.Concat(welcome, takesOne)
	r := newRelay(t, once, once)
	p := busy(r.target, &plain)
	you := plain
	you.helo = "you"
	deliverTo(r.target, &plain, p, "1")
	deliverTo(r.target, &you, p, "2")
	var heard []string
	for range 2 {
		heard = append(heard, <-r.heard)
	}
	slices.Sort(heard)
	if want := []string{gaveHelo + gaveOne + "QUIT\r\n", "HELO you\r\n" + gaveTwo + "QUIT\r\n"}; !slices.Equal(heard, want) {
		t.Errorf("heard %q", heard)
	}
}

func TestWants(t *testing.T) {
	w := plain.way(here, none)
	good := func() (*kept, *client) {
		return &kept{going: map[way]int{w: 2}}, &client{way: w, made: time.Now()}
	}
	for _, c := range []struct {
		name  string
		spoil func(k *kept, c *client)
		want  bool
	}{
		{"good", func(*kept, *client) {}, true},
		{"no other message", func(k *kept, c *client) { k.going[w] = 1 }, false},
		{"old", func(k *kept, c *client) { c.made = c.made.Add(-maxAge) }, false},
		{"messages", func(k *kept, c *client) { c.messages = maxMessages - 1 }, false},
		{"many", func(k *kept, c *client) { k.idle = make([]*client, maxKept) }, false},
	} {
		k, connection := good()
		if c.spoil(k, connection); k.wants(connection) != c.want {
			t.Errorf("%s: not %v", c.name, c.want)
		}
	}
}

// The relay's methods of logging in are none of ours: each message has that
// said in front.
func TestKeptWithoutLogin(t *testing.T) {
	r := newRelay(t, slices.Concat([]string{"220 x\r\n", "250-x\r\n250 AUTH X\r\n"}, takesOne, takesOne))
	r.login = login{"joe", "secret"}
	p := busy(r.target, &plain)
	for _, sender := range []string{"1", "2"} {
		if got := deliverTo(r.target, &plain, p, sender); got != spawn.NoLogin+"\x00"+tookIt {
			t.Errorf("got %q", got)
		}
	}
}

// With TLS and a login both are for the whole connection.
func TestKeptTLS(t *testing.T) {
	tlsHome(t, map[string]string{})
	cert := certificate(t, "mx.example", nil, time.Now().Add(time.Hour), nil)
	near, far := pair(t)
	done := make(chan string)
	go func() {
		done <- hostTLS(far, starttls, &cert, slices.Concat([]string{"250-x\r\n250 AUTH PLAIN\r\n", "334 \r\n", "235 x\r\n"}, takesOne, takesOne))
	}()
	there := here
	there.login = login{"joe", "secret"}
	c := &config{helo: "me", timeout: time.Minute, extensions: extensions.Set{extensions.SMTPTLS}}
	w := c.way(there, none)
	connection := newClient(near, w, c.extensions, &kept{going: map[way]int{w: 2}})
	for range 2 {
		var reports strings.Builder
		if v := connection.send(hello(), &reports); reports.String()+string(v) != taken || !connection.stays {
			t.Errorf("got %q, %q", reports.String(), v)
		}
	}
	connection.bye()
	connection.close()
	const login, one = "EHLO me\r\nAUTH PLAIN\r\nam9lAGpvZQBzZWNyZXQ=\r\n", "MAIL FROM:<a> AUTH=joe\r\nRCPT TO:<b>\r\nDATA\r\nhello\r\n.\r\n"
	if heard := <-done; heard != inClear+"<TLS>"+login+one+one+"QUIT\r\n" {
		t.Errorf("heard %q", heard)
	}
}

// FuzzKept: whatever a host says on a connection that was kept, a message is
// reported on only if the host was ready to take it.
func FuzzKept(f *testing.F) {
	f.Add("250 x\r\n250 x\r\n354 x\r\n250 x\r\n")
	f.Add("250 x\r\n450 x\r\n250 x\r\n")
	f.Add("250 x\r\n250 x\r\n250 x\r\n")
	f.Fuzz(func(t *testing.T, said string) {
		c := clientTo(hostSaying(t, said), here, &plain, none)
		c.messages = 1
		var reports strings.Builder
		v := c.send(hello(), &reports)
		c.close()
		switch {
		case v == startOver && c.agreed, v != startOver && reports.String() != "r\x00":
			t.Errorf("%q: %q, %q", said, reports.String(), v)
		case v != startOver && !strings.ContainsAny(string(v[:1]), "KZD"):
			t.Errorf("%q: %q", said, v)
		}
	})
}

// A process that keeps what control files say notices each change of one.
func TestControlsChange(t *testing.T) {
	files := map[string][2]string{
		"me": {"a", "b"}, "helohost": {"a", "b"}, "timeoutremote": {"1", "2"}, "timeoutconnect": {"1", "2"}, "smtproutes": {":a", ":b"},
		"authsenders": {":a", ":b"}, "extensions": {"rfc2821", "smtp-auth"}, "smtputf8": {"0", "1"}, "outgoingip": {"192.0.2.1", "192.0.2.2"},
	}
	p := process{controls: &control.Kept[*config]{Files: controls}}
	check := func(name string) {
		t.Helper()
		got, v := p.readConfig()
		want, _ := readConfig()
		if v != "" || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %s, want %+v", name, got, v, want)
		}
		// Only what has been there for a while is kept.
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			before, _ := p.readConfig()
			if again, _ := p.readConfig(); again == before {
				break
			}
			if time.Now().After(end) {
				t.Skip("on this file system nothing is kept")
			}
		}
	}
	tlsHome(t, map[string]string{})
	for name, values := range files {
		put(t, control.Path(name), values[0])
	}
	check("all")
	for name, values := range files {
		put(t, control.Path(name), values[1])
		check(name)
	}
	if err := os.Remove(control.Path("helohost")); err != nil {
		t.Fatal(err)
	}
	check("without helohost")
}
