//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
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
	listener := "/usr/bin/tcpserver"
	if own := "/var/qmail/bin/qmail-listen"; exists(own) {
		listener = own
	}
	argv := []string{listener, "-H", "-R", "-l", "0", "-c", "1200", "-b", "1200",
		"-u", fmt.Sprint(lookup("/etc/passwd", "qmaild", 2)), "-g", fmt.Sprint(lookup("/etc/group", "nofiles", 2)),
		"127.0.0.1", "2525", "/var/qmail/bin/qmail-smtpd"}
	if exists("/var/qmail/bench.smtpd") {
		argv = []string{"/var/qmail/bench.smtpd"} // must listen on 127.0.0.1:2525
	}
	if !e.isPostfix() {
		e.start(append(wrap, argv...)...)
	}
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

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
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

// W4 by SMTP: one message to many users of their own.
func (e *Env) wFanout() {
	n := e.sc(1000)
	for i := range nusers {
		must(os.WriteFile(e.c.Work+"/users/"+user(i)+"/.qmail-default", []byte("./Maildir/\n"), 0644))
	}
	e.startSend()
	e.startSmtpd()
	meter := e.meter()
	t0 := time.Now()
	c, err := net.Dial("tcp", smtpAddr)
	must(err)
	defer c.Close()
	r := bufio.NewReader(c)
	say := func(text, want string) {
		c.Write([]byte(text))
		if got, err := reply(r); err != nil || !strings.HasPrefix(got, want) {
			panic(fmt.Errorf("smtp: %.40q: %s %v", text, got, err))
		}
	}
	say("", "220")
	say("EHLO client.invalid\r\n", "250")
	say("MAIL FROM:<sender@bench.test>\r\n", "250")
	for i := range n {
		say(fmt.Sprintf("RCPT TO:<%s-%d@%s>\r\n", user(i), i, domain), "250")
	}
	say("DATA\r\n", "354")
	say(string(crlf(message(2048)))+".\r\n", "250")
	t1 := e.box.wait(n, 120*time.Second)
	e.waitEmpty(60 * time.Second)
	e.fig("recipients/s", float64(n)/t1.Sub(t0).Seconds(), "+")
	meter.stop().figs(e, n, "rcpt")
}

type smtpLoad struct {
	addr                  string
	conns, perConn, total int
	msg                   []byte // CRLF, no dots at line starts
	tls                   bool
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
	defer func() { c.Close() }()
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
	if s.tls {
		if err := say("STARTTLS\r\n", "220"); err != nil {
			return err
		}
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		r.Reset(c)
		if err := say("EHLO client.invalid\r\n", "250"); err != nil {
			return err
		}
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

// smtpFigs are what one load of 1,000 messages took.
type smtpFigs struct {
	*smtpLoad
	seconds float64 // until all was accepted
	all     float64 // and until after returned
	spent
}

// smtp gives n messages to qmail-smtpd; after waits for what is part of it too.
func (e *Env) smtp(n, per int, secure bool, after func()) smtpFigs {
	l := &smtpLoad{addr: smtpAddr, conns: 20, perConn: per, total: n, msg: crlf(message(2048)), tls: secure}
	meter := e.meter()
	t0 := time.Now()
	d := l.run()
	after()
	return smtpFigs{l, d.Seconds(), time.Since(t0).Seconds(), meter.stop()}
}

func (e *Env) smtpFigs(n int, f smtpFigs) {
	e.fig("accepted msg/s", float64(n)/f.seconds, "+")
	e.fig("DATA reply ms p50", pct(f.lat, 50), "-")
	e.fig("DATA reply ms p99", pct(f.lat, 99), "-")
	e.fig("greeting ms p50", pct(f.greet, 50), "-")
	f.figs(e, n, "msg")
}

// W2: live = qmail-send runs and delivers meanwhile.
func (e *Env) wSmtp(per int, live bool) {
	n := e.sc(1000)
	drained := func() {}
	if live {
		e.startSend()
		drained = func() { e.box.wait(n, 120*time.Second) }
	}
	e.startSmtpd()
	f := e.smtp(n, per, false, drained)
	e.smtpFigs(n, f)
	if live {
		e.fig("in mailboxes msg/s", float64(n)/f.all, "+")
	}
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
