package main

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"goqmail/lib/delivery"
	"goqmail/lib/syslog"
)

// server is what all connections share.
type server struct {
	agent   atomic.Pointer[delivery.Agent]
	preauth bool          // clients from the network may send as well
	timeout time.Duration // for a client that says nothing

	ending atomic.Bool
	mu     sync.Mutex
	conns  map[net.Conn]bool
}

// patience is how long a client may say nothing, as Cyrus has it.
const patience = 6 * time.Minute

func newServer(agent *delivery.Agent, preauth bool) *server {
	s := &server{preauth: preauth, timeout: patience, conns: map[net.Conn]bool{}}
	s.agent.Store(agent)
	return s
}

func (s *server) trouble(err error) { s.agent.Load().Log(syslog.Error, "error: %v", err) }

// enter notes a connection; it tells whether there is room for it.
func (s *server) enter(n net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending.Load() || len(s.conns) >= maxConns {
		return false
	}
	s.conns[n] = true
	return true
}

// maxConns is how many connections there may be: with a few files open for each, less
// than what systems allow a process.
const maxConns = 1000

func (s *server) left(n net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, n)
}

// end makes the connections end: none reads any more, and what has come whole is
// delivered and answered.
func (s *server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending.Store(true)
	for n := range s.conns {
		n.SetReadDeadline(time.Now())
	}
}

var (
	errTimeout = errors.New("timeout")          // the client has said nothing for too long
	errEnding  = errors.New("server is ending") // no fault of the client's
)

// timed is a connection with its time limits.
type timed struct {
	net.Conn
	s *server
}

func (t timed) Read(p []byte) (int, error) {
	t.SetReadDeadline(time.Now().Add(t.s.timeout))
	if t.s.ending.Load() { // after setting the limit: end sets another one after ending
		return 0, errEnding
	}
	n, err := t.Conn.Read(p)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		err = errTimeout
		if t.s.ending.Load() {
			err = errEnding
		}
	}
	return n, err
}

func (t timed) Write(p []byte) (int, error) {
	t.SetWriteDeadline(time.Now().Add(t.s.timeout))
	return t.Conn.Write(p)
}
