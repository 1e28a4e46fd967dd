//go:build linux

package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// Sink is a server that takes all mail, and every reply delay later.
type Sink struct {
	mu        sync.Mutex
	cond      *sync.Cond
	n         int
	last      time.Time
	cur, peak int
	delay     time.Duration
	hold      chan struct{} // if not nil: no greeting before it is closed
}

func newSink(addr string, delay time.Duration, hold chan struct{}) *Sink {
	l, err := net.Listen("tcp", addr)
	must(err)
	s := &Sink{delay: delay, hold: hold}
	s.cond = sync.NewCond(&s.mu)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s
}

func (s *Sink) serve(c net.Conn) {
	defer c.Close()
	s.mu.Lock()
	s.cur++
	s.peak = max(s.peak, s.cur)
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.cur--; s.mu.Unlock() }()
	if s.hold != nil {
		<-s.hold
	}
	r := bufio.NewReaderSize(c, 4096)
	say := func(t string) bool {
		if s.delay > 0 {
			time.Sleep(s.delay)
		}
		_, err := c.Write([]byte(t))
		return err == nil
	}
	if !say("220 sink ESMTP\r\n") {
		return
	}
	rcpts := 0
	for {
		l, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch v := strings.ToUpper(l[:min(4, len(l))]); v {
		case "EHLO":
			say("250-sink\r\n250 8BITMIME\r\n")
		case "RCPT":
			rcpts++
			say("250 ok\r\n")
		case "MAIL":
			rcpts = 0
			say("250 ok\r\n")
		case "DATA":
			say("354 go\r\n")
			for {
				l, err := r.ReadSlice('\n')
				if err != nil {
					return
				}
				if len(l) == 3 && l[0] == '.' {
					break
				}
			}
			if say("250 ok\r\n") {
				s.mu.Lock()
				s.n += rcpts
				s.last = time.Now()
				s.mu.Unlock()
				s.cond.Broadcast()
			}
		case "QUIT":
			say("221 bye\r\n")
			return
		default:
			say("250 ok\r\n")
		}
	}
}

// connections is how many there are.
func (s *Sink) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cur
}

func (s *Sink) wait(n int, max time.Duration) time.Time {
	end := time.Now().Add(max)
	t := time.AfterFunc(max, func() { s.cond.Broadcast() })
	defer t.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.n < n {
		if time.Now().After(end) {
			panic(fmt.Errorf("timeout: sink got %d of %d", s.n, n))
		}
		s.cond.Wait()
	}
	return s.last
}
