//go:build linux

package peers

import (
	"bufio"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// speak connects to an address from another, waits for the greeting, sends
// what is to be sent at once and gives all that comes.
func (m *machine) speak(from, to, input string) string {
	m.t.Helper()
	var conn net.Conn
	m.in(func() (err error) {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err = dialer.Dial("tcp", to)
		return err
	})
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(lab.Patience))
	var out strings.Builder
	in := bufio.NewReader(conn)
	greeting, _ := in.ReadString('\n')
	out.WriteString(greeting)
	conn.Write([]byte(input)) // who is gone says nothing
	in.WriteTo(&out)
	return out.String()
}

// qmail has tcprules and tcprulescheck of its own, and qmail-listen, which can
// stand in for tcpserver: any of them reads what either tcprules wrote.
func TestRulesOfTcprulesMeanTheSameToAll(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "rblsmtpd ucspi-tcp", "tcprules ucspi-tcp")
	m.write("/tmp/rules", `127.0.0.1:allow,RELAYCLIENT="@relayed.example",RBLSMTPD=""
127.0.0.2:deny
127.:allow,RBLSMTPD="-go away"
:allow
`, "root")
	m.control("smtpgreeting", site.Me+"\n")
	m.write("/home/source/.qmail-default", "./Maildir/\n", "source")
	m.control("virtualdomains", "relayed.example:source\n")
	m.start()
	port := 2000
	for _, compiler := range []string{"/usr/bin/tcprules", home + "/bin/tcprules"} {
		rules := "/tmp/" + strings.ReplaceAll(compiler, "/", "-") + ".cdb"
		m.run("root", "", "sh", "-c", compiler+" "+rules+" /tmp/rules.tmp </tmp/rules")
		for _, checker := range []string{"/usr/bin/tcprulescheck", home + "/bin/tcprulescheck"} {
			out := m.run("root", "", "env", "TCPREMOTEIP=127.0.0.1", checker, rules)
			want := "rule 127.0.0.1:\nset environment variable RELAYCLIENT=@relayed.example\nset environment variable RBLSMTPD=\nallow connection\n"
			if out != want {
				t.Errorf("%s of %s: got %q, want %q", checker, compiler, out, want)
			}
		}
		for _, server := range []string{"/usr/bin/tcpserver", home + "/bin/qmail-listen"} {
			t.Run(filepath.Base(server)+" reads "+compiler, func(t *testing.T) {
				port++
				p := strconv.Itoa(port)
				address := "127.0.0.1:" + p
				m.background("server"+p, nil, server, "-v", "-R", "-H", "-l", site.Me, "-x", rules, "127.0.0.1", p, "rblsmtpd", "setuidgid", "qmaild", "qmail-smtpd")
				m.awaitPort(address)

				mail := "HELO client.example\r\nMAIL FROM:<olaf@client.example>\r\nRCPT TO:<a" + p + "@far>\r\n"
				out := m.speak("127.0.0.1", address, mail+"DATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n")
				wants(t, "a relay client", out, "220 "+site.Me+" ESMTP\r\n", "\r\n250 ok ", " qp ")
				wants(t, "its message", m.awaitIn("/home/source/Maildir", "source-a"+p+"@far@relayed.example"), "Received: from unknown (HELO client.example) (127.0.0.1)\n")
				if out := m.speak("127.0.0.2", address, mail); out != "" {
					t.Errorf("a denied client gets %q", out)
				}
				out = m.speak("127.0.0.3", address, mail+"QUIT\r\n")
				wants(t, "a blocked client", out, "220 rblsmtpd.local\r\n", "\r\n553 go away\r\n")
			})
		}
	}
	m.awaitEmpty()
}

func TestFixcrioAndRecordioStandBeforeSmtpd(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "fixcrio ucspi-tcp", "recordio ucspi-tcp")
	m.start()
	m.serve("qmaild", "127.0.0.1:25", nil, "recordio", "fixcrio", "qmail-smtpd")
	m.serve("qmaild", "127.0.0.1:26", nil, "recordio", "qmail-smtpd")
	// A client of old that ends its lines with LF alone.
	input := "HELO client.example\nMAIL FROM:<olaf@client.example>\nRCPT TO:<john@linuxfromsource.org>\nDATA\nSubject: by fixcrio\n\nbody\n.\nQUIT\n"
	wants(t, "with fixcrio", m.speak("127.0.0.1", "127.0.0.1:25", input), "\r\n250 ok ", "\r\n221 ")
	wants(t, "the message", m.awaitMail("john", "Subject: by fixcrio"), "\n\nbody\n")
	wants(t, "without", m.speak("127.0.0.1", "127.0.0.1:26", input), "\r\n354 ", "\r\n451 See ")
	log := m.awaitFile("/var/log/port26", "> 451 See ")
	wants(t, "what recordio tells", log, " > 220 "+site.Me, " < MAIL FROM:<olaf@client.example> ", " > 354 go ahead")
	m.awaitEmpty()
}
