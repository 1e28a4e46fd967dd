//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const smtpAddr = "127.0.0.1:2525"

func splitLines(b []byte) []string { return strings.Split(string(b), "\n") }
func splitColon(s string) []string { return strings.Split(s, ":") }
func crlf(b []byte) []byte         { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }

func (e *Env) startSmtpd(wrap ...string) {
	argv := []string{"/usr/bin/tcpserver", "-H", "-R", "-l", "0", "-c", "400", "-b", "400",
		"-u", fmt.Sprint(lookup("/etc/passwd", "qmaild", 2)), "-g", fmt.Sprint(lookup("/etc/group", "nofiles", 2)),
		"127.0.0.1", "2525", "/var/qmail/bin/qmail-smtpd"}
	if _, err := os.Stat("/var/qmail/bench.smtpd"); err == nil {
		argv = []string{"/var/qmail/bench.smtpd"} // must listen on 127.0.0.1:2525
	}
	e.start(append(wrap, argv...)...)
	for i := 0; i < 500; i++ {
		if c, err := net.Dial("tcp", smtpAddr); err == nil {
			r := bufio.NewReader(c)
			reply(r)
			c.Write([]byte("QUIT\r\n"))
			reply(r)
			c.Close()
			time.Sleep(50 * time.Millisecond)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	panic("smtpd does not listen: " + e.logtail())
}

func reply(r *bufio.Reader) (code string, err error) {
	for {
		l, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if len(l) >= 4 && l[3] == '-' {
			continue
		}
		return strings.TrimSpace(l), nil
	}
}

type smtpLoad struct {
	addr                  string
	conns, perConn, total int
	msg                   []byte // CRLF, no dots at line starts
	mu                    sync.Mutex
	lat, greet            []time.Duration
	err                   error
}

func (s *smtpLoad) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
}

func (s *smtpLoad) run() time.Duration {
	var next atomic.Int64
	var wg sync.WaitGroup
	data := append(append([]byte{}, s.msg...), ".\r\n"...)
	t0 := time.Now()
	for i := 0; i < s.conns; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				k := int(next.Add(int64(s.perConn))) - s.perConn
				if k >= s.total {
					return
				}
				if err := s.session(k, min(s.perConn, s.total-k), data); err != nil {
					s.fail(err)
					return
				}
			}
		}()
	}
	wg.Wait()
	d := time.Since(t0)
	if s.err != nil {
		panic(s.err)
	}
	return d
}

func (s *smtpLoad) session(first, n int, data []byte) error {
	t := time.Now()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	r := bufio.NewReader(c)
	say := func(cmd, want string) error {
		if cmd != "" {
			if _, err := c.Write([]byte(cmd)); err != nil {
				return err
			}
		}
		got, err := reply(r)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(got, want) {
			return fmt.Errorf("smtp: %.40q: %s", cmd, got)
		}
		return nil
	}
	if err := say("", "220"); err != nil {
		return err
	}
	g := time.Since(t)
	if err := say("EHLO client.invalid\r\n", "250"); err != nil {
		return err
	}
	for i := 0; i < n; i++ {
		if err := say("MAIL FROM:<sender@bench.test>\r\n", "250"); err != nil {
			return err
		}
		if err := say("RCPT TO:<"+user(first+i)+"@"+domain+">\r\n", "250"); err != nil {
			return err
		}
		if err := say("DATA\r\n", "354"); err != nil {
			return err
		}
		if _, err := c.Write(data); err != nil {
			return err
		}
		t := time.Now()
		if err := say("", "250"); err != nil {
			return err
		}
		d := time.Since(t)
		s.mu.Lock()
		s.lat = append(s.lat, d)
		s.mu.Unlock()
	}
	s.mu.Lock()
	s.greet = append(s.greet, g)
	s.mu.Unlock()
	return say("QUIT\r\n", "221")
}

