package main

import (
	"container/list"
	"slices"
)

// crowd is who is connected.
type crowd struct {
	conns    map[*conn]bool
	byHost   map[string]int
	loggedIn map[string]int // hosts and, after a slash, users
	halfOpen list.List      // of those who have not logged in, the newest last
}

// maxHalfOpen is how many may be connected without having logged in, unless the setting
// maxhalfopen says otherwise.
const maxHalfOpen = 1000

// enter notes a connection, and returns what its client is to be told if it may not stay.
// Too many that do not log in make way for each other: the oldest goes.
func (s *server) enter(c *conn) (refusal string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.settings().Int("maxconnections_per_host", 0)
	switch {
	case s.ending.Load():
		return "Server is shutting down"
	case limit > 0 && s.crowd.byHost[c.peer()] >= limit:
		return "Too many open connections"
	}
	s.crowd.conns[c] = true
	s.crowd.byHost[c.peer()]++
	c.waiting = s.crowd.halfOpen.PushBack(c)
	if limit := s.settings().Int("maxhalfopen", maxHalfOpen); limit > 0 && s.crowd.halfOpen.Len() > limit {
		oldest := s.crowd.halfOpen.Front()
		s.crowd.halfOpen.Remove(oldest)
		oldest.Value.(*conn).stop()
	}
	s.done.Add(1)
	return ""
}

// admit notes that a client has logged in. It returns a reply if there are too many.
func (s *server) admit(c *conn, user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	conf := s.settings()
	if !slices.Contains(conf.Words("admins"), user) {
		for key, limit := range map[string]int{c.peer(): conf.Int("maxlogins_per_host", 0), "/" + user: conf.Int("maxlogins_per_user", 0)} {
			if limit > 0 && s.crowd.loggedIn[key] >= limit {
				return no("LIMIT", "Too many open connections")
			}
		}
	}
	s.crowd.loggedIn[c.peer()]++
	s.crowd.loggedIn["/"+user]++
	s.crowd.halfOpen.Remove(c.waiting)
	return nil
}

// left notes that a connection has ended.
func (s *server) left(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.crowd.conns, c)
	less(s.crowd.byHost, c.peer())
	if c.user != "" {
		less(s.crowd.loggedIn, c.peer())
		less(s.crowd.loggedIn, "/"+c.user)
	} else {
		s.crowd.halfOpen.Remove(c.waiting)
	}
	s.done.Done()
}

func less(counts map[string]int, key string) {
	if counts[key]--; counts[key] == 0 {
		delete(counts, key)
	}
}
