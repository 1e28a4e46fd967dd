package dns

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	miekg "github.com/miekg/dns"
)

// zone stands in for the name servers: records in the form of master files, and
// for a name instead the word SERVFAIL, GARBAGE, or OLD for a server from before
// EDNS.
type zone struct {
	records map[string]string // "name TYPE" to records, separated by "; "
	asked   []string
}

func (z *zone) Exchange(question []byte) ([]byte, error) {
	var q miekg.Msg
	if err := q.Unpack(question); err != nil {
		panic(err)
	}
	name := q.Question[0].Name
	key := strings.ToLower(strings.TrimSuffix(name, ".")) + " " + miekg.TypeToString[q.Question[0].Qtype]
	z.asked = append(z.asked, key)
	var a miekg.Msg
	a.SetReply(&q)
	records, ok := z.records[key]
	switch {
	case !ok:
		a.Rcode = miekg.RcodeNameError
	case records == "SERVFAIL":
		return nil, ErrTemp
	case records == "GARBAGE":
		wire, _ := a.Pack()
		wire[7] = 1 // an answer that is not there
		return append(wire, 0xc0), nil
	case strings.HasPrefix(records, "OLD ") && q.IsEdns0() != nil:
		a.Rcode = miekg.RcodeFormatError
	default:
		for _, s := range strings.Split(strings.TrimPrefix(records, "OLD "), "; ") {
			if s == "" {
				continue
			}
			rr, err := miekg.NewRR(s)
			if err != nil {
				panic(err)
			}
			a.Answer = append(a.Answer, rr)
		}
	}
	return a.Pack()
}

var example = map[string]string{
	"b.example MX":           "b.example. MX 20 mx2.b.example.; b.example. MX 10 mx1.b.example.",
	"mx1.b.example A":        "mx1.b.example. A 192.0.2.1; mx1.b.example. A 192.0.2.2",
	"mx2.b.example A":        "mx2.b.example. A 192.0.2.3",
	"a.example MX":           "",
	"a.example A":            "a.example. A 192.0.2.4",
	"alias.example MX":       "alias.example. CNAME b.example.; b.example. MX 10 mx1.b.example.",
	"toa.example MX":         "toa.example. CNAME a.example.",
	"toa.example A":          "toa.example. CNAME a.example.; a.example. A 192.0.2.4",
	"dangling.example MX":    "dangling.example. CNAME nowhere.example.",
	"dangling.example A":     "dangling.example. CNAME nowhere.example.",
	"literal.example MX":     "literal.example. MX 10 192.0.2.5.",
	"null.example MX":        "null.example. MX 0 .",
	"null.example A":         "null.example. A 192.0.2.6",
	"empty.example MX":       "empty.example. MX 0 nowhere.example.",
	"soft.example MX":        "SERVFAIL",
	"softa.example MX":       "",
	"softa.example A":        "SERVFAIL",
	"half.example MX":        "half.example. MX 1 softa.example.; half.example. MX 2 a.example.",
	"halfno.example MX":      "halfno.example. MX 1 softa.example.; halfno.example. MX 2 nowhere.example.",
	"garbage.example MX":     "GARBAGE",
	"old.example MX":         "OLD old.example. MX 1 a.example.",
	"circle.example MX":      "circle.example. CNAME x.example.; x.example. CNAME circle.example.",
	"circle.example A":       "circle.example. CNAME x.example.; x.example. CNAME circle.example.",
	"odd.example MX":         `odd.example. MX 1 a\.b\000\255/\.\.x\..; odd.example. MX 2 1\.2.3.4.`,
	`a\.b\000\255/\.\.x\. A`: `a\.b\000\255/\.\.x\.. A 192.0.2.7`,
	`1\.2.3.4 A`:             `1\.2.3.4. A 192.0.2.8`,
}

func describe(hosts []Host) (s []string) {
	for _, h := range hosts {
		s = append(s, h.Addr.String()+" "+h.Name+" "+strconv.Itoa(h.Pref))
	}
	return s
}

