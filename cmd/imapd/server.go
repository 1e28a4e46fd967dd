package main

import (
	"errors"
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
func (o options) read() (conf imapconf.Conf, name string, err error) {
	if conf, err = imapconf.Read(o.config); err == nil {
		err = conf.Check()
	}
	name = "imap"
	if o.secure {
		name = "imaps"
	}
	name = service.Name(name)
	return conf.Service(name), name, err
}

// open returns the server that is asked for.
func open(o options) (*server, error) {
	conf, name, err := o.read()
	if err != nil {
		return nil, err
	}
	store, err := mailstore.Open(mailstore.LayoutOf(conf))
	if err != nil {
		return nil, err
	}
	s := serverOf(conf, store)
	s.record = service.Log(conf, name).Printf
	s.secure = o.secure
	service.Unknown(conf, s.record)
	// Who has no certificate does without TLS; one that is no good is not only the log's
	// affair if nothing works without it.
	s.tls, err = imaptls.Load(conf)
	if err != nil {
		s.tls = nil
		if s.secure {
			store.Close()
			return nil, err
		}
		if !errors.Is(err, imaptls.ErrOff) {
			s.log("%v", err)
		}
	}
	return s, nil
}

// reload reads the configuration again. What is wrong with it changes nothing.
func (s *server) reload(o options) {
	conf, _, err := o.read()
	if err != nil {
		s.log("%v", err)
		return
	}
	s.conf.Store(&conf)
	service.Unknown(conf, s.record)
	s.newSASL()
	if s.tls != nil {
		if err := s.tls.Reload(conf); err != nil {
			s.log("%v", err)
		}
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
