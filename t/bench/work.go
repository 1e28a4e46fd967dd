//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"syscall"
	"time"
)

func (e *Env) sc(n int) int {
	k := int(float64(n) * e.c.Scale)
	if k < 10 {
		k = 10
	}
	return k
}

func pct(d []time.Duration, p float64) float64 { // ms
	if len(d) == 0 {
		return 0
	}
	s := append([]time.Duration(nil), d...)
	sort.Slice(s, func(i, j int) bool { return s[i] < s[j] })
	i := int(p / 100 * float64(len(s)))
	if i >= len(s) {
		i = len(s) - 1
	}
	return float64(s[i].Microseconds()) / 1000
}

func (e *Env) run() {
	var perf *exec.Cmd
	if e.c.Perf != "" {
		perf = exec.Command("perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "-a", "-g", "-o", e.c.Perf)
		must(perf.Start())
		time.Sleep(300 * time.Millisecond)
		defer func() { perf.Process.Signal(syscall.SIGINT); perf.Wait() }()
	}
	f := map[string]func(){
		"local": e.wLocal, "inject": e.wInject, "deliver": e.wDeliver,
		"smtp1":      func() { e.wSmtp(1, false) },
		"smtp20":     func() { e.wSmtp(20, false) },
		"smtptls1":   func() { e.wSmtpTLS(1) },
		"smtptls20":  func() { e.wSmtpTLS(20) },
		"smtp1live":  func() { e.wSmtp(1, true) },
		"smtp20live": func() { e.wSmtp(20, true) },
		"remote":     func() { e.wRemote(0) },
		"remote20ms": func() { e.wRemote(20 * time.Millisecond) },
		"held100":    func() { e.wHeld(100) },
		"held1000":   func() { e.wHeld(1000) },
		"fanout":     e.wFanout,
		"list":       e.wList, "backlog": e.wBacklog, "latency": e.wLatency,
		"big": e.wBig, "idle": e.wIdle, "syscalls": e.wSyscalls,
	}[e.c.Workload]
	if f == nil {
		panic("unknown workload " + e.c.Workload)
	}
	f()
}

// W1: many injectors, local delivery, everything running at once.
func (e *Env) wLocal() {
	n := e.sc(2000)
	e.startSend()
	in := e.injectors(10, n, 2048)
	meter := e.meter()
	t0 := time.Now()
	must(in.run())
	t1 := time.Now()
	t2 := e.box.wait(n, 120*time.Second)
	t3 := e.waitEmpty(60 * time.Second)
	e.fig("injected msg/s", float64(n)/t1.Sub(t0).Seconds(), "+")
	e.fig("delivered msg/s", float64(n)/t2.Sub(t0).Seconds(), "+")
	e.fig("queue empty msg/s", float64(n)/t3.Sub(t0).Seconds(), "+")
	meter.stop().figs(e, n, "msg")
}

func (e *Env) wInject() {
	n := e.sc(2000)
	in := e.injectors(10, n, 2048)
	meter := e.meter()
	t0 := time.Now()
	must(in.run())
	t1 := time.Now()
	e.fig("injected msg/s", float64(n)/t1.Sub(t0).Seconds(), "+")
	meter.stop().figs(e, n, "msg")
}

// deliver: todo is full when qmail-send starts.
func (e *Env) wDeliver() {
	n := e.sc(2000)
	e.burst(n)()
	syscall.Sync()
	meter := e.meter()
	t0 := time.Now()
	e.startSend()
	t1 := e.box.wait(1, 60*time.Second)
	t2 := e.box.wait(n, 120*time.Second)
	t3 := e.waitEmpty(60 * time.Second)
	e.fig("delivered msg/s", float64(n)/t2.Sub(t0).Seconds(), "+")
	e.fig("queue empty msg/s", float64(n)/t3.Sub(t0).Seconds(), "+")
	e.fig("first delivery s", t1.Sub(t0).Seconds(), "-")
	meter.stop().figs(e, n, "msg")
}

// W3: one message, many remote recipients in distinct domains.
func (e *Env) wRemote(delay time.Duration) {
	n := e.sc(1000)
	sink := newSink(sinkAddr, delay, nil)
	e.startSend()
	msg, env := message(2048), envelope("sender@"+domain, domains(n)...)
	s := e.sampler(40*time.Millisecond, 300*time.Millisecond, false)
	meter := e.meter()
	t0 := time.Now()
	must(queue(e.cgfd, msg, env))
	t1 := sink.wait(n, 120*time.Second)
	e.waitEmpty(60 * time.Second)
	s.end()
	e.fig("recipients/s", float64(n)/t1.Sub(t0).Seconds(), "+")
	meter.stop().figs(e, n, "rcpt")
	e.fig("peak processes", float64(s.Procs), "-")
	e.fig("peak PSS MiB", s.Pss/1024, "-")
	e.fig("peak sink connections", float64(sink.peak), "")
}

// sinkAddr is where smtproutes lead to.
const sinkAddr = "127.0.0.1:2526"

// domains are recipients in n domains.
func domains(n int) (recipients []string) {
	for i := range n {
		recipients = append(recipients, fmt.Sprintf("r@d%d.invalid", i))
	}
	return recipients
}

// wHeld: n remote deliveries at a time, which all wait. A home that was built for
// fewer has as many as it can.
func (e *Env) wHeld(n int) {
	must(os.WriteFile("/var/qmail/control/concurrencyremote", []byte(fmt.Sprintln(n)), 0644))
	hold := make(chan struct{})
	sink := newSink(sinkAddr, 0, hold)
	e.startSend()
	time.Sleep(300 * time.Millisecond)
	base, _, _ := e.pss()
	must(queue(e.cgfd, message(2048), envelope("sender@"+domain, domains(n)...)))
	held := 0
	for last := time.Now(); held < n && time.Since(last) < 5*time.Second; time.Sleep(20 * time.Millisecond) {
		if now := sink.connections(); now > held {
			held, last = now, time.Now()
		}
	}
	if held == 0 {
		panic("no remote delivery: " + e.logtail())
	}
	total, _, by := e.pss()
	processes := 0
	for _, k := range by {
		processes += k
	}
	e.fig("deliveries at a time", float64(held), "")
	e.fig("PSS KiB/delivery", (total-base)/float64(held), "-")
	e.fig("total PSS MiB", total/1024, "-")
	e.fig("processes", float64(processes), "-")
	close(hold)
	sink.wait(n, 120*time.Second)
}

// W4: one message, many local recipients.
func (e *Env) wList() {
	n := e.sc(1000)
	var rc []string
	for i := 0; i < n; i++ {
		rc = append(rc, user(i)+"@"+domain)
	}
	e.startSend()
	msg, env := message(2048), envelope("sender@"+domain, rc...)
	meter := e.meter()
	t0 := time.Now()
	must(queue(e.cgfd, msg, env))
	t1 := e.box.wait(n, 120*time.Second)
	e.waitEmpty(60 * time.Second)
	e.fig("recipients/s", float64(n)/t1.Sub(t0).Seconds(), "+")
	meter.stop().figs(e, n, "rcpt")
}

// W6
func (e *Env) wLatency() {
	n := e.sc(200)
	e.startSend()
	msg := message(2048)
	var inj, del []time.Duration
	for i := 0; i < n; i++ {
		t0 := time.Now()
		must(queue(e.cgfd, msg, envelope("sender@"+domain, user(i)+"@"+domain)))
		inj = append(inj, time.Since(t0))
		del = append(del, e.box.wait(i+1, 30*time.Second).Sub(t0))
		time.Sleep(5 * time.Millisecond)
	}
	e.fig("inject ms p50", pct(inj, 50), "-")
	e.fig("inject ms p99", pct(inj, 99), "-")
	e.fig("inject to new/ ms p50", pct(del, 50), "-")
	e.fig("inject to new/ ms p99", pct(del, 99), "-")
}

// ---- queue filled directly (the state a clean qmail-send exit leaves)

func lookup(file, name string, col int) int {
	b, _ := os.ReadFile(file)
	for _, l := range splitLines(b) {
		f := splitColon(l)
		if len(f) > col && f[0] == name {
			v, _ := strconv.Atoi(f[col])
			return v
		}
	}
	panic("no such user " + name)
}

func put(path string, data []byte, uid, gid int, mode uint32) uint64 {
	fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL|syscall.O_CLOEXEC, mode)
	must(err)
	syscall.Write(fd, data)
	must(syscall.Fchown(fd, uid, gid))
	must(syscall.Fchmod(fd, mode))
	var st syscall.Stat_t
	must(syscall.Fstat(fd, &st))
	syscall.Close(fd)
	return st.Ino
}

