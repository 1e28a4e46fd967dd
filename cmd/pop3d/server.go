package main

import (
	"container/list"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"goqmail/lib/imapconf"
	"goqmail/lib/imaptls"
	"goqmail/lib/mailstore"
	"goqmail/lib/sasl"
	"goqmail/lib/service"
	"goqmail/lib/syslog"
)

// server is what all connections share.
type server struct {
	now    atomic.Pointer[settings]
	store  *mailstore.Store
	tls    *imaptls.Server // nil: there is none
	secure bool            // TLS from the first byte
	record func(level syslog.Level, format string, args ...any)

	ending   atomic.Bool // no more connections, and those that are end
	mu       sync.Mutex
	sessions map[*session]bool
	halfOpen list.List            // sessions before login, the newest last
	polls    map[string]time.Time // when users logged in last, for popminpoll
}

// settings are what imapd.conf says.
type settings struct {
	imapconf.Conf
	sasl *sasl.Server
}

// maxHalfOpen is how many may be connected without having logged in, unless the setting
// maxhalfopen says otherwise.
const maxHalfOpen = 1000

func newServer(conf imapconf.Conf, store *mailstore.Store, record func(syslog.Level, string, ...any)) *server {
	s := &server{store: store, record: record, sessions: map[*session]bool{}, polls: map[string]time.Time{}}
	s.use(conf)
	return s
}

// use has settings count for what comes.
func (s *server) use(conf imapconf.Conf) {
	s.now.Store(&settings{conf, sasl.New(conf, "pop", func(format string, args ...any) { s.record(syslog.Notice, format, args...) })})
}

// read reads the configuration, and the name of the service for which it is.
func read(o service.Options) (conf imapconf.Conf, name string, err error) {
	if o.Has('s') {
		return o.Read("pop3s")
	}
	return o.Read("pop3")
}

// open returns the server that is asked for.
func open(o service.Options) (*server, error) {
	conf, name, err := read(o)
	if err != nil {
		return nil, err
	}
	store, err := mailstore.Open(mailstore.LayoutOf(conf))
	if err != nil {
		return nil, err
	}
	s := newServer(conf, store, service.Log(conf, name).Printf)
	s.secure = o.Has('s')
	service.Review(conf, s.record)
	if s.tls, err = imaptls.Open(conf, s.secure, func(err error) { s.log("%v", err) }); err != nil {
		store.Close()
		return nil, err
	}
	return s, nil
}

// reload reads the configuration again. What is wrong with it changes nothing.
func (s *server) reload(o service.Options) {
	conf, _, err := read(o)
	if err != nil {
		s.log("%v", err)
		return
	}
	s.use(conf)
	service.Review(conf, s.record)
	if err := s.tls.Reload(conf); err != nil {
		s.log("%v", err)
	}
}

// log notes what goes wrong here.
func (s *server) log(format string, args ...any) { s.record(syslog.Error, format, args...) }

// name is that of this host.
func (c *settings) name() string {
	if name := c.String("servername", ""); name != "" {
		return name
	}
	name, _ := os.Hostname()
	return name
}

// enter notes a session; it tells whether it may go on. Too many that do not log in
// make way for each other: the oldest goes.
func (s *server) enter(c *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending.Load() {
		return false
	}
	s.sessions[c] = true
	c.waiting = s.halfOpen.PushBack(c)
	if limit := s.now.Load().Int("maxhalfopen", maxHalfOpen); limit > 0 && s.halfOpen.Len() > limit {
		oldest := s.halfOpen.Remove(s.halfOpen.Front()).(*session)
		oldest.waiting = nil
		oldest.net.Close()
	}
	return true
}

// entered notes that a session's client has logged in.
func (s *server) entered(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.waiting != nil {
		s.halfOpen.Remove(c.waiting)
		c.waiting = nil
	}
}

func (s *server) left(c *session) {
	s.entered(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c)
}

// tooSoon tells whether a user has logged in less than a time ago; if not, this login
// is what the next one is measured by.
func (s *server) tooSoon(user string, apart time.Duration) bool {
	if apart <= 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if last, ok := s.polls[user]; ok && now.Sub(last) < apart {
		return true
	}
	if len(s.polls) > maxPolls {
		for name, last := range s.polls {
			if now.Sub(last) >= apart {
				delete(s.polls, name)
			}
		}
	}
	s.polls[user] = now
	return false
}

// maxPolls is how many users are remembered before those are forgotten who may log in
// again.
const maxPolls = 10000

// end has all sessions end once what they do is done.
func (s *server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending.Store(true)
	for c := range s.sessions {
		c.net.SetReadDeadline(time.Now())
		c.net.SetWriteDeadline(time.Now().Add(lastTime))
	}
}
