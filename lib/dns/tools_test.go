package dns

import (
	"errors"
	"strings"
	"testing"

	"goqmail/lib/exit"
	"goqmail/lib/ip"
)

func TestName(t *testing.T) {
	z := &zone{records: map[string]string{
		"1.2.0.192.in-addr.arpa PTR": "1.2.0.192.in-addr.arpa. CNAME x.arpa.; x.arpa. PTR a.example.; x.arpa. PTR b.example.",
		"2.2.0.192.in-addr.arpa PTR": "2.2.0.192.in-addr.arpa. CNAME x.arpa.",
		"3.2.0.192.in-addr.arpa PTR": "SERVFAIL",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR": "x. PTR six.example.",
	}}
	six, _ := ip.Parse("2001:db8::1")
	for _, c := range []struct {
		addr ip.Addr
		want string
		err  error
	}{
		{ip.V4(192, 0, 2, 1), "a.example", nil},
		{ip.V4(192, 0, 2, 2), "", ErrNone},
		{ip.V4(192, 0, 2, 3), "", ErrTemp},
		{ip.V4(192, 0, 2, 4), "", ErrNone},
		{six, "six.example", nil},
	} {
		got, err := (&Resolver{servers: z}).Name(c.addr)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%v: got %q, %v", c.addr, got, err)
		}
	}
}

func TestText(t *testing.T) {
	z := &zone{records: map[string]string{
		"a.example TXT":     `a.example. TXT "one, " "two"; a.example. TXT "three"`,
		"alias.example TXT": "alias.example. CNAME nowhere.example.",
		"soft.example TXT":  "SERVFAIL",
	}}
	for _, c := range []struct {
		name, want string
		err        error
	}{{"a.example", "one, two", nil}, {"alias.example", "", ErrNone}, {"soft.example", "", ErrTemp}, {"b.example", "", ErrNone}} {
		got, err := (&Resolver{servers: z}).Text(c.name)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: got %q, %v", c.name, got, err)
		}
	}
}

func TestComplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
		code int
	}{{ErrNone, "hard error\n", exit.Perm}, {ErrTemp, "soft error\n", exit.Temp}} {
		var b strings.Builder
		if code := Complain(&b, c.err); code != c.code || b.String() != c.want {
			t.Errorf("%v: %d, %q", c.err, code, b.String())
		}
	}
}
