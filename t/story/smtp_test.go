//go:build linux

package story

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"goqmail/t/lab"
)

// connect connects to a port of an address, if that is possible.
func (m *machine) connect(addr, port string) (conn net.Conn) {
	m.Do(func() { conn, _ = net.Dial("tcp", net.JoinHostPort(addr, port)) })
	return conn
}

// awaitPort waits until somebody listens at a port.
func (m *machine) awaitPort(port string) {
	m.t.Helper()
	m.await("a listener at port "+port, func() bool {
		conn := m.connect("127.0.0.1", port)
		if conn != nil {
			conn.Close()
		}
		return conn != nil
	})
}

// smtp is a connection. The dialogue may be a POP3 one as well.
type smtp struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// client connects to a port.
func (m *machine) client(port string) *smtp {
	m.t.Helper()
	return m.clientOf("127.0.0.1", port)
}

func (m *machine) clientOf(addr, port string) *smtp {
	m.t.Helper()
	conn := m.connect(addr, port)
	if conn == nil {
		m.t.Fatalf("nobody listens at port %s of %s", port, addr)
	}
	m.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(lab.Patience))
	return &smtp{m.t, conn, bufio.NewReader(conn)}
}

// smtp connects to port 25 and reads the greeting.
func (m *machine) smtp() *smtp {
	m.t.Helper()
	return m.smtpAt("127.0.0.1")
}

func (m *machine) smtpAt(addr string) *smtp {
	m.t.Helper()
	c := m.clientOf(addr, "25")
	c.reply("220 ")
	return c
}

// reply reads a reply, all its lines, which must start with code.
func (c *smtp) reply(code string) string {
	c.t.Helper()
	var all strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		all.WriteString(line)
		if err != nil || !strings.HasPrefix(line, code[:min(3, len(code))]) {
			c.t.Fatalf("SMTP: got %q, %v; want %s", all.String(), err, code)
		}
		if len(line) > 3 && line[3] == ' ' {
			return all.String()
		}
	}
}

// say sends a command and reads a reply that must start with code.
func (c *smtp) say(command, code string) string {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.conn, "%s\r\n", command); err != nil {
		c.t.Fatalf("SMTP: %v", err)
	}
	return c.reply(code)
}

// send sends a whole message.
func (c *smtp) send(subject, sender string, recipients ...string) {
	c.t.Helper()
	c.say("MAIL FROM:<"+sender+">", "250")
	for _, to := range recipients {
		c.say("RCPT TO:<"+to+">", "250")
	}
	c.say("DATA", "354")
	c.say("Subject: "+subject+"\r\n\r\nbody\r\n.", "250 ok ")
}

// smtpSend connects, sends a message and leaves.
func (m *machine) smtpSend(subject, sender string, recipients ...string) {
	m.t.Helper()
	c := m.smtp()
	c.say("HELO elsewhere.example", "250")
	c.send(subject, sender, recipients...)
	c.say("QUIT", "221")
	c.conn.Close()
}