func TestExchangers(t *testing.T) {
	for _, c := range []struct {
		domain string
		want   []string
		err    error
	}{
		{"b.example", []string{"192.0.2.1 mx1.b.example 10", "192.0.2.2 mx1.b.example 10", "192.0.2.3 mx2.b.example 20"}, nil},
		{"B.Example.", []string{"192.0.2.1 mx1.b.example 10", "192.0.2.2 mx1.b.example 10", "192.0.2.3 mx2.b.example 20"}, nil},
		{"a.example", []string{"192.0.2.4 a.example 0"}, nil},
		{"alias.example", []string{"192.0.2.1 mx1.b.example 10", "192.0.2.2 mx1.b.example 10"}, nil},
		{"toa.example", []string{"192.0.2.4 toa.example 0"}, nil},
		{"dangling.example", nil, nil},
		{"literal.example", []string{"192.0.2.5 192.0.2.5 0"}, nil},
		{"null.example", nil, nil},
		{"empty.example", nil, nil},
		{"half.example", []string{"192.0.2.4 a.example 2"}, ErrTemp},
		{"halfno.example", nil, ErrTemp},
		{"circle.example", nil, nil},
		{"odd.example", []string{`192.0.2.7 a\.b\000\255/\.\.x\. 1`, `192.0.2.8 1\.2.3.4 2`}, nil},
		{"old.example", []string{"192.0.2.4 a.example 1"}, nil},
		{"nowhere.example", nil, ErrNone},
		{"soft.example", nil, ErrTemp},
		{"softa.example", nil, ErrTemp},
		{"garbage.example", nil, ErrTemp},
		{"[192.0.2.7]", []string{"192.0.2.7  0"}, nil},
		{"192.0.2.7", []string{"192.0.2.7  0"}, nil},
		{"", nil, ErrNone},
		{"a..example", nil, ErrNone},
		{strings.Repeat("x", 64) + ".example", nil, ErrNone},
		{strings.Repeat("x.", 130) + "example", nil, ErrNone},
		{strings.Repeat("x", 63) + strings.Repeat("."+strings.Repeat("x", 63), 3), nil, ErrNone},
		{"b c\xff\\", nil, ErrNone},
	} {
		hosts, err := (&Resolver{servers: &zone{records: example}}).Exchangers(c.domain)
		if got := describe(hosts); !slices.Equal(got, c.want) || err != c.err {
			t.Errorf("%q: got %q, %v; want %q, %v", c.domain, got, err, c.want, c.err)
		}
	}
}

func TestIPv6(t *testing.T) {
	records := map[string]string{
		"b.example MX":       "b.example. MX 10 both.example.; b.example. MX 20 six.example.",
		"both.example A":     "both.example. A 192.0.2.1",
		"both.example AAAA":  "both.example. AAAA 2001:db8::1",
		"six.example A":      "",
		"six.example AAAA":   "six.example. AAAA 2001:db8::2",
		"four.example MX":    "",
		"four.example A":     "four.example. A 192.0.2.4",
		"hurt.example A":     "hurt.example. CNAME x.example.",
		"hurt.example AAAA":  "SERVFAIL",
		"hurt4.example A":    "SERVFAIL",
		"hurt4.example AAAA": "hurt4.example. AAAA 2001:db8::3",
	}
	for _, c := range []struct {
		domain string
		want   []string
		err    error
	}{
		{"b.example", []string{"192.0.2.1 both.example 10", "2001:db8::1 both.example 10", "2001:db8::2 six.example 20"}, nil},
		{"six.example", []string{"2001:db8::2 six.example 0"}, nil},
		{"four.example", []string{"192.0.2.4 four.example 0"}, nil},
		{"hurt.example", nil, ErrTemp},
		{"hurt4.example", []string{"2001:db8::3 hurt4.example 0"}, ErrTemp},
		{"nowhere.example", nil, ErrNone},
		{"[IPv6:2001:db8::9]", []string{"2001:db8::9  0"}, nil},
		{"[192.0.2.9]", []string{"192.0.2.9  0"}, nil},
	} {
		hosts, err := (&Resolver{IPv6: true, servers: &zone{records: records}}).Exchangers(c.domain)
		if got := describe(hosts); !slices.Equal(got, c.want) || err != c.err {
			t.Errorf("%q: got %q, %v; want %q, %v", c.domain, got, err, c.want, c.err)
		}
	}
	if hosts, err := (&Resolver{servers: &zone{records: records}}).Exchangers("[IPv6:2001:db8::9]"); err != ErrNone {
		t.Errorf("without IPv6: got %v, %v", hosts, err)
	}
}

