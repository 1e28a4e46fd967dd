package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/cdb"
	"goqmail/lib/tcprules"
)

// Started under this name, the test binary is qmail-listen.
const selfName = "QMAIL_LISTEN_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(selfName) != "" {
		os.Unsetenv(selfName)
		os.Unsetenv("GORACE")
		main()
	}
	os.Exit(m.Run())
}

// patience is more than anything here takes.
const patience = time.Minute

// output is what a process writes, with a way to wait for something in it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) wait(t *testing.T, what string, there func(text string) bool) {
	t.Helper()
	timeout := time.After(patience)
	for !there(o.String()) {
		select {
		case <-o.more:
		case <-timeout:
			t.Fatalf("no %s in %q", what, o.String())
		}
	}
}

// listener is a running qmail-listen or tcpserver on a free port.
type listener struct {
	cmd    *exec.Cmd
	addr   string
	out    output
	log    output
	exited chan error
}

// start starts a listener: path "" is qmail-listen. args must not hold the
// port, which comes behind the host.
func start(t *testing.T, path string, env []string, options []string, host string, program ...string) *listener {
	t.Helper()
	l := &listener{exited: make(chan error, 1)}
	l.out.more, l.log.more = make(chan struct{}, 1), make(chan struct{}, 1)
	l.cmd = command(t, path, env, append(append(append(slices.Clone(options), "-1", host), "0"), program...)...)
	// Pipes by hand: Wait would wait for the programs that have them, too.
	out, err1 := l.cmd.StdoutPipe()
	log, err2 := l.cmd.StderrPipe()
	if err := errors.Join(err1, err2, l.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	go io.Copy(&l.out, out)
	go io.Copy(&l.log, log)
	go func() {
		state, err := l.cmd.Process.Wait()
		if err == nil && !state.Success() {
			err = errors.New(state.String())
		}
		l.exited <- err
	}()
	t.Cleanup(func() { l.cmd.Process.Kill() })
	l.out.wait(t, "port", func(s string) bool { return strings.HasSuffix(s, "\n") })
	if host == "0" {
		host = "127.0.0.1"
	}
	l.addr = net.JoinHostPort(host, strings.TrimSpace(l.out.String()))
	return l
}

func command(t *testing.T, path string, env []string, args ...string) *exec.Cmd {
	env = append([]string{"PATH=/usr/bin:/bin"}, env...)
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		path = self
		// With the race detector in it, it would sleep for a second at its end.
		env = append(env, selfName+"=1", "GORACE=atexit_sleep_ms=0")
	}
	return &exec.Cmd{Path: path, Args: append([]string{"listener"}, args...), Env: env}
}

// stop ends the listener as an administrator would.
func (l *listener) stop(t *testing.T) {
	t.Helper()
	l.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-l.exited:
		if err != nil {
			t.Errorf("exit on TERM: %v; want 0", err)
		}
	case <-time.After(patience):
		t.Error("goes on after TERM")
	}
}

