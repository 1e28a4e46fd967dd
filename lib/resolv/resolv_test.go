package resolv

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"goqmail/lib/ip"
)

func TestReverse(t *testing.T) {
	for a, want := range map[string]string{
		"192.0.2.7":   "7.2.0.192.in-addr.arpa",
		"2001:db8::1": "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
	} {
		addr, _ := ip.Parse(a)
		if got := strings.Join(Reverse(addr), "."); got != want {
			t.Errorf("Reverse(%s) = %s, want %s", a, got, want)
		}
	}
}

func TestParseName(t *testing.T) {
	for s, want := range map[string]Name{"": nil, ".": nil, "a": {"a"}, "a.b.": {"a", "b"}, "a..b": {"a", "", "b"}} {
		if got := ParseName(s); !slices.Equal(got, want) {
			t.Errorf("ParseName(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestConfig(t *testing.T) {
	local, _ := ip.Parse("127.0.0.1")
	six, _ := ip.Parse("2001:db8::53")
	for _, c := range []struct {
		text string
		want Config
	}{
		{"", Config{Servers: []ip.Addr{local}, Timeout: 5 * time.Second, Attempts: 2}},
		{"nameserver 192.0.2.1\nnameserver 2001:db8::53\r\nnameserver junk\n", Config{Servers: []ip.Addr{ip.V4(192, 0, 2, 1), six}, Timeout: 5 * time.Second, Attempts: 2}},
		{"nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4", Config{
			Servers: []ip.Addr{ip.V4(1, 1, 1, 1), ip.V4(1, 1, 1, 2), ip.V4(1, 1, 1, 3)}, Timeout: 5 * time.Second, Attempts: 2}},
		{"options timeout:1 attempts:3 rotate\n", Config{Servers: []ip.Addr{local}, Timeout: time.Second, Attempts: 3}},
		{"options timeout:99 attempts:99\n", Config{Servers: []ip.Addr{local}, Timeout: 30 * time.Second, Attempts: 5}},
		{"options timeout:0 attempts:x timeout\n", Config{Servers: []ip.Addr{local}, Timeout: 5 * time.Second, Attempts: 2}},
		{"search a.example b\n# domain c\n", Config{Servers: []ip.Addr{local}, Timeout: 5 * time.Second, Attempts: 2, Search: []Name{{"a", "example"}, {"b"}}}},
		{"search a b\ndomain c.example.\n", Config{Servers: []ip.Addr{local}, Timeout: 5 * time.Second, Attempts: 2, Search: []Name{{"c", "example"}}}},
	} {
		got := parseConfig(c.text)
		if !slices.Equal(got.Servers, c.want.Servers) || got.Timeout != c.want.Timeout || got.Attempts != c.want.Attempts ||
			!slices.EqualFunc(got.Search, c.want.Search, slices.Equal) {
			t.Errorf("%q: %+v, want %+v", c.text, *got, c.want)
		}
	}
}

func TestReadName(t *testing.T) {
	const label63 = "\x3fxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	for _, c := range []struct {
		message string
		at      int
		want    Name
		next    int
	}{
		{"\x00", 0, nil, 1},
		{"\x01a\x02b.\x00rest", 0, Name{"a", "b."}, 6},
		{"\x01a\x00\x01b\xc0\x00rest", 3, Name{"b", "a"}, 7},
		{"\x00\xc0\x00", 1, nil, 3},
		{label63 + label63 + label63 + "\x3d" + label63[1:62] + "\x00", 0, Name{label63[1:], label63[1:], label63[1:], label63[1:62]}, 255},
	} {
		got, next, err := readName([]byte(c.message), c.at)
		if err != nil || next != c.next || !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, %d, %v; want %q, %d", c.message, got, next, err, c.want, c.next)
		}
	}
	for _, message := range []string{
		"", "\x01", "\x01a", "\x02a\x00", "\xc0", "\xc0\x00", "\xc0\x02\xc0\x00", "\xc0\xff", "\x40a\x00", "\x80a\x00", "\x01a\xc0\x00",
		label63 + label63 + label63 + label63 + "\x00",
	} {
		if got, _, err := readName([]byte(message), 0); err == nil {
			t.Errorf("%q: %q, want an error", message, got)
		}
	}
}

// server answers each query on a loopback address of its own, by UDP and TCP.
func server(t *testing.T, answer func(query []byte, tcp bool) []byte) *Config {
	t.Helper()
	const addr = "127.113.54.53:53"
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Skip("look-ups need a name server of their own, on port 53: ", err)
	}
	t.Cleanup(func() { udp.Close() })
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skip("look-ups need a name server of their own, on port 53: ", err)
	}
	t.Cleanup(func() { tcp.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			udp.WriteTo([]byte("not an answer"), from)
			if a := answer(slices.Clone(buf[:n]), false); a != nil {
				udp.WriteTo(a, from)
			}
		}
	}()
	go func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 514)
			n, _ := conn.Read(buf)
			if n > 2 {
				a := answer(buf[2:n], true)
				conn.Write(append([]byte{byte(len(a) >> 8), byte(len(a))}, a...))
			}
			conn.Close()
		}
	}()
	return &Config{Servers: []ip.Addr{ip.V4(127, 113, 54, 53)}, Timeout: time.Minute, Attempts: 1}
}

