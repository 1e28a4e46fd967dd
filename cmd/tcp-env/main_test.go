package main

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/ip"
	"goqmail/lib/resolv"
)

// Started with this set, the test binary is tcp-env, which becomes another
// program.
const selfName = "TCP_ENV_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(selfName) != "" {
		os.Unsetenv(selfName)
		main()
	}
	os.Exit(m.Run())
}

// tcpEnv runs tcp-env on a descriptor 0 and returns what the program prints and
// the exit code.
func tcpEnv(t *testing.T, in *os.File, env []string, args ...string) (out string, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Stdin = in
	cmd.Env = append(env, selfName+"=1", "PATH="+os.Getenv("PATH"))
	b, err := cmd.Output()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

// connection returns one end of a connection of this machine to itself.
func connection(t *testing.T, host string) (in *os.File, localPort, remotePort string) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	f, err := server.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	_, localPort, _ = net.SplitHostPort(server.LocalAddr().String())
	_, remotePort, _ = net.SplitHostPort(server.RemoteAddr().String())
	return f, localPort, remotePort
}

func TestDescribe(t *testing.T) {
	in, localPort, remotePort := connection(t, "127.0.0.1")
	env := call.Env{"TCPREMOTEIP=forged", "TCPREMOTEINFO=forged", "TCPOTHER=kept"}
	nobody := &resolv.Config{Servers: []ip.Addr{ip.V4(127, 113, 56, 53)}, Timeout: time.Minute, Attempts: 1}
	got, err := describe(in, env, nobody, false, 0)
	slices.Sort(got)
	want := call.Env{"PROTO=TCP", "TCPLOCALHOST=softdnserror", "TCPLOCALIP=127.0.0.1", "TCPLOCALPORT=" + localPort, "TCPOTHER=kept",
		"TCPREMOTEHOST=softdnserror", "TCPREMOTEIP=127.0.0.1", "TCPREMOTEPORT=" + remotePort}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestDescribeIPv6(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here: ", err)
	} else {
		l.Close()
	}
	in, localPort, remotePort := connection(t, "::1")
	env := call.Env{"TCP6REMOTEIP=forged", "TCP6REMOTEINFO=forged", "TCP6REMOTEHOST=forged", "PROTO=forged"}
	nobody := &resolv.Config{Servers: []ip.Addr{ip.V4(127, 113, 56, 53)}, Timeout: time.Minute, Attempts: 1}
	got, err := describe(in, env, nobody, false, 0)
	slices.Sort(got)
	want := call.Env{"PROTO=TCP6",
		"TCP6LOCALHOST=softdnserror", "TCP6LOCALIP=::1", "TCP6LOCALPORT=" + localPort,
		"TCP6REMOTEHOST=softdnserror", "TCP6REMOTEIP=::1", "TCP6REMOTEPORT=" + remotePort,
		"TCPLOCALHOST=softdnserror", "TCPLOCALIP=::1", "TCPLOCALPORT=" + localPort,
		"TCPREMOTEHOST=softdnserror", "TCPREMOTEIP=::1", "TCPREMOTEPORT=" + remotePort}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
}

func TestOthers(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, c := range []struct {
		env  []string
		args string
		out  string
		code int
	}{
		{[]string{"PROTO=TCP", "TCPREMOTEIP=1.2.3.4"}, "printenv TCPREMOTEIP", "1.2.3.4\n", 0}, // somebody else has done it
		{[]string{"PROTO=TCP6", "TCP6REMOTEIP=::2"}, "printenv PROTO TCP6REMOTEIP", "TCP6\n::2\n", 0},
		{[]string{"PROTO=TCP"}, "sh -c false", "", 1},
		{[]string{"PROTO=TCP"}, "-r -t 5 -t7 -Z -- echo x", "x\n", 0},
		{[]string{"PROTO=TCP"}, "no-such-program", "", 111},
		{[]string{"PROTO=TCP"}, "", "", 111},
		{[]string{"PROTO=UDP"}, "echo x", "", 111}, // a pipe is no connection
		{nil, "echo x", "", 111},
	} {
		if out, code := tcpEnv(t, r, c.env, strings.Fields(c.args)...); out != c.out || code != c.code {
			t.Errorf("%q, %s: %q, %d; want %q, %d", c.env, c.args, out, code, c.out, c.code)
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		name resolv.Name
		want string
	}{
		{nil, ""},
		{resolv.Name{"Host-1", "example"}, "Host-1.example"},
		{resolv.Name{"a.b", `c"d;e\f(g)h@i$j`, " \x00\x7f\xe9"}, `a\.b.c\"d\;e\\f\(g\)h\@i\$j.\032\000\127\233`},
	} {
		if got := text(c.name); got != c.want {
			t.Errorf("%q: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for s, want := range map[string]int{"": 0, "30": 30, "5x": 5, "x5": 0, "-1": 0, "4294967297": 1, "4294967295": -1} {
		if got := seconds(s); got != want {
			t.Errorf("seconds(%q) = %d, want %d", s, got, want)
		}
	}
}
