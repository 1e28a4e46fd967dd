//go:build linux

package peers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"goqmail/t/lab"
)

// talker is a client that says what it likes.
type talker struct {
	net.Conn
	t     *testing.T
	lines *bufio.Reader
}

func (m *machine) dial(address string) *talker {
	m.t.Helper()
	network := "tcp"
	if address[0] == '/' {
		network = "unix"
	}
	var conn net.Conn
	m.in(func() (err error) {
		conn, err = net.Dial(network, address)
		return err
	})
	m.t.Cleanup(func() { conn.Close() })
	return &talker{conn, m.t, bufio.NewReader(conn)}
}

// says sends a text and gives the first line that begins with another one, or the last
// line before the end.
func (c *talker) says(text, until string) (line string) {
	c.t.Helper()
	c.SetDeadline(time.Now().Add(lab.Patience))
	go io.WriteString(c, text) // it may not be read to its end
	for {
		piece, long, err := c.lines.ReadLine()
		if err != nil {
			return line
		}
		line = string(piece)
		for long && err == nil {
			_, long, err = c.lines.ReadLine()
		}
		if strings.HasPrefix(line, until) {
			return line
		}
	}
}

// mostMemory is how many bytes of memory a server may ever take: a few times what it does
// take, and no more than a few clients could make it waste.
const mostMemory = 150 << 20

// memory reports servers that have taken too much.
func (m *machine) memory(story string) {
	m.t.Helper()
	for _, server := range []string{"imapd", "lmtpd", "pop3d"} {
		for _, pid := range m.Pids(server) {
			if n := lab.PeakMemory(m.t, pid); n > mostMemory {
				m.t.Errorf("%s: %s has taken %d bytes", story, server, n)
			}
		}
	}
}

