package ip

import (
	"net/netip"
	"strings"
	"testing"
)

// FuzzParse holds Parse against net/netip, which knows zones, too, and does not
// like zeros before a number in a quad.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"127.0.0.1", "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::ffff:1.2.3.4", "2001:db8::1:0:0:1", "fe80::1%eth0",
		"1:2:3:4:5:6:7:8:9", ":1", "1:", ":::", "1::2::3", "12345::", "::g", "+1::", "1.2.3", "1.2.3.256", "::1.2.3.4.5", "01.2.3.4", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := Parse(s)
		want, err := netip.ParseAddr(s)
		if strings.Contains(s, "%") || err != nil && strings.Contains(err.Error(), "leading zero") {
			return
		}
		if ok != (err == nil) || ok && got != Addr(want.As16()) {
			t.Errorf("Parse(%q) = %v, %v; want %v, %v", s, got, ok, want, err)
		}
	})
}
