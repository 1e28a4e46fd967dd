package main

import (
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
	conf   atomic.Pointer[imapconf.Conf] // see settings
	store  *mailstore.Store
	warm   warm
	name   string          // of this host
	tls    *imaptls.Server // nil: there is none
	secure bool            // TLS from the first byte
	sasl   atomic.Pointer[sasl.Server]
	record func(level syslog.Level, format string, args ...any)

	ending atomic.Bool // no more connections, and those that are end
	mu     sync.Mutex
	crowd  crowd
	done   sync.WaitGroup // for the connections
}

// serverOf returns a server of a store.
func serverOf(conf imapconf.Conf, store *mailstore.Store) *server {
	s := &server{
		store: store,
		name:  conf.String("servername", ""),
		crowd: crowd{conns: map[*conn]bool{}, byHost: map[string]int{}, loggedIn: map[string]int{}},
	}
	if s.name == "" {
		s.name, _ = os.Hostname()
	}
	s.conf.Store(&conf)
	s.newSASL()
	return s
}

// read reads the configuration, and the name of the service for which it is.
func read(o service.Options) (conf imapconf.Conf, name string, err error) {
	if o.Has('s') {
		return o.Read("imaps")
	}
	return o.Read("imap")
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
	s := serverOf(conf, store)
	s.record = service.Log(conf, name).Printf
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
	s.conf.Store(&conf)
	service.Review(conf, s.record)
	s.newSASL()
	if err := s.tls.Reload(conf); err != nil {
		s.log("%v", err)
	}
}

// settings are those that hold now.
func (s *server) settings() imapconf.Conf { return *s.conf.Load() }

// log notes what goes wrong here.
func (s *server) log(format string, args ...any) { s.record(syslog.Error, format, args...) }

// note notes what clients do.
func (s *server) note(format string, args ...any) { s.record(syslog.Notice, format, args...) }

// timeout is how long a client may say nothing.
func (s *server) timeout() time.Duration {
	return time.Duration(max(s.settings().Int("timeout", 30), 30)) * time.Minute
}

// end has all connections end, with a word to their clients.
func (s *server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending.Store(true)
	for c := range s.crowd.conns {
		c.net.SetReadDeadline(time.Now())
		c.net.SetWriteDeadline(time.Now().Add(lastTime))
	}
}