// talk connects from an address, sends a text and returns all that comes back,
// and the port it was sent from.
func (l *listener) talk(t *testing.T, from, text string) (answer string, port string) {
	t.Helper()
	dialer := net.Dialer{Timeout: patience}
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	conn, err := dialer.Dial("tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, text)
	conn.(*net.TCPConn).CloseWrite()
	b, _ := io.ReadAll(conn) // a connection that is dropped may end in a reset
	_, port, _ = net.SplitHostPort(conn.LocalAddr().String())
	return string(b), port
}

// ended waits until n connections have come to their end.
func (l *listener) ended(t *testing.T, n int) {
	t.Helper()
	l.log.wait(t, strconv.Itoa(n)+" ends", func(s string) bool { return strings.Count(s, "status: 0/") > n })
}

func writeRules(t *testing.T, text string) (name string) {
	t.Helper()
	name = t.TempDir() + "/rules.cdb"
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	os.Chmod(name, 0o644)
	db, err := cdb.NewWriter(f)
	if err == nil {
		err = tcprules.Compile(strings.NewReader(text), db)
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

var pids = regexp.MustCompile(`(?m)^(tcpserver: (?:pid|ok|deny|end)) \d+`)

// plain puts words for what differs from run to run: pids and ports.
func (l *listener) plain(text, port string) string {
	text = pids.ReplaceAllString(text, "$1 PID")
	_, own, _ := net.SplitHostPort(l.addr)
	return strings.NewReplacer(":"+own+" ", ":PORT ", "PORT="+own+"\n", "PORT=PORT\n", ":"+port+"\n", ":CLIENT\n", "PORT="+port+"\n", "PORT=CLIENT\n").Replace(text)
}

func sorted(text string) string {
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// IPv6 is not in tcpserver of ucspi-tcp. Debian's ucspi-tcp-ipv6 has it: for a
// client by IPv6 it sets these variables and writes these lines.
func TestIPv6(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here: ", err)
	} else {
		l.Close()
	}
	rules := writeRules(t, "::1:allow,RULE=\"exact\"\n127.:allow,RULE=\"four\"\n:deny\n")
	l := start(t, "", []string{"TCP6REMOTEIP=forged", "PROTO=forged"}, []string{"-v", "-H", "-R", "-lme", "-x", rules}, "::", "env")
	answer, port := l.talk(t, "", "")
	want := "PATH=/usr/bin:/bin\nPROTO=TCP6\nRULE=exact\n" +
		"TCP6LOCALHOST=me\nTCP6LOCALIP=::1\nTCP6LOCALPORT=PORT\nTCP6REMOTEIP=::1\nTCP6REMOTEPORT=CLIENT\n" +
		"TCPLOCALHOST=me\nTCPLOCALIP=::1\nTCPLOCALPORT=PORT\nTCPREMOTEIP=::1\nTCPREMOTEPORT=CLIENT\n"
	if got := l.plain(sorted(answer), port); got != want {
		t.Errorf("environment\n%s\nwant\n%s", got, want)
	}
	l.ended(t, 1)
	if want := "tcpserver: ok PID me:::1:PORT :::1::CLIENT\n"; !strings.Contains(l.plain(l.log.String(), port), want) {
		t.Errorf("log %s\nwithout %s", l.plain(l.log.String(), port), want)
	}

	// By IPv4 it must be as with tcpserver.
	l.addr = strings.Replace(l.addr, "[::]", "127.0.0.1", 1)
	answer, port = l.talk(t, "", "")
	want = "PATH=/usr/bin:/bin\nPROTO=TCP\nRULE=four\nTCPLOCALHOST=me\nTCPLOCALIP=127.0.0.1\nTCPLOCALPORT=PORT\nTCPREMOTEIP=127.0.0.1\nTCPREMOTEPORT=CLIENT\n"
	if got := l.plain(sorted(answer), port); got != want {
		t.Errorf("environment\n%s\nwant\n%s", got, want)
	}
	l.stop(t)
}

// Rules are read for each connection.
func TestRulesChange(t *testing.T) {
	rules := writeRules(t, ":allow,RULE=\"old\"\n")
	l := start(t, "", nil, []string{"-v", "-H", "-R", "-l0", "-x", rules}, "127.0.0.1", "sh", "-c", "echo $RULE")
	if got, _ := l.talk(t, "", ""); got != "old\n" {
		t.Errorf("got %q", got)
	}
	if err := os.Rename(writeRules(t, ":allow,RULE=\"new\"\n"), rules); err != nil {
		t.Fatal(err)
	}
	if got, _ := l.talk(t, "", ""); got != "new\n" {
		t.Errorf("got %q", got)
	}
	l.stop(t)
}

// Connections above the limit wait, and none of many is lost.
func TestMany(t *testing.T) {
	l := start(t, "", nil, []string{"-v", "-c3", "-b200", "-H", "-R", "-l0"}, "127.0.0.1", "cat")
	const many = 100
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			text := strconv.Itoa(i) + strings.Repeat("x", 70000) + "\n"
			if got, _ := l.talk(t, "", text); got != text {
				t.Errorf("connection %d: %d bytes came back, want %d", i, len(got), len(text))
			}
		})
	}
	group.Wait()
	l.log.wait(t, "ends", func(s string) bool { return strings.Count(s, ": end ") == many })
	for line := range strings.Lines(l.log.String()) {
		if strings.HasPrefix(line, "tcpserver: status: 4") {
			t.Error("above the limit: ", line)
		}
	}
	l.stop(t)
}

// Connections go on when the listener has gone, and so do their programs.
func TestTermLeavesConnections(t *testing.T) {
	l := start(t, "", nil, []string{"-v", "-H", "-R", "-l0"}, "127.0.0.1", "cat")
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	l.log.wait(t, "start", func(s string) bool { return strings.Contains(s, "tcpserver: ok ") })
	l.stop(t)
	io.WriteString(conn, "still here\n")
	b := make([]byte, 11)
	if _, err := io.ReadFull(conn, b); err != nil || string(b) != "still here\n" {
		t.Errorf("got %q, %v", b, err)
	}
}

// A client that resets at once, or says nothing, is no trouble for the others.
func TestRudeClients(t *testing.T) {
	l := start(t, "", nil, []string{"-v", "-H", "-R", "-l0", "-B", "hello\r\n"}, "127.0.0.1", "cat")
	for range 20 {
		conn, err := net.Dial("tcp", l.addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
	if got, _ := l.talk(t, "", "x\n"); got != "hello\r\nx\n" {
		t.Errorf("got %q", got)
	}
	l.log.wait(t, "ends", func(s string) bool { return strings.HasSuffix(s, "status: 0/40\n") })
	l.stop(t)
}

func TestPortNumber(t *testing.T) {
	for s, want := range map[string]int{"0": 0, "25": 25, "": 0, "65536": 0, "00025": 25} {
		if got, ok := portNumber(s); got != want || !ok {
			t.Errorf("portNumber(%q) = %d, %v; want %d", s, got, ok, want)
		}
	}
	for _, s := range []string{"-1", "25x", "no-such-service", "/", " 25"} {
		if got, ok := portNumber(s); ok {
			t.Errorf("portNumber(%q) = %d; want none", s, got)
		}
	}
	const services = "# smtp 1/tcp\n\ntftp 69/udp\nsmtp\t\t25/tcp mail # Simple Mail\nsubmission 587/tcp msa\n"
	for s, want := range map[string]int{"smtp": 25, "mail": 25, "msa": 587, "tftp": 0, "Mail": 0, "25": 0} {
		if got, ok := tcpService(strings.NewReader(services), s); got != want || ok != (want != 0) {
			t.Errorf("tcpService(%q) = %d, %v; want %d", s, got, ok, want)
		}
	}
}

func TestSafe(t *testing.T) {
	hundred := strings.Repeat("x", 100)
	for s, want := range map[string]string{
		"":               "",
		"host.example":   "host.example",
		"a b:c%d\n\xff~": "a?b?c?d??~",
		hundred[1:]:      hundred[1:],
		hundred:          hundred + "...",
		hundred + "y":    hundred + "...",
	} {
		if got := safe(s); got != want {
			t.Errorf("safe(%q) = %q, want %q", s, got, want)
		}
	}
}
