package main

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// tcpserver is what qmail-listen must not be told apart from.
func tcpserver(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("tcpserver")
	if err != nil {
		t.Skip("tcpserver (Debian package ucspi-tcp) is not installed: nothing to compare with")
	}
	return path
}

// session is one connection to a listener.
type session struct {
	name    string
	env     []string // of the listener
	options []string
	rules   string // "": none
	from    string // the client's address
	program []string
	send    string
	quiet   bool // the log has no lines to wait for
}

func (s session) run(t *testing.T, path string) (answer, log string) {
	t.Helper()
	program := s.program
	if program == nil {
		program = []string{"env"}
	}
	l := start(t, path, s.env, s.options, "127.0.0.1", program...)
	answer, port := l.talk(t, s.from, s.send)
	if s.quiet {
		l.log.wait(t, "line", func(log string) bool { return log != "" })
	} else {
		l.ended(t, 1)
	}
	l.stop(t)
	return l.plain(sorted(answer), port), l.plain(l.log.String(), port)
}

func compare(t *testing.T, sessions []session) {
	reference := tcpserver(t)
	for _, s := range sessions {
		t.Run(s.name, func(t *testing.T) {
			if s.rules != "" {
				s.options = append(s.options, "-x", writeRules(t, s.rules))
			}
			wantAnswer, wantLog := s.run(t, reference)
			gotAnswer, gotLog := s.run(t, "")
			if gotAnswer != wantAnswer {
				t.Errorf("the client sees\n%s\nwith tcpserver\n%s", gotAnswer, wantAnswer)
			}
			if gotLog != wantLog {
				t.Errorf("log\n%s\nof tcpserver\n%s", gotLog, wantLog)
			}
		})
	}
}

var silent = []string{"-v", "-H", "-R", "-l0"} // asks nobody

func with(options ...string) []string { return append(append([]string{}, silent...), options...) }

func TestAgainstTcpserver(t *testing.T) {
	broken := t.TempDir() + "/broken"
	os.WriteFile(broken, []byte("not a database"), 0o644)
	long := strings.Repeat("long", 40)
	compare(t, []session{
		{name: "plain", options: silent},
		{name: "local name", options: []string{"-v", "-H", "-R", "-l", "Some.Name"}},
		{name: "empty local name", options: []string{"-v", "-H", "-R", "-l", ""}},
		{name: "odd local name", options: []string{"-v", "-H", "-R", "-l", "a b:c%d\xe9"}},
		{name: "long local name", options: []string{"-v", "-H", "-R", "-l", long}},
		{name: "stale environment", options: silent, env: []string{"TCPREMOTEHOST=forged", "TCPREMOTEINFO=forged", "TCPLOCALHOST=x",
			"TCPREMOTEIP=9.9.9.9", "PROTO=UDP", "TCPOTHER=kept", "X=a=b"}},
		{name: "other client address", options: silent, from: "127.8.9.10"},
		{name: "letters together", options: []string{"-vHRl0"}},
		{name: "last letter counts", options: []string{"-qQvpPhHrRoOdDl1", "-l0"}},
		{name: "limit", options: with("-c", "1x")},
		{name: "socket options", options: with("-o", "-D")},
		{name: "banner", options: with("-B", "hello\r\n"), program: []string{"cat"}, send: "text\n"},
		{name: "echo", options: silent, program: []string{"cat"}, send: strings.Repeat("text\n", 10000)},
		{name: "exit code", options: silent, program: []string{"sh", "-c", "exit 3"}},
		{name: "signal", options: silent, program: []string{"sh", "-c", "kill -9 $$"}},
		{name: "descriptors", options: silent, program: []string{"sh", "-c", "cd /proc/$$/fd && ls"}},
		{name: "signals", options: silent, program: []string{"grep", "^Sig[BI]", "/proc/self/status"}},
		{name: "limits", options: silent, program: []string{"cat", "/proc/self/limits"}},
		{name: "blocking", options: silent, program: []string{"sh", "-c", "grep flags /proc/$$/fdinfo/0 /proc/$$/fdinfo/1 | cut -d: -f2-"}},
		{name: "missing program", options: silent, program: []string{"/nonexistent/program"}},
		{name: "missing program in PATH", options: silent, program: []string{"no-such-program"}},
		{name: "program is a directory", options: silent, program: []string{"/etc"}},
		{name: "program may not be run", options: silent, program: []string{"/etc/passwd"}},
		{name: "errors only", options: []string{"-H", "-R", "-l0"}, program: []string{"/nonexistent/program"}, quiet: true},

		{name: "rules: allow", options: silent, rules: ":allow,RELAYCLIENT=\"\",A=\"b c\"\n"},
		{name: "rules: deny", options: silent, rules: "127.0.0.:deny\n:allow\n"},
		{name: "rules: deny with environment", options: silent, rules: "127.:deny,X=\"y\"\n"},
		{name: "rules: most special", options: silent, rules: "127.:deny\n127.0.0.1:allow,R=\"1\"\n:deny\n"},
		{name: "rules: range", options: silent, from: "127.8.3.1", rules: "127.1-9.:allow,R=\"1\"\n:deny\n"},
		{name: "rules: none fits", options: silent, rules: "10.:deny\n"},
		{name: "rules: own variables", options: silent, rules: ":allow,TCPREMOTEIP=\"1.1.1.1\",TCPLOCALHOST=\"x\",PROTO=\"y\"\n"},
		{name: "rules: no name known", options: silent, rules: "=:deny\n=.example:deny\n@127.0.0.1:deny\n:allow,R=\"1\"\n"},
		{name: "rules: missing", options: with("-x", "/nonexistent/rules.cdb")},
		{name: "rules: missing, no matter", options: with("-X", "-x", "/nonexistent/rules.cdb")},
		{name: "rules: broken", options: with("-x", broken)},
		{name: "rules: broken, no matter", options: with("-X", "-x", broken)},
		{name: "rules: unreadable", options: with("-X", "-x", "/etc/passwd/x")},
		{name: "rules: missing, errors only", options: []string{"-H", "-R", "-l0", "-x", "/nonexistent/rules.cdb"}, quiet: true},
		{name: "banner before rules", options: with("-B", "hello\r\n"), rules: ":deny\n"},
	})
}