// What somebody sends, or only begins to, costs the servers little, and nobody else has to
// suffer for it.
func TestAbuse(t *testing.T) {
	t.Parallel()
	m := newIMAP(t)
	const lmtp = "/tmp/lmtp"
	m.background("lmtpd", nil, "lmtpd", "-l", lmtp)
	m.background("pop3d", nil, "pop3d", "-l", "127.0.0.1:110")
	m.awaitPort("127.0.0.1:110")
	m.run("cyrus", "cm user.john\ncm user.mary\nquit\n", "cyradm", "--user", "cyrus", "--password", "secret", "--auth", "login", "127.0.0.1")
	login := func(user string) *talker {
		c := m.dial("127.0.0.1:143")
		wants(t, "a login", c.says("a LOGIN "+user+" secret\r\n", "a "), "a OK")
		return c
	}
	mary := login("mary")
	others := func(story string) {
		t.Helper()
		m.memory(story)
		wants(t, story+": mary", mary.says("a APPEND INBOX {18+}\r\nSubject: hello\r\n\r\n\r\na SELECT INBOX\r\na FETCH * BODY[]\r\nb NOOP\r\n", "b "), "b OK")
		login("mary").Close()
		c := m.dial("127.0.0.1:110")
		wants(t, story+": mary by POP3", c.says("USER mary\r\nPASS secret\r\nQUIT\r\n", "+OK Mailbox"), "+OK")
		c.Close()
		c = m.dial(lmtp)
		wants(t, story+": mary by LMTP", c.says(deliver("mary", "Subject: hello\r\n\r\n"), "250 2.1.5 Ok"), "Ok")
		c.Close()
	}
	others("nothing yet")

	// Words without end.
	endless := strings.Repeat("x", 100<<20)
	for _, row := range []struct{ name, address, begin, until string }{
		{"a line", "127.0.0.1:143", "a ", "a BAD Command too long"},
		{"a tag", "127.0.0.1:143", "", "* BAD Command too long"},
		{"a literal", "127.0.0.1:143", "a LOGIN {104857600+}\r\n", "* BYE Literal too large"},
		{"a literal of a user", "127.0.0.1:143", "a LOGIN john secret\r\nb SELECT {104857600+}\r\n", "* BYE Literal too large"},
		{"a line", "127.0.0.1:110", "", "-ERR line too long"},
		{"a line", lmtp, "", "500 5.5.2 Syntax error"},
	} {
		c := m.dial(row.address)
		wants(t, row.name+" by "+row.address, c.says(row.begin+endless+"\r\n", row.until), row.until)
		c.Close()
	}
	others("words without end")

	// Messages that nobody would write.
	var deep strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	many := strings.Repeat("Subject: "+strings.Repeat("y", 1000)+"\r\n", 100<<10)
	for name, text := range map[string]string{
		"a message in 10000 messages":  deep.String(),
		"a header of 100 MB":           "Subject: " + endless + "\r\n\r\nbody\r\n",
		"a header of 100,000 fields":   many + "\r\nbody\r\n",
		"a field of 100,000 addresses": "To: " + strings.Repeat("a@b.example,\r\n ", 100000) + "c\r\n\r\n",
	} {
		c := m.dial(lmtp)
		wants(t, name+" by LMTP", c.says(deliver("john", text), "250 2.1.5 Ok"), "Ok")
		c.Close()
		others(name + " by LMTP")
		john := login("john")
		wants(t, name+" by APPEND", john.says(fmt.Sprintf("b APPEND INBOX {%d+}\r\n%s\r\n", len(text), text), "b "), "b OK")
		others(name + " by APPEND")
		for _, command := range []string{
			"SELECT INBOX", "FETCH * (ENVELOPE BODYSTRUCTURE)", "FETCH * BODY.PEEK[HEADER.FIELDS (Subject)]", "FETCH * BODY.PEEK[1.1.1.1.1.1.1.1.1.1.1.1.1.MIME]",
			"FETCH * BODY.PEEK[HEADER]", "SEARCH BODY z", "SEARCH SUBJECT z", "SORT (SUBJECT) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL",
		} {
			wants(t, name+": "+command, john.says("c "+command+"\r\n", "c "), "c OK")
		}
		pop := m.dial("127.0.0.1:110")
		wants(t, name+" by POP3", pop.says("USER john\r\nPASS secret\r\nTOP 1 1\r\nRETR 1\r\nUIDL 1\r\n", "+OK 1 "), "+OK 1 ")
		pop.Close()
		others(name + " to read")
		john.says("c STORE 1:* +FLAGS (\\Deleted)\r\nc CLOSE\r\nd NOOP\r\n", "d ")
		john.Close()
	}

	// Many who say nothing, or half a word.
	for _, address := range []string{"127.0.0.1:143", "127.0.0.1:110", lmtp} {
		network := "tcp"
		if address[0] == '/' {
			network = "unix"
		}
		var waiting []net.Conn
		m.in(func() error {
			for i := range 10000 {
				c, err := net.Dial(network, address)
				for errors.Is(err, syscall.EAGAIN) { // lmtpd is still at those before
					time.Sleep(time.Millisecond)
					c, err = net.Dial(network, address)
				}
				if err != nil {
					return err
				}
				if i%2 == 0 {
					io.WriteString(c, "a LOG")
				}
				waiting = append(waiting, c)
				if len(waiting) > 3000 { // more than are heard, and less than we may have open
					waiting[0].Close()
					waiting = waiting[1:]
				}
			}
			return nil
		})
		story := "10000 clients of " + address
		if address == lmtp {
			m.memory(story)
			greeting := "220"
			for range 2000 { // those that are gone may have left room
				if !strings.HasPrefix(greeting, "220") {
					break
				}
				greeting = m.dial(lmtp).says("", "")
			}
			wants(t, "one more", greeting, "421 4.3.2 too many connections")
		} else {
			others(story)
		}
		for _, c := range waiting {
			c.Close()
		}
	}
	lab.Await(t, "room for others", func() bool {
		return strings.HasPrefix(m.dial(lmtp).says("LHLO x\r\n", "250 "), "250 ")
	})
	others("after all")
}

// deliver is a dialogue of LMTP.
func deliver(to, text string) string {
	return "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<" + to + ">\r\nDATA\r\n" + text + "\r\n.\r\n"
}
