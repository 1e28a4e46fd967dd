package ip

import (
	"net/netip"
	"testing"
)

func TestScan(t *testing.T) {
	for _, c := range []struct {
		s    string
		want string
		n    int
	}{
		{"127.0.0.1", "127.0.0.1", 9},
		{"127.0.0.1.5", "127.0.0.1", 9},
		{"1.2.3.4x", "1.2.3.4", 7},
		{"001.02.3.4", "1.2.3.4", 10},
		{"256.257.258.1279", "0.1.2.255", 16}, // numbers wrap, as ever
		{"99999999999999999999999.0.0.1", "255.0.0.1", 29},
	} {
		if a, n := Scan(c.s); a.String() != c.want || n != c.n {
			t.Errorf("Scan(%q) = %v, %d; want %s, %d", c.s, a, n, c.want, c.n)
		}
	}
	for _, s := range []string{"", "x", "1", "1.2.3", "1.2.3.", "1..2.3", ".1.2.3.4", "-1.2.3.4", " 1.2.3.4", "[1.2.3.4]", "0x1.2.3.4"} {
		if a, n := Scan(s); n != 0 {
			t.Errorf("Scan(%q) = %v, %d; want none", s, a, n)
		}
	}
}

func TestScanBracket(t *testing.T) {
	if a, n := ScanBracket("[192.0.2.9]x"); a != V4(192, 0, 2, 9) || n != 11 {
		t.Errorf("got %v, %d", a, n)
	}
	for _, s := range []string{"", "[", "[]", "1.2.3.4", "[1.2.3.4", "[1.2.3.4 ]", "[1.2.3.4.5]", "[IPv6:::1]"} {
		if a, n := ScanBracket(s); n != 0 {
			t.Errorf("ScanBracket(%q) = %v, %d; want none", s, a, n)
		}
	}
}

func TestLiteral(t *testing.T) {
	for _, s := range []string{"1.2.3.4", "[1.2.3.4]"} {
		if a, ok := Literal(s); !ok || a != V4(1, 2, 3, 4) {
			t.Errorf("Literal(%q) = %v, %v", s, a, ok)
		}
	}
	for _, s := range []string{"", "1.2.3.4 ", "1.2.3.4.5", "[1.2.3.4]x", "[[1.2.3.4]]", "b.example"} {
		if a, ok := Literal(s); ok {
			t.Errorf("Literal(%q) = %v; want none", s, a)
		}
	}
}

func TestLiteral6(t *testing.T) {
	for s, want := range map[string]string{
		"[::1]":              "::1",
		"[IPv6:2001:db8::1]": "2001:db8::1",
		"[ipv6:::]":          "::",
		"[::ffff:192.0.2.1]": "192.0.2.1",
	} {
		if a, ok := Literal6(s); !ok || a.String() != want {
			t.Errorf("Literal6(%q) = %v, %v", s, a, ok)
		}
	}
	for _, s := range []string{"", "[", "[]", "::1", "[192.0.2.1]", "[IPv6:192.0.2.1]", "[IPv6:]", "[::1", "[::1]x", "[[::1]]", "[IPv6:IPv6:::1]"} {
		if a, ok := Literal6(s); ok {
			t.Errorf("Literal6(%q) = %v; want none", s, a)
		}
	}
}

func TestString(t *testing.T) {
	for _, s := range []string{
		"0.0.0.0", "255.255.255.255", "10.20.30.40",
		"::", "::1", "1::", "fe80::1", "2001:db8::1:0:0:1", "2001:db8:0:1:1:1:1:1", "1:2:3:4:5:6:7:8", "0:1::", "1:0:0:2::", "64:ff9b::c000:209",
	} {
		if got := Addr(netip.MustParseAddr(s).As16()).String(); got != s {
			t.Errorf("String of %s = %s", s, got)
		}
	}
}

// FuzzString holds the texts against those of net/netip.
func FuzzString(f *testing.F) {
	f.Add(make([]byte, 16))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 16 {
			return
		}
		a := Addr(b)
		want := netip.AddrFrom16(a).Unmap().String()
		if got := a.String(); got != want {
			t.Errorf("String of %x = %s, want %s", b, got, want)
		}
		if a.Is4() {
			if back, n := Scan(a.String()); back != a || n != len(a.String()) {
				t.Errorf("Scan(%s) = %v, %d", a, back, n)
			}
		}
	})
}