func TestUnicode(t *testing.T) {
	z := &zone{records: map[string]string{
		"xn--bcher-kva.example MX":   "xn--bcher-kva.example. MX 10 mx1.b.example.",
		"mx1.b.example A":            "mx1.b.example. A 192.0.2.1",
		"_odd.example MX":            "_odd.example. MX 10 mx1.b.example.",
		"b\\195\\188cher.example MX": "b\\195\\188cher.example. MX 10 mx1.b.example.",
	}}
	for _, domain := range []string{"b\u00fccher.example", "B\u00dcCHER.example", "bu\u0308cher.example", "xn--bcher-kva.example", "_odd.example"} {
		hosts, err := (&Resolver{Unicode: true, servers: z}).Exchangers(domain)
		if got := describe(hosts); !slices.Equal(got, []string{"192.0.2.1 mx1.b.example 10"}) || err != nil {
			t.Errorf("%q: got %q, %v", domain, got, err)
		}
	}
	for _, domain := range []string{"\xff.example", "a\u200b\u2060.\u00fc\u2215x.example", "x\u00fc.example"} {
		if hosts, err := (&Resolver{Unicode: true, servers: z}).Exchangers(domain); err != ErrNone {
			t.Errorf("%q: got %v, %v", domain, hosts, err)
		}
	}
	if hosts, err := (&Resolver{servers: z}).Exchangers("b\u00fccher.example"); len(hosts) != 1 || err != nil {
		t.Errorf("without: got %v, %v, asked %q", hosts, err, z.asked)
	}
}

// Exchangers of one preference share the load.
func TestRandom(t *testing.T) {
	z := &zone{records: map[string]string{
		"b.example MX":    "b.example. MX 10 mx1.b.example.; b.example. MX 10 mx2.b.example.; b.example. MX 5 mx3.b.example.",
		"mx1.b.example A": "mx1.b.example. A 192.0.2.1",
		"mx2.b.example A": "mx2.b.example. A 192.0.2.2",
		"mx3.b.example A": "mx3.b.example. A 192.0.2.3",
	}}
	seen := map[string]int{}
	for range 200 {
		hosts, err := (&Resolver{servers: z}).Exchangers("b.example")
		if err != nil || len(hosts) != 3 || hosts[0].Name != "mx3.b.example" {
			t.Fatal(hosts, err)
		}
		seen[hosts[1].Name]++
	}
	if len(seen) != 2 || seen["mx1.b.example"] < 50 || seen["mx2.b.example"] < 50 {
		t.Error(seen)
	}
}

// A domain with too many exchangers is not asked about for ever.
func TestManyExchangers(t *testing.T) {
	z := &zone{records: map[string]string{}}
	var list []string
	for i := range 1000 {
		list = append(list, "b.example. MX "+strconv.Itoa(1000-i)+" mx"+strconv.Itoa(i)+".b.example.")
	}
	z.records["b.example MX"] = strings.Join(list, "; ")
	z.records["mx999.b.example A"] = "mx999.b.example. A 192.0.2.1"
	z.records["mx0.b.example A"] = "mx0.b.example. A 192.0.2.2"
	hosts, err := (&Resolver{servers: z}).Exchangers("b.example")
	if got := describe(hosts); !slices.Equal(got, []string{"192.0.2.1 mx999.b.example 1"}) || err != nil || len(z.asked) != 1+maxExchangers {
		t.Errorf("got %q, %v with %d questions", got, err, len(z.asked))
	}
}