func (e *Env) sub(dir string, id uint64) string {
	return fmt.Sprintf("/var/qmail/queue/%s/%d/%d", dir, id%uint64(e.nsplt), id)
}

func (e *Env) qids() (q, s, g int) {
	return lookup("/etc/passwd", "qmailq", 2), lookup("/etc/passwd", "qmails", 2), lookup("/etc/group", "qmail", 2)
}

// deferred makes n messages that wait for a retry in an hour.
func (e *Env) deferred(n int) {
	uq, us, g := e.qids()
	msg := message(2048)
	next := time.Now().Add(time.Hour)
	for i := 0; i < n; i++ {
		t := fmt.Sprintf("/var/qmail/queue/pid/b.%d", i)
		id := put(t, msg, uq, g, 0644)
		must(os.Rename(t, e.sub("mess", id)))
		put(e.sub("info", id), []byte("Fsender@"+domain+"\x00"), us, g, 0600)
		r := e.sub("remote", id)
		put(r, []byte(fmt.Sprintf("Tr@dead%d.invalid\x00", i)), us, g, 0600)
		must(os.Chtimes(r, next, next))
	}
	syscall.Sync()
}

// burst prepares n local messages; the function returned puts them all into
// todo at once.
func (e *Env) burst(n int) func() {
	uq, _, g := e.qids()
	msg := message(2048)
	var list []uint64
	for i := 0; i < n; i++ {
		t := fmt.Sprintf("/var/qmail/queue/pid/c.%d", i)
		id := put(t, msg, uq, g, 0644)
		must(os.Rename(t, e.sub("mess", id)))
		put(fmt.Sprintf("/var/qmail/queue/intd/%d", id),
			[]byte(fmt.Sprintf("u0\x00p1\x00Fsender@%s\x00T%s@%s\x00", domain, user(i), domain)), uq, g, 0644)
		list = append(list, id)
	}
	return func() {
		for _, id := range list {
			must(os.Link(fmt.Sprintf("/var/qmail/queue/intd/%d", id), fmt.Sprintf("/var/qmail/queue/todo/%d", id)))
		}
		pull()
	}
}