func TestUsersAgainstTcpserver(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: -u, -g and -U need it")
	}
	ids := []string{"sh", "-c", "id -u; id -g; id -G"}
	compare(t, []session{
		{name: "root stays", options: silent, program: ids},
		{name: "user", options: with("-u", "7"), program: ids},
		{name: "group", options: with("-g", "8"), program: ids},
		{name: "both", options: with("-u7", "-g8"), program: ids},
		{name: "from environment", options: with("-U"), env: []string{"UID=7", "GID=8"}, program: ids},
		{name: "environment without", options: with("-U"), program: ids},
		{name: "no number", options: with("-u", "daemon"), program: ids},
		{name: "rules are read as user", options: with("-u7", "-x", "/proc/1/environ"), program: ids},
	})
}

// What goes wrong before there is a connection.
func TestStartAgainstTcpserver(t *testing.T) {
	reference := tcpserver(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, args := range []string{
		"", "0", "0 25", "-v", "-q", "-q 0", "-Z 0 25 true", "-qZ 0 25 true", "-c", "-x", "-- 0", "0 -v 25", "-v1 0",
		"127.0.0.1 " + port + " true", "-v 127.0.0.1 " + port + " true", "-q 127.0.0.1 " + port + " true",
		"0 no-such-service true", "0 25x true", "192.0.2.1 0 true",
	} {
		run := func(path string) (code int, out, log string) {
			cmd := command(t, path, nil, strings.Fields(args)...)
			var o, e strings.Builder
			cmd.Stdout, cmd.Stderr = &o, &e
			cmd.Run()
			return cmd.ProcessState.ExitCode(), o.String(), strings.ReplaceAll(e.String(), "qmail-listen", "tcpserver")
		}
		wantCode, wantOut, wantLog := run(reference)
		gotCode, gotOut, gotLog := run("")
		if gotCode != wantCode || gotOut != wantOut || gotLog != wantLog {
			t.Errorf("with arguments %q: exit %d, out %q, log %q\ntcpserver: exit %d, out %q, log %q",
				args, gotCode, gotOut, gotLog, wantCode, wantOut, wantLog)
		}
	}
}

// network is the address at which the tests have a name server and hosts with
// ident servers. Ports below 1024 are root's.
const network = "127.113.53."

func TestLookUpsAgainstTcpserver(t *testing.T) {
	reverse := func(n string) string { return n + ".53.113.127.in-addr.arpa" }
	names := map[string]string{ // of 127.113.53.N
		reverse("1"): "Plain.Example", reverse("2"): "two.example", reverse("3"): "od_d!n\xe9me .x-1.example",
		reverse("4"): "forged.example", reverse("5"): strings.Repeat(strings.Repeat("x", 60)+".", 4)[:230], reverse("8"): "",
		"1.0.0.127.in-addr.arpa": "Local.Example",
	}
	addresses := map[string]string{"plain.example": network + "1", "two.example": network + "9", "forged.example": ""}
	serveDNS(t, network+"53:53", names, addresses)
	idents := map[string]string{
		"1": "1 , 2 : USERID : UNIX : joe\r\n", "2": ":::\t a b:c \r\n", "3": "1,2:ERROR:NO-USER\n", "4": ":::" + strings.Repeat("y", 400) + "\n",
		"5": "no end", "6": "", "7": "hang", "8": ":::a\x00b\xff%\n",
	}
	for n, answer := range idents {
		serveIdent(t, network+n+":113", answer)
	}

	env := []string{"DNSCACHEIP=" + network + "53"}
	var sessions []session
	for _, n := range []string{"1", "2", "3", "4", "5", "8", "11"} {
		from := network + n
		sessions = append(sessions,
			session{name: "name of " + from, options: []string{"-v", "-R", "-l0"}, env: env, from: from},
			session{name: "paranoid about " + from, options: []string{"-v", "-R", "-l0", "-p"}, env: env, from: from})
	}
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "8", "11"} {
		sessions = append(sessions, session{name: "ident at " + network + n, options: []string{"-v", "-H", "-l0"}, env: env, from: network + n})
	}
	sessions = append(sessions,
		session{name: "ident that hangs", options: []string{"-v", "-H", "-l0", "-t1"}, env: env, from: network + "7"},
		session{name: "all", options: []string{"-v"}, env: env, from: network + "1"},
		session{name: "rules by name", options: []string{"-v", "-R"}, env: env, from: network + "1", rules: "=plain.example:allow,R=\"1\"\n:deny\n"},
		session{name: "rules by domain", options: []string{"-v", "-R"}, env: env, from: network + "1", rules: "=.example:allow,R=\"1\"\n:deny\n"},
		session{name: "rules by any name", options: []string{"-v", "-R"}, env: env, from: network + "1", rules: "=:allow,R=\"1\"\n:deny\n"},
		session{name: "rules by user", options: []string{"-v"}, env: env, from: network + "1", rules: "joe@" + network + "1:deny\n:allow\n"},
		session{name: "rules by user and name", options: []string{"-v"}, env: env, from: network + "1", rules: "joe@=plain.example:deny\n" + network + "1:allow\n"},
		session{name: "rules by no user", options: []string{"-v"}, env: env, from: network + "3", rules: "@" + network + "3:deny\n:allow\n"},
	)
	compare(t, sessions)
}