// reply makes a response to query with a code and records of the query's type.
func reply(query []byte, code byte, data ...string) []byte {
	response := slices.Clone(query)
	copy(response[2:], []byte{0x81, 0x80 | code})
	response[7] = byte(len(data))
	for _, d := range data {
		response = append(response, 0xc0, 12, query[len(query)-4], query[len(query)-3], 0, 1, 0, 0, 0, 0, byte(len(d)>>8), byte(len(d)))
		response = append(response, d...)
	}
	return response
}

func TestAsk(t *testing.T) {
	client := ip.V4(192, 0, 2, 7)
	var many []string
	for range 60 {
		many = append(many, "\x04many\x07example\x00")
	}
	for _, c := range []struct {
		name   string
		answer func(query []byte, tcp bool) []byte
		want   Name
		err    error
	}{
		{"a name", func(q []byte, _ bool) []byte { return reply(q, 0, "\x01a\x07example\x00") }, Name{"a", "example"}, nil},
		{"two names", func(q []byte, _ bool) []byte { return reply(q, 0, "\x01a\x00", "\x01b\x00") }, Name{"a"}, nil},
		{"upper case", func(q []byte, _ bool) []byte {
			copy(q[headerLen:], strings.ToUpper(string(q[headerLen:])))
			return reply(q, 0, "\x01a\x00")
		}, Name{"a"}, nil},
		{"none", func(q []byte, _ bool) []byte { return reply(q, 3) }, nil, ErrNone},
		{"no record", func(q []byte, _ bool) []byte { return reply(q, 0) }, nil, ErrNone},
		{"failure", func(q []byte, _ bool) []byte { return reply(q, 2) }, nil, ErrTemp},
		{"refusal", func(q []byte, _ bool) []byte { return reply(q, 5) }, nil, ErrTemp},
		{"broken name", func(q []byte, _ bool) []byte { return reply(q, 0, "\x05a\x00") }, nil, ErrTemp},
		{"cut short", func(q []byte, _ bool) []byte { r := reply(q, 0, "\x01a\x00"); return r[:len(r)-1] }, nil, ErrTemp},
		{"truncated", func(q []byte, tcp bool) []byte {
			if !tcp {
				r := reply(q, 0)
				r[2] |= 2
				return r
			}
			return reply(q, 0, many...)
		}, Name{"many", "example"}, nil},
		{"other question", func(q []byte, _ bool) []byte { q[13] ^= 1; return reply(q, 0, "\x01a\x00") }, nil, ErrTemp},
		{"other number", func(q []byte, _ bool) []byte { q[0] ^= 1; return reply(q, 0, "\x01a\x00") }, nil, ErrTemp},
		{"silence", func(q []byte, _ bool) []byte { return nil }, nil, ErrTemp},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := server(t, c.answer)
			if strings.HasPrefix(c.name, "other") || c.name == "silence" {
				config.Timeout = 100 * time.Millisecond // it must run out
			}
			got, err := config.PTR(client)
			if !slices.Equal(got, c.want) || err != c.err {
				t.Errorf("got %q, %v; want %q, %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	config := server(t, func(q []byte, _ bool) []byte {
		if q[len(q)-3] == byte(typeA) {
			return reply(q, 0, "\xc0\x00\x02\x01", "\xc0\x00\x02\x02")
		}
		return reply(q, 0, "\x20\x01\x0d\xb8"+strings.Repeat("\x00", 11)+"\x01")
	})
	four, err := config.Addresses(Name{"a"}, true)
	if want := []ip.Addr{ip.V4(192, 0, 2, 1), ip.V4(192, 0, 2, 2)}; err != nil || !slices.Equal(four, want) {
		t.Errorf("got %v, %v", four, err)
	}
	six, err := config.Addresses(Name{"a"}, false)
	if err != nil || len(six) != 1 || six[0].String() != "2001:db8::1" {
		t.Errorf("got %v, %v", six, err)
	}
	if _, err := config.Addresses(Name{"a", ""}, true); err != ErrNone {
		t.Errorf("a name that cannot be asked for: %v", err)
	}
}

// Nobody listens: that is found out at once.
func TestNobody(t *testing.T) {
	config := &Config{Servers: []ip.Addr{ip.V4(127, 113, 54, 54)}, Timeout: time.Hour, Attempts: 5}
	if _, err := config.PTR(ip.V4(192, 0, 2, 7)); err != ErrTemp {
		t.Errorf("got %v", err)
	}
}

// Where a server cannot tell, or is none, the next one is asked.
func TestSeveralServers(t *testing.T) {
	config := server(t, func(q []byte, _ bool) []byte { return reply(q, 0, "\xc0\x00\x02\x01") })
	other, err := net.ListenPacket("udp", "127.113.54.55:53")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	codes := make(chan byte, 1)
	go func() {
		buf := make([]byte, 512)
		for code := range codes {
			n, from, err := other.ReadFrom(buf)
			if err != nil {
				return
			}
			other.WriteTo(reply(buf[:n], code), from)
		}
	}()
	config.Servers = []ip.Addr{ip.V4(127, 113, 54, 54), ip.V4(127, 113, 54, 55), config.Servers[0]} // nobody, the other, the good one
	for code, want := range map[byte]error{codeServer: nil, codeNotImplemented: nil, codeRefused: nil, 3: ErrNone} {
		codes <- code
		found, err := config.Addresses(Name{"a"}, true)
		if err != want || err == nil && (len(found) != 1 || found[0] != ip.V4(192, 0, 2, 1)) {
			t.Errorf("code %d: got %v, %v", code, found, err)
		}
	}
	close(codes)
}

// A message that is broken gives an error, never a panic, and names that are
// found can be asked for.
func FuzzRecords(f *testing.F) {
	q, _ := question(1, Name{"a", "example"}, typePTR)
	f.Add(reply(q, 0, "\x01b\x07example\x00", "\xc0\x0c"))
	f.Add(reply(q, 3))
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) < headerLen {
			return
		}
		found, _ := records(message, typePTR)
		for _, r := range found {
			name, err := r.name()
			if err != nil {
				continue
			}
			wire, ok := name.append(nil)
			back, next, err := readName(wire, 0)
			if !ok || err != nil || next != len(wire) || !slices.Equal(back, name) {
				t.Errorf("%q is %q on the wire, and that %q, %v", name, wire, back, err)
			}
		}
	})
}

func TestCandidates(t *testing.T) {
	c := parseConfig("search a.example b.example\n")
	for name, want := range map[string]string{
		"host":     "host.a.example host.b.example host",
		"host.sub": "host.sub host.sub.a.example host.sub.b.example",
		"host.":    "host.",
	} {
		if got := strings.Join(c.Candidates(name), " "); got != want {
			t.Errorf("%s: got %q", name, got)
		}
	}
	for host, want := range map[string]string{"mx.c.example": "b.c.example b", "mx": "b", "mx.": "b", "": "b"} {
		c := parseConfig("")
		c.searchDomainOf(host)
		if got := strings.Join(c.Candidates("b"), " "); got != want {
			t.Errorf("on %s: got %q, want %q", host, got, want)
		}
	}
}
