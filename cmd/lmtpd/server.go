package main

import (
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"goqmail/lib/delivery"
	"goqmail/lib/imaptls"
	"goqmail/lib/sasl"
	"goqmail/lib/service"
	"goqmail/lib/syslog"
)

// server is what all connections share.
type server struct {
	agent   atomic.Pointer[delivery.Agent]
	sasl    atomic.Pointer[sasl.Server]
	tls     *imaptls.Server // nil: there is none
	preauth bool            // clients from the network may send as well
	timeout time.Duration   // for a client that says nothing

	ending    atomic.Bool
	mu        sync.Mutex
	conns     map[net.Conn]bool
	strangers []net.Conn // of them may not send, yet; the newest last
}

// patience is how long a client may say nothing, as Cyrus has it.
const patience = 6 * time.Minute

func newServer(agent *delivery.Agent, preauth bool) *server {
	s := &server{preauth: preauth, timeout: patience, conns: map[net.Conn]bool{}}
	s.use(agent)
	s.tls, _ = imaptls.Open(agent.Conf, false, s.trouble) // no error, as there need not be any
	return s
}

// use has connections to come served by an agent.
func (s *server) use(agent *delivery.Agent) {
	s.agent.Store(agent)
	s.sasl.Store(sasl.New(agent.Conf, "lmtp", func(format string, args ...any) { agent.Log(syslog.Notice, format, args...) }))
}

// usualName is what the service is called unless master says otherwise.
const usualName = "lmtpunix"

// reload reads the configuration again. What is wrong with it changes nothing.
func (s *server) reload(o service.Options) {
	conf, _, err := o.Read(usualName)
	if err != nil {
		s.trouble(err)
		return
	}
	service.Review(conf, s.agent.Load().Log)
	s.use(s.agent.Load().With(conf))
	if err := s.tls.Reload(conf); err != nil {
		s.trouble(err)
	}
}

func (s *server) trouble(err error) { s.agent.Load().Log(syslog.Error, "error: %v", err) }

// enter notes a connection; it tells whether there is room for it. Too many strangers make
// way for each other: the one that came first goes.
func (s *server) enter(n net.Conn, trusted bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending.Load() || len(s.conns) >= maxConns {
		return false
	}
	s.conns[n] = true
	if trusted {
		return true
	}
	if len(s.strangers) == maxStrangers {
		s.strangers[0].Close()
		s.strangers = s.strangers[1:]
	}
	s.strangers = append(s.strangers, n)
	return true
}

// maxConns is how many connections there may be: with a few files open for each, less
// than what systems allow a process. Those who have not shown that they may send leave
// room for those who may.
const (
	maxConns     = 1000
	maxStrangers = 100
)

// trust notes that a connection may send.
func (s *server) trust(n net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known(n)
}

func (s *server) left(n net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known(n)
	delete(s.conns, n)
}

// known takes a connection off the strangers, if it is one of them.
func (s *server) known(n net.Conn) {
	if i := slices.Index(s.strangers, n); i >= 0 {
		s.strangers = slices.Delete(s.strangers, i, i+1)
	}
}

// end makes the connections end: none reads any more, and what has come whole is
// delivered and answered, as far as the clients take the answers.
func (s *server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending.Store(true)
	for n := range s.conns {
		n.SetReadDeadline(time.Now())
		n.SetWriteDeadline(time.Now().Add(lastTime))
	}
}

// lastTime is how long a client may take to take what it is sent when the server ends.
const lastTime = 10 * time.Second

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
	if t.s.ending.Load() { // after that, as in Read
		t.SetWriteDeadline(time.Now().Add(lastTime))
	}
	return t.Conn.Write(p)
}