// A host name as the address to listen on.
func TestHostNameAgainstTcpserver(t *testing.T) {
	reference := tcpserver(t)
	serveDNS(t, network+"53:53", nil, map[string]string{"listen.example": "127.0.0.1"})
	for _, host := range []string{"listen.example", "Listen.EXAMPLE.", "nothing.example", "127.0.0.1", "[127.0.0.1]"} {
		run := func(path string) string {
			cmd := command(t, path, []string{"DNSCACHEIP=" + network + "53"}, "-1", host, "0", "true")
			var out, log output
			out.more, log.more = make(chan struct{}, 1), make(chan struct{}, 1)
			cmd.Stdout, cmd.Stderr = &out, &log
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			exited := make(chan string, 1)
			go func() {
				cmd.Wait()
				exited <- cmd.ProcessState.String() + " " + log.String()
			}()
			select {
			case <-out.more:
				cmd.Process.Kill()
				<-exited
				return "listens"
			case how := <-exited:
				return how
			case <-time.After(patience):
				cmd.Process.Kill()
				return "does nothing"
			}
		}
		if got, want := run(""), run(reference); got != want {
			t.Errorf("host %s: %s\ntcpserver: %s", host, got, want)
		}
	}
}

// serveDNS answers questions for PTR and A records.
func serveDNS(t *testing.T, addr string, names, addresses map[string]string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Skip("look-ups need a name server of their own: ", err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := answerDNS(buf[:n], names, addresses); answer != nil {
				conn.WriteTo(answer, from)
			}
		}
	}()
}

func answerDNS(q []byte, names, addresses map[string]string) []byte {
	var name []string
	at := 12
	for at < len(q) && q[at] != 0 {
		end := at + 1 + int(q[at])
		if end >= len(q) {
			return nil
		}
		name = append(name, strings.ToLower(string(q[at+1:end])))
		at = end
	}
	if at+5 > len(q) {
		return nil
	}
	var data []byte
	value, ok := names[strings.Join(name, ".")]
	if q[at+2] == 12 && ok {
		for _, label := range strings.Split(value, ".") {
			if label != "" {
				data = append(append(data, byte(len(label))), label...)
			}
		}
		data = append(data, 0)
	}
	if q[at+2] == 1 {
		value, ok = addresses[strings.Join(name, ".")]
		data = net.ParseIP(value).To4()
		ok = ok && data != nil
	}
	answer := append([]byte{}, q[:at+5]...)
	copy(answer[2:], []byte{0x85, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
	if !ok {
		answer[3] |= 3 // no such name
		return answer
	}
	answer[7] = 1
	answer = append(answer, 0xc0, 12, 0, q[at+2], 0, 1, 0, 0, 0, 9)
	return append(binary.BigEndian.AppendUint16(answer, uint16(len(data))), data...)
}

// serveIdent gives each connection an answer once it has asked. "hang" is none.
func serveIdent(t *testing.T, addr, answer string) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skip("look-ups need ident servers of their own: ", err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(patience))
				conn.Read(make([]byte, 100))
				if answer == "hang" {
					io.Copy(io.Discard, conn)
				}
				io.WriteString(conn, answer)
			}()
		}
	}()
}