// W2: live = qmail-send runs and delivers meanwhile.
func (e *Env) wSmtp(per int, live bool) {
	n := e.sc(1000)
	if live {
		e.startSend()
	}
	e.startSmtpd()
	l := smtpLoad{addr: smtpAddr, conns: 20, perConn: per, total: n, msg: crlf(message(2048))}
	p0, c0, l0 := lastPid(), cpu(e.c.CgSut), cpu(e.c.CgLoad)
	d := l.run()
	e.fig("accepted msg/s", float64(n)/d.Seconds(), "+")
	if live {
		e.box.wait(n, 120*time.Second)
		e.waitEmpty(60 * time.Second)
	}
	c1, l1, p1 := cpu(e.c.CgSut), cpu(e.c.CgLoad), lastPid()
	e.fig("DATA reply ms p50", pct(l.lat, 50), "-")
	e.fig("DATA reply ms p99", pct(l.lat, 99), "-")
	e.fig("greeting ms p50", pct(l.greet, 50), "-")
	e.fig("CPU s/1000 msg", (c1-c0)*1000/float64(n), "-")
	e.fig("load generator CPU s/1000", (l1-l0)*1000/float64(n), "")
	e.fig("processes/msg", float64(p1-p0-1)/float64(n), "-")
}

// W7
func (e *Env) wBig() {
	size := 50 << 20
	if e.c.Scale < 1 {
		size = int(float64(size) * e.c.Scale)
	}
	e.startSend()
	e.startSmtpd()
	m := crlf(message(size))
	s := e.sampler(4*time.Millisecond, 0, true)
	l := smtpLoad{addr: smtpAddr, conns: 1, perConn: 1, total: 1, msg: m}
	c0 := cpu(e.c.CgSut)
	t0 := time.Now()
	d := l.run()
	t1 := e.box.wait(1, 120*time.Second)
	s.end()
	mb := float64(len(m)) / 1e6
	e.fig("accept MB/s", mb/d.Seconds(), "+")
	e.fig("end to end MB/s", mb/t1.Sub(t0).Seconds(), "+")
	e.fig("CPU s/GB", (cpu(e.c.CgSut)-c0)/mb*1000, "-")
	for _, c := range []string{"qmail-smtpd", "qmail-queue", "qmail-send", "qmail-lspawn", "qmail-local"} {
		e.fig("peak RSS MiB "+c, s.Hwm[c]/1024, "-")
	}
}

// W8
func (e *Env) wIdle() {
	n := 200
	e.startSmtpd()
	base, _, _ := e.pss()
	t0 := time.Now()
	var cs []net.Conn
	for i := 0; i < n; i++ {
		c, err := net.Dial("tcp", smtpAddr)
		must(err)
		r := bufio.NewReader(c)
		_, err = reply(r)
		must(err)
		c.Write([]byte("EHLO client.invalid\r\n"))
		_, err = reply(r)
		must(err)
		cs = append(cs, c)
	}
	d := time.Since(t0)
	time.Sleep(300 * time.Millisecond)
	tot, by, k := e.pss()
	e.fig("PSS KiB/session", (tot-base)/float64(n), "-")
	e.fig("total PSS MiB", tot/1024, "-")
	e.fig("qmail-smtpd processes", float64(k["qmail-smtpd"]), "")
	if k["qmail-smtpd"] > 0 {
		e.fig("PSS KiB/qmail-smtpd process", by["qmail-smtpd"]/float64(k["qmail-smtpd"]), "-")
	}
	e.fig("sessions opened/s", float64(n)/d.Seconds(), "+")
	for _, c := range cs {
		c.Close()
	}
}

// ---- sink: accepts everything

type Sink struct {
	mu        sync.Mutex
	cond      *sync.Cond
	n         int
	last      time.Time
	cur, peak int
	delay     time.Duration
}

func newSink(addr string, delay time.Duration) *Sink {
	l, err := net.Listen("tcp", addr)
	must(err)
	s := &Sink{delay: delay}
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
