package outgoingip

import (
	"os"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/ip"
)

func TestParse(t *testing.T) {
	four, six := ip.V4(192, 0, 2, 9), ip.Addr{0: 0x20, 15: 9}
	for _, c := range []struct{ line, for4, for6 string }{
		{"192.0.2.1", "192.0.2.1", ""},
		{"192.0.2.1 # eth1", "192.0.2.1", ""},
		{"2001:db8::1", "", "2001:db8::1"},
		{"0.0.0.0", "", ""},
		{"::", "", ""},
	} {
		s, err := parse(c.line)
		if err != nil {
			t.Errorf("%q: %v", c.line, err)
		}
		for to, want := range map[ip.Addr]string{four: c.for4, six: c.for6} {
			got := ""
			if from := s.For(to); from != nil {
				got = from.String()
			}
			if got != want {
				t.Errorf("%q, to %v: got %q, want %q", c.line, to, got, want)
			}
		}
	}
	for _, line := range []string{"", " 192.0.2.1", "#192.0.2.1", "192.0.2", "[192.0.2.1]", "2001:db8"} {
		if s, err := parse(line); err != ErrInvalid {
			t.Errorf("%q: got %v, %v", line, s, err)
		}
	}
}

func TestRead(t *testing.T) {
	auto.Home = t.TempDir()
	if s, err := Read(); s != (Source{}) || err != nil {
		t.Errorf("without a file: %v, %v", s, err)
	}
	os.MkdirAll(auto.Home+"/control/outgoingip", 0o755)
	if _, err := Read(); err == nil || err == ErrInvalid {
		t.Errorf("unreadable: %v", err)
	}
	os.Remove(auto.Home + "/control/outgoingip")
	os.WriteFile(auto.Home+"/control/outgoingip", nil, 0o644)
	if _, err := Read(); err != ErrInvalid {
		t.Errorf("empty: %v", err)
	}
}
