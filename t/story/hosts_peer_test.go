//go:build linux

package story

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
)

// peer is an SMTP server of which the test says what it answers.
type peer struct {
	mu     sync.Mutex
	script script
	end    func()
	taken  []string // the messages it has taken, as they were on the wire
	begun  int      // connections
}

// script is how a peer answers: its reply to each command, by the command or the
// start of it. "" is for the greeting and "." for the end of a message; what is
// not there gets the usual yes. The reply hangUp ends the connection.
type script map[string]string

const hangUp = ""

// peer starts a server that follows a script at port 25 of one of the host's
// addresses.
func (h *host) peer(addr string, s script) *peer {
	h.t.Helper()
	p := &peer{script: s}
	var l net.Listener
	h.in(func() (err error) {
		l, err = net.Listen("tcp", net.JoinHostPort(addr, "25"))
		return err
	})
	h.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // the test is over
			}
			go p.talk(conn)
		}
	}()
	return p
}

// follow gives the peer another script.
func (p *peer) follow(s script) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script = s
}

// messages are the messages the peer has taken so far.
func (p *peer) messages() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.taken)
}

// connections is how many there were so far.
func (p *peer) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.begun
}

// atEnd has f done at the end of each message, before the reply to it.
func (p *peer) atEnd(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end = f
}

// came is whether somebody sends on c, for await.
func came(c <-chan bool) func() bool {
	return func() bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
}

// talk leads a dialogue. An error of the connection ends it.
func (p *peer) talk(conn net.Conn) {
	defer conn.Close()
	p.mu.Lock()
	p.begun++
	p.mu.Unlock()
	in := bufio.NewReader(conn)
	var command, message string
	for {
		reply := p.answer(command, message)
		if reply == hangUp {
			return
		}
		_, err := io.WriteString(conn, reply+"\r\n")
		if err == nil && strings.HasPrefix(reply, "354") {
			command = "."
			message, err = readMessage(in)
		} else if err == nil {
			command, err = in.ReadString('\n')
			command = strings.TrimSuffix(command, "\r\n")
		}
		if err != nil {
			return
		}
	}
}

func readMessage(in *bufio.Reader) (string, error) {
	var message strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return message.String(), err
		}
		message.WriteString(line)
	}
}

// answer is the reply to a command. At the end of a message it takes that, if
// the reply says so.
func (p *peer) answer(command, message string) (reply string) {
	p.mu.Lock()
	end := p.end
	p.mu.Unlock()
	if command == "." && end != nil {
		end()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	reply = p.script.reply(command)
	if command == "." && strings.HasPrefix(reply, "2") {
		p.taken = append(p.taken, message)
	}
	return reply
}

// reply is what the longest start of the command gets.
func (s script) reply(command string) string {
	least := min(1, len(command)) // the greeting is no start of a command
	for n := len(command); n >= least; n-- {
		if reply, ok := s[command[:n]]; ok {
			return reply
		}
	}
	switch command {
	case "":
		return "220 peer"
	case "DATA":
		return "354 go ahead"
	}
	return "250 ok"
}
