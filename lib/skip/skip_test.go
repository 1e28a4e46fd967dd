package skip

import (
	"errors"
	"testing"

	"goqmail/lib/call"
)

func TestRules(t *testing.T) {
	lines := []string{"relayclient", "ip:192.0.2.9", "ip:10.", "ip:2001:DB8:", "from:A@b.example", "from:@c.example", "from:", "to:d@e.example", "to:@F.example"}
	r, err := Parse(lines)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env  call.Env
		want bool
	}{
		{nil, false},
		{call.Env{"RELAYCLIENT="}, true},
		{call.Env{"TCPREMOTEIP=192.0.2.9"}, true},
		{call.Env{"TCPREMOTEIP=192.0.2.90"}, false},
		{call.Env{"TCPREMOTEIP=10.1.2.3"}, true},
		{call.Env{"TCPREMOTEIP=110.1.2.3"}, false},
		{call.Env{"PROTO=TCP6", "TCP6REMOTEIP=2001:db8::1"}, true},
		{call.Env{"PROTO=TCP6", "TCP6REMOTEIP=2001:db80::1"}, false},
	} {
		if got := r.Client(c.env); got != c.want {
			t.Errorf("client %q: %v", c.env, got)
		}
	}
	for address, want := range map[string]bool{"": true, "a@B.example": true, "x@c.Example": true, "x@b.example": false, "a@xc.example": false, "c.example": false} {
		if got := r.Sender(address); got != want {
			t.Errorf("sender %q: %v", address, got)
		}
	}
	for _, c := range []struct {
		addresses []string
		want      bool
	}{
		{nil, false},
		{[]string{"D@e.example", "x@f.example"}, true},
		{[]string{"d@e.example", "x@e.example"}, false},
		{[]string{""}, false},
	} {
		if got := r.Recipients(c.addresses); got != c.want {
			t.Errorf("recipients %q: %v", c.addresses, got)
		}
	}
	var none Rules
	if none.Client(call.Env{"RELAYCLIENT=", "TCPREMOTEIP="}) || none.Sender("") || none.Recipients([]string{""}) {
		t.Error("without a rule something passes")
	}
}

func TestNoRules(t *testing.T) {
	for _, line := range []string{"", "relay", "relayclient:", "ip", "ip:", "from", "to:", "form:a@b", " ip:192.0.2.9"} {
		_, err := Parse([]string{"from:a@b", line})
		var wrong ErrRule
		if !errors.As(err, &wrong) || string(wrong) != line {
			t.Errorf("%q: %v", line, err)
		}
	}
}
