package main

import (
	"strings"
	"testing"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/dns"
	"goqmail/lib/dnsbl"
	"goqmail/lib/ip"
)

// zones stand in for name servers: a name to the text of its TXT record, with
// which it has an A record, too. The text SOFT is an error, and SLOW never comes.
type zones map[string]string

func (z zones) Text(name string) (string, error) {
	text, ok := z[name]
	switch {
	case !ok:
		return "", dns.ErrNone
	case text == "SOFT":
		return "", dns.ErrTemp
	case text == "SLOW":
		select {}
	}
	return text, nil
}

func (z zones) Addresses(name string) ([]dns.Host, error) {
	text, err := z.Text(name)
	if err != nil || text == "ALIAS" {
		return nil, err
	}
	return []dns.Host{{Name: name}}, nil
}

func TestJudge(t *testing.T) {
	six := strings.Repeat("0.", 23) + "8.b.d.0.1.0.0.2."
	for _, c := range []struct {
		name    string
		address string
		closed  bool
		zones   zones
		lists   string
		want    string // the verdict
		log     string // results and messages
	}{
		{"none", "192.0.2.1", false, nil, "a b", "pass  ", "pass '' pass ''"},
		{"text of the list", "192.0.2.1", false, zones{"1.2.0.192.b": "see b"}, "a b c", "delay b see b", "pass '' delay 'see b'"},
		{"rejecting", "192.0.2.1", false, zones{"1.2.0.192.b": "see b"}, "-b", "reject b see b", "reject 'see b'"},
		{"own text", "192.0.2.1", false, zones{"1.2.0.192.b": "x"}, "b:%IP%/%IP%,100%", "delay b 192.0.2.1/192.0.2.1,100%", "delay '192.0.2.1/192.0.2.1,100%'"},
		{"own rejecting text", "192.0.2.1", false, zones{"1.2.0.192.b": "x"}, "b:-no", "reject b no", "reject 'no'"},
		{"no text", "192.0.2.1", false, zones{"1.2.0.192.b": ""}, "b:", "delay b 192.0.2.1 is listed by b", "delay '192.0.2.1 is listed by b'"},
		{"alias", "192.0.2.1", false, zones{"1.2.0.192.b": "ALIAS"}, "b:no", "pass  ", "pass ''"},
		{"good host", "192.0.2.1", false, zones{"1.2.0.192.good": "x", "1.2.0.192.b": "x"}, "+good b", "accept good x", "accept 'x'"},
		{"only logged", "192.0.2.1", false, zones{"1.2.0.192.a": "x", "1.2.0.192.b": "y"}, "=a b", "delay b y", "ignore 'x' delay 'y'"},
		{"logged alone", "192.0.2.1", false, zones{"1.2.0.192.a": "x"}, "=a b", "ignore a x", "ignore 'x' pass ''"},
		{"IPv6", "2001:db8::1", false, zones{"1." + six + "b": "six"}, "b", "delay b six", "delay 'six'"},
		{"error", "192.0.2.1", false, zones{"1.2.0.192.a": "SOFT"}, "a b", "pass  ", "dnserr '' pass ''"},
		{"error before rejection", "192.0.2.1", false, zones{"1.2.0.192.a": "SOFT", "1.2.0.192.b": "x"}, "a -b", "delay b x", "dnserr '' reject 'x'"},
		{"closed", "192.0.2.1", true, zones{"1.2.0.192.a": "SOFT"}, "-a b", "delay a " + unsureText, "dnserr '" + unsureText + "'"},
		{"closed for good hosts", "192.0.2.1", true, zones{"1.2.0.192.a": "SOFT"}, "+a b", "pass  ", "dnserr '' pass ''"},
		{"slow", "192.0.2.1", false, zones{"1.2.0.192.a": "SLOW", "1.2.0.192.b": "x"}, "a b", "pass  ", "dnserr '' dnserr ''"},
		{"odd bytes", "192.0.2.1", false, zones{"1.2.0.192.b": "a\r\nb\xff" + strings.Repeat("x", 600)}, "b",
			"delay b a??b?" + strings.Repeat("x", 495), "delay 'a??b?" + strings.Repeat("x", 495) + "'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var lists []dnsbl.List
			for _, line := range strings.Fields(c.lists) {
				l, err := dnsbl.ParseList(line)
				if err != nil {
					t.Fatal(err)
				}
				lists = append(lists, l)
			}
			address, _ := ip.Parse(c.address)
			limit := time.Hour
			if c.name == "slow" {
				limit = 50 * time.Millisecond
			}
			var log strings.Builder
			i := inquiry{address: address, name: c.address, asks: c.zones, closed: c.closed, log: &log, end: time.Now().Add(limit)}
			if got := i.judge(lists).String(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			var results []string
			for line := range strings.Lines(log.String()) {
				if !strings.HasPrefix(line, "qmail-smtpd: rbl: ip="+c.address+" query=") {
					t.Errorf("line %q", line)
				}
				_, result, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " result=")
				results = append(results, strings.Replace(result, "message=", "", 1))
			}
			if got := strings.Join(results, " "); got != c.log {
				t.Errorf("log %q, want %q", got, c.log)
			}
		})
	}
}

func TestFailsClosed(t *testing.T) {
	for value, want := range map[string]bool{"1": true, "0": false, "": false, "no": false} {
		if got, err := failsClosed(call.Env{"DNSBLFAILCLOSED=" + value}); got != want || err != nil {
			t.Errorf("%q: %v, %v", value, got, err)
		}
	}
}