func TestQuestions(t *testing.T) {
	for domain, want := range map[string][]string{
		"b.example":    {"b.example MX", "mx1.b.example A", "mx2.b.example A"},
		"a.example":    {"a.example MX", "a.example A"},
		"old.example":  {"old.example MX", "old.example MX", "a.example A"},
		"null.example": {"null.example MX"},
		"[192.0.2.1]":  nil,
	} {
		z := &zone{records: example}
		(&Resolver{servers: z}).Exchangers(domain)
		if !slices.Equal(z.asked, want) {
			t.Errorf("%s: asked %q", domain, z.asked)
		}
	}
}

// wire answers every question with the same bytes, below the header and
// question that belong to it.
type wire []byte

func (w wire) Exchange(question []byte) ([]byte, error) {
	answer := slices.Clone(question)
	answer[2] |= 0x80
	answer[10], answer[11] = 0, 0
	end := 12
	for question[end] != 0 {
		end += 1 + int(question[end])
	}
	if len(w) > 0 {
		answer[7] = w[0]
		return append(answer[:end+5], w[1:]...), nil
	}
	return answer[:end+5], nil
}

// An answer that does not hold together is none: another try may bring a better
// one.
func TestLies(t *testing.T) {
	const mx = "\x00\x0f\x00\x01\x00\x00\x00\x00" // type MX, class IN, a time to live
	for name, answer := range map[string]string{
		"name that points at itself":         "\x01\xc0\x1b" + mx + "\x00\x05\x00\x0a\x01x\x00",
		"names that point at each other":     "\x02\xc0\x1d\xc0\x1b" + mx + "\x00\x05\x00\x0a\x01x\x00",
		"exchanger that points at itself":    "\x01\xc0\x0c" + mx + "\x00\x04\x00\x0a\xc0\x29",
		"pointer beyond the end":             "\x01\xff\xff" + mx + "\x00\x05\x00\x0a\x01x\x00",
		"data longer than the answer":        "\x01\xc0\x0c" + mx + "\xff\xff\x00\x0a\x01x\x00",
		"data shorter than what is in it":    "\x01\xc0\x0c" + mx + "\x00\x03\x00\x0a\x01x\x00",
		"data of no length":                  "\x01\xc0\x0c" + mx + "\x00\x00",
		"more records than there are":        "\xff\xc0\x0c" + mx + "\x00\x05\x00\x0a\x01x\x00",
		"label longer than a label":          "\x01\x40" + strings.Repeat("x", 64) + "\x00" + mx + "\x00\x05\x00\x0a\x01x\x00",
		"name longer than a name":            "\x01" + strings.Repeat("\x3f"+strings.Repeat("x", 63), 5) + "\x00" + mx + "\x00\x05\x00\x0a\x01x\x00",
		"record that ends within its header": "\x01\xc0\x0c\x00\x0f",
	} {
		if hosts, err := (&Resolver{servers: wire(answer)}).Exchangers("b.example"); err != ErrTemp {
			t.Errorf("%s: got %v, %v", name, hosts, err)
		}
	}
}

// FuzzAnswer: no answer makes trouble, and hosts come with an address.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("\x01\xc0\x0c\x00\x0f\x00\x01\x00\x00\x00\x00\x00\x05\x00\x0a\x01x\x00"))
	f.Add([]byte("\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04\x01\x02\x03\x04"))
	f.Add([]byte("\x02\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x00\x00\x02\xc0\x0c\xc0\xff"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		hosts, err := (&Resolver{IPv6: true, servers: wire(answer)}).Exchangers("b.example")
		for _, h := range hosts {
			if h.Pref < 0 || h.Pref > 65535 {
				t.Errorf("%v", h)
			}
		}
		if err != nil && err != ErrNone && err != ErrTemp {
			t.Error(err)
		}
	})
}
