package ipme

import (
	"net"
	"os"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/ip"
)

func TestInterfaces(t *testing.T) {
	auto.Home = t.TempDir()
	set, err := Look()
	if err != nil {
		t.Fatal(err)
	}
	if set.Interfaces()[0] != ip.V4(0, 0, 0, 0) || !set.Has(ip.V4(0, 0, 0, 0)) || !set.Has(ip.Addr{}) {
		t.Errorf("unspecified addresses missing: %v", set)
	}
	if set.Has(ip.V4(192, 0, 2, 1)) {
		t.Error("192.0.2.1, of a net for examples, is ours")
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			own := ip.Addr(a.(*net.IPNet).IP.To16())
			if up := i.Flags&net.FlagUp != 0; up && !set.Has(own) {
				t.Errorf("%v of %s missing in %v", own, i.Name, set.own)
			}
		}
	}
}

func TestControl(t *testing.T) {
	auto.Home = t.TempDir()
	if err := os.Mkdir(auto.Home+"/control", 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, data string) {
		if err := os.WriteFile(auto.Home+"/control/"+name, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("moreipme", "# our other side\n192.0.2.0/255.255.255.0\n198.51.100.7\n203.0.113.0/24\n2001:db8::/32\n10.0.0.0/8\nnonsense\n")
	write("notipme", "192.0.2.128/25\n203.0.113.0/24\n0.0.0.0\n10.0.0.0/7\n")
	set, err := Look()
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]bool{
		"192.0.2.1":    true,
		"192.0.2.200":  false, // the smaller network decides
		"198.51.100.7": true,
		"198.51.100.8": false,
		"203.0.113.1":  false, // of equal ones, notipme
		"2001:db8::1":  true,
		"2001:db9::1":  false,
		"10.1.2.3":     true,
		"11.1.2.3":     false,
		"0.0.0.0":      false, // even an interface's own
	} {
		a, ok := ip.Parse(s)
		if got := set.Has(a); got != want || !ok {
			t.Errorf("%s: got %v", s, got)
		}
	}
}

func TestIPv6(t *testing.T) {
	for s, want := range map[string]bool{
		"192.0.2.1": false, "::": false, "::1": false, "fe80::1": false, "febf::1": false,
		"2001:db8::1": true, "fec0::1": true, "fd00::1": true, "::2": true,
	} {
		a, _ := ip.Parse(s)
		if got := (&Set{own: []ip.Addr{{}, a}}).IPv6(); got != want {
			t.Errorf("%s: got %v", s, got)
		}
	}
}

func TestParseNetwork(t *testing.T) {
	for s, bits := range map[string]int{
		"192.0.2.1":              128,
		"192.0.2.1/32":           128,
		"192.0.2.0/0":            96,
		"10.0.0.0/255.240.0.0":   108,
		"::/0":                   0,
		"2001:db8::/ffff:fff0::": 28,
	} {
		if n, ok := parseNetwork(s); !ok || n.bits != bits {
			t.Errorf("%s: got %v, %v", s, n, ok)
		}
	}
	for _, s := range []string{"", "/", "10/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/x", "::/129", "10.0.0.0/ff::", "10.0.0.0/8/8"} {
		if n, ok := parseNetwork(s); ok {
			t.Errorf("%s: got %v", s, n)
		}
	}
}

// FuzzParseNetwork: a network holds its own address.
func FuzzParseNetwork(f *testing.F) {
	f.Add("10.0.0.0/8")
	f.Add("::1/ff::")
	f.Fuzz(func(t *testing.T, s string) {
		if n, ok := parseNetwork(s); ok && (!n.has(n.addr) || n.bits < 0 || n.bits > maxBits) {
			t.Errorf("%q: %v", s, n)
		}
	})
}
