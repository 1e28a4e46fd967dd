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

// smtp is a connection to port 25.
type smtp struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// smtp connects and reads the greeting.
func (m *machine) smtp() *smtp {
	m.t.Helper()
	conn := m.dial()
	if conn == nil {
		m.t.Fatal("nobody listens on port 25")
	}
	m.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(lab.Patience))
	c := &smtp{m.t, conn, bufio.NewReader(conn)}
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
