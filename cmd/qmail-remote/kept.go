package main

import (
	"slices"
	"sync"
	"time"

	"goqmail/lib/outgoingip"
)

// way is all that decides how a connection comes about, and what is said on it
// before there is talk of a message.
type way struct {
	target
	policy   policy
	source   outgoingip.Source
	helo     string
	timeout  time.Duration
	extended bool // by EHLO
}

func (c *config) way(t target, utf8 need) way {
	t.Pref = 0
	p := policyFor(t, c.extensions)
	return way{t, p, c.source, c.helo, c.timeout, c.extended(p, t.login, utf8)}
}

// kept is the connections that have carried a message, and wait for another that
// would have gone the same way. One is kept only while there are other messages
// on that way: so a process with one message, and a host that gets one now and
// then, see nothing of this.
type kept struct {
	mu    sync.Mutex
	going map[way]int // how many messages are under way
	idle  []*client   // the latest last
}

// How long connections are kept, and how many of them.
const (
	maxIdle     = time.Second
	maxAge      = time.Minute // so that certificates and the like are soon read anew
	maxMessages = 100         // on a connection, for hosts that count them
	maxKept     = 100
)

// enter notes that a message goes a way, and returns a connection for it if one is
// kept.
func (k *kept) enter(w way) *client {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.going == nil {
		k.going = map[way]int{}
	}
	k.going[w]++
	for i, c := range slices.Backward(k.idle) {
		if c.way == w {
			k.idle = slices.Delete(k.idle, i, i+1)
			c.leave.Stop()
			return c
		}
	}
	return nil
}

// exit notes that a message does not go a way any more.
func (k *kept) exit(w way) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.going[w]--; k.going[w] == 0 {
		delete(k.going, w)
	}
}

// wants tells whether to keep a connection.
func (k *kept) wants(c *client) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.going[c.way] > 1 && len(k.idle) < maxKept && c.messages+1 < maxMessages && time.Since(c.made) < maxAge
}

// keep keeps a connection, but not for long.
func (k *kept) keep(c *client) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.idle = append(k.idle, c)
	c.leave = time.AfterFunc(maxIdle, func() {
		if k.forget(c) {
			c.bye()
			c.close()
		}
	})
}

// forget tells whether a connection was still kept.
func (k *kept) forget(c *client) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.Index(k.idle, c)
	if i >= 0 {
		k.idle = slices.Delete(k.idle, i, i+1)
	}
	return i >= 0
}
