package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"goqmail/lib/imapconf"
	"goqmail/lib/imaptls"
	"goqmail/lib/mailstore"
)

// server is what all connections share.
type server struct {
	conf     atomic.Pointer[imapconf.Conf] // see settings
	store    *mailstore.Store
	warm     warm
	name     string // of this host
	software string
	tls      *imaptls.Server                   // nil: there is none
	timeout  time.Duration                     // for a client that says nothing
	check    func(user, password string) error // tells whether a password is right
	log      func(format string, args ...any)

	ending atomic.Bool // no more connections, and those that are end
	mu     sync.Mutex
	conns  map[*conn]bool
	done   sync.WaitGroup // for the connections
}

// newOf returns a server of a store.
func newOf(conf imapconf.Conf, store *mailstore.Store) *server {
	s := &server{
		store:    store,
		software: "goqmail IMAP4",
		timeout:  time.Duration(max(conf.Int("timeout", 30), 30)) * time.Minute,
		check:    func(user, password string) error { return errors.New("no passwords are known") },
		log:      func(format string, args ...any) { fmt.Fprintf(os.Stderr, "imapd: "+format+"\n", args...) },
		conns:    map[*conn]bool{},
	}
	s.conf.Store(&conf)
	return s
}

// settings are those that hold now.
func (s *server) settings() imapconf.Conf { return *s.conf.Load() }

// open returns a server of the store that the configuration names.
func open(conf imapconf.Conf) (*server, error) {
	if err := conf.Check(); err != nil {
		return nil, err
	}
	store, err := mailstore.Open(mailstore.Layout{
		ConfigDir:        conf.String("configdirectory", ""),
		Partitions:       conf.Partitions(),
		DefaultPartition: conf.String("defaultpartition", "default"),
		HashSpool:        conf.Bool("hashimapspool", false),
	})
	if err != nil {
		return nil, err
	}
	s := newOf(conf, store)
	s.name = conf.String("servername", "")
	if s.name == "" {
		s.name, _ = os.Hostname()
	}
	return s, nil
}

// enter notes a connection; it tells whether it may go on.
func (s *server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending.Load() {
		return false
	}
	s.conns[c] = true
	s.done.Add(1)
	return true
}

func (s *server) left(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.done.Done()
}

// shutDown ends all connections, with a word to their clients, and waits for them.
func (s *server) shutDown() {
	s.mu.Lock()
	s.ending.Store(true)
	for c := range s.conns {
		c.net.SetReadDeadline(time.Now())
	}
	s.mu.Unlock()
	s.done.Wait()
}