// W5
func (e *Env) wBacklog() {
	nb, nl, nburst := e.sc(20000), e.sc(500), e.sc(5000)
	e.deferred(nb)
	in := e.injectors(10, nl, 2048)
	msg := message(2048)
	must(queue(e.cgfd, msg, envelope("sender@"+domain, user(0)+"@"+domain)))
	t0 := time.Now()
	e.startSend()
	e.fig("start to first delivery s", e.box.wait(1, 120*time.Second).Sub(t0).Seconds(), "-")
	time.Sleep(300 * time.Millisecond)
	var rss float64
	for _, p := range e.procs() {
		if v := field(fmt.Sprintf("/proc/%d/status", p), "VmRSS:"); comm(p) == "qmail-send" {
			rss += v
		}
	}
	pss, _, _ := e.pss()
	e.fig("qmail-send RSS MiB", rss/1024, "-")
	e.fig("all daemons PSS MiB", pss/1024, "-")
	t0 = time.Now()
	must(in.run())
	t1 := e.box.wait(1+nl, 120*time.Second)
	e.fig("500 new: delivered msg/s", float64(nl)/t1.Sub(t0).Seconds(), "+")
	time.Sleep(200 * time.Millisecond)
	// silly qmail syndrome: many new messages at once
	add := e.burst(nburst)
	syscall.Sync()
	base := e.box.count()
	t0 = time.Now()
	add()
	var todoDone time.Time
	atDone := 0
	for todoDone.IsZero() {
		time.Sleep(20 * time.Millisecond)
		if !cnt("/var/qmail/queue/todo", false) {
			todoDone = time.Now()
			atDone = e.box.count() - base
		}
		if time.Since(t0) > 300*time.Second {
			panic("burst: todo not processed")
		}
	}
	tf := e.box.wait(base+1, 60*time.Second)
	tl := e.box.wait(base+nburst, 300*time.Second)
	e.fig("burst: first delivery s", tf.Sub(t0).Seconds(), "-")
	e.fig("burst: todo empty s", todoDone.Sub(t0).Seconds(), "-")
	e.fig("burst: rate while todo full", float64(atDone)/todoDone.Sub(t0).Seconds(), "+")
	e.fig("burst: delivered when todo empty", float64(atDone), "")
	if nburst > atDone {
		e.fig("burst: rate afterwards", float64(nburst-atDone)/tl.Sub(todoDone).Seconds(), "")
	}
	e.fig("burst: delivered msg/s", float64(nburst)/tl.Sub(t0).Seconds(), "+")
	if e.c.Verbose {
		last := 0
		for s := 1; ; s++ {
			lim := t0.Add(time.Duration(s) * time.Second)
			k := sort.Search(len(e.box.times), func(i int) bool { return e.box.times[i].After(lim) }) - base
			fmt.Fprintf(os.Stderr, "burst second %d: %d\n", s, k-last)
			last = k
			if k >= nburst {
				break
			}
		}
	}
}

func (e *Env) wSyscalls() {
	n, _ := strconv.Atoi(os.Getenv("BENCH_STRACE_N"))
	dir := os.Getenv("BENCH_STRACE_DIR")
	e.startSend("strace", "-f", "-ff", "-qq", "-s", "64", "-o", filepath.Join(dir, "send"))
	e.startSmtpd("strace", "-f", "-ff", "-qq", "-s", "64", "-o", filepath.Join(dir, "smtpd"))
	in := e.injectors(1, n, 2048, "strace", "-f", "-ff", "-qq", "-s", "64", "-o", filepath.Join(dir, "inj"))
	must(in.run())
	e.box.wait(n, 120*time.Second)
	e.waitEmpty(60 * time.Second)
	cl := smtpLoad{addr: smtpAddr, conns: 1, perConn: 1, total: n, msg: crlf(message(2048))}
	cl.run()
	e.box.wait(2*n, 120*time.Second)
	e.waitEmpty(60 * time.Second)
}
