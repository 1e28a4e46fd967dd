package received

import (
	"strings"
	"testing"
	"time"

	"goqmail/lib/call"
)

func TestLine(t *testing.T) {
	when := time.Unix(812090814, 0)
	helo, empty := "uunet.uu.net", ""
	for _, c := range []struct {
		name string
		env  call.Env
		helo *string
		want string
	}{
		{"all", call.Env{"TCPREMOTEHOST=relay1.uu.net", "TCPREMOTEIP=192.48.96.5", "TCPREMOTEINFO=7", "TCPLOCALHOST=silverton.berkeley.edu", "TCPLOCALIP=127.0.0.1"}, &helo,
			"Received: from relay1.uu.net (HELO uunet.uu.net) (7@192.48.96.5)\n  by silverton.berkeley.edu with SMTP; 26 Sep 1995 04:46:54 -0000\n"},
		{"nothing", nil, nil,
			"Received: from unknown (unknown)\n  by unknown with SMTP; 26 Sep 1995 04:46:54 -0000\n"},
		{"empty is not unset", call.Env{"TCPREMOTEHOST=", "TCPREMOTEIP=", "TCPREMOTEINFO=", "TCPLOCALHOST="}, &empty,
			"Received: from  (HELO ) (@)\n  by  with SMTP; 26 Sep 1995 04:46:54 -0000\n"},
		{"local address", call.Env{"TCPLOCALIP=192.0.2.1"}, nil,
			"Received: from unknown (unknown)\n  by 192.0.2.1 with SMTP; 26 Sep 1995 04:46:54 -0000\n"},
		{"IPv6", call.Env{"PROTO=TCP6", "TCP6REMOTEHOST=relay1.uu.net", "TCP6REMOTEIP=2001:db8::5", "TCP6REMOTEINFO=7", "TCP6LOCALHOST=me.example", "TCPLOCALIP=::1", "TCP6LOCALIP=::1"}, nil,
			"Received: from relay1.uu.net (7@2001:db8::5)\n  by me.example with SMTP; 26 Sep 1995 04:46:54 -0000\n"},
		{"IPv6 among others", call.Env{"PROTO=TCP6", "TCP6REMOTEIP=2001:db8::5", "TCPREMOTEIP=forged", "TCPREMOTEHOST=relay1.uu.net", "TCPLOCALIP=2001:db8::1"}, nil,
			"Received: from relay1.uu.net (2001:db8::5)\n  by 2001:db8::1 with SMTP; 26 Sep 1995 04:46:54 -0000\n"},
		{"IPv6 under common names", call.Env{"PROTO=TCP", "TCPREMOTEIP=2001:db8::5", "TCP6REMOTEIP=other"}, nil,
			"Received: from unknown (2001:db8::5)\n  by unknown with SMTP; 26 Sep 1995 04:46:54 -0000\n"},
		{"unsafe", call.Env{"TCPREMOTEHOST=a (b)\nX-Evil: \"c\"", "TCPREMOTEIP=::1%eth0", "TCPREMOTEINFO=\xe4_=+/@[]"}, nil,
			"Received: from a??b??X-Evil:??c? (??=+/@[]@::1%eth0)\n  by unknown with SMTP; 26 Sep 1995 04:46:54 -0000\n"},
	} {
		hop := FromEnv(c.env)
		hop.Helo = c.helo
		if got := hop.Line("SMTP", when); got != c.want {
			t.Errorf("%s:\ngot  %q\nwant %q", c.name, got, c.want)
		}
	}
}

// FuzzLine: whatever the client says, the field is two lines and parts keep
// their places.
func FuzzLine(f *testing.F) {
	f.Add("a", "b", "c\n")
	f.Fuzz(func(t *testing.T, host, info, helo string) {
		line := Hop{RemoteHost: host, RemoteIP: "192.0.2.1", RemoteInfo: &info, Helo: &helo, Local: "me"}.Line("SMTP", time.Unix(0, 0))
		if strings.Count(line, "\n") != 2 || strings.Count(line, "(") != 2 || strings.Count(line, ";") != 1 {
			t.Errorf("%q", line)
		}
	})
}
