//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	nusers = 50
	uid0   = 60100
	domain = "bench.test"
)

func user(i int) string { return fmt.Sprintf("bu%02d", i%nusers) }

type Env struct {
	c     Config
	figs  []Fig
	cgfd  int // sut cgroup
	logf  *os.File
	nsplt int
	box   *Watch
}

func (e *Env) fig(name string, v float64, better string) {
	e.figs = append(e.figs, Fig{name, v, better})
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func inner() {
	var c Config
	must(json.Unmarshal([]byte(os.Args[2]), &c))
	out := os.NewFile(3, "out")
	syscall.CloseOnExec(3)
	var res Result
	e := &Env{c: c}
	func() {
		defer func() {
			if r := recover(); r != nil {
				res.Err = fmt.Sprint(r)
				if c.Verbose {
					panic(r)
				}
			}
		}()
		e.setup()
		e.run()
	}()
	res.Figs = e.figs
	json.NewEncoder(out).Encode(res)
	out.Close()
	os.Exit(0) // pid 1: the kernel kills the rest
}

func mount(src, dst, typ string, fl uintptr, data string) {
	if err := syscall.Mount(src, dst, typ, fl, data); err != nil {
		panic(fmt.Errorf("mount %s %s: %v", src, dst, err))
	}
}

func loUp() {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	defer syscall.Close(s)
	var ifr [40]byte
	copy(ifr[:], "lo")
	*(*uint16)(unsafe.Pointer(&ifr[16])) = syscall.IFF_UP | syscall.IFF_RUNNING
	if _, _, en := syscall.Syscall(syscall.SYS_IOCTL, uintptr(s), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&ifr))); en != 0 {
		panic(en)
	}
}

func cp(src, dst string) {
	if b, err := exec.Command("cp", "-a", src, dst).CombinedOutput(); err != nil {
		panic(fmt.Errorf("cp %s: %s", src, b))
	}
}

// skeleton replicates the directories (not the files) of src.
func skeleton(src, dst string) {
	filepath.Walk(src, func(p string, fi os.FileInfo, err error) error {
		if err != nil || !fi.IsDir() {
			return nil
		}
		rel, _ := filepath.Rel(src, p)
		d := filepath.Join(dst, rel)
		st := fi.Sys().(*syscall.Stat_t)
		must(os.Mkdir(d, 0700))
		must(os.Chown(d, int(st.Uid), int(st.Gid)))
		must(syscall.Chmod(d, st.Mode&07777))
		return nil
	})
}

func (e *Env) setup() {
	c := e.c
	mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	mount("proc", "/proc", "proc", 0, "")
	loUp()
	syscall.Sethostname([]byte(domain))
	if c.Tmpfs {
		mount("tmpfs", c.Work, "tmpfs", 0, "mode=755,size=8g")
	}
	if c.Img != "" {
		if b, err := exec.Command("mount", "-t", "ext4", "-o", "loop,noinit_itable,nodiscard", c.Img, c.Work).CombinedOutput(); err != nil {
			panic(fmt.Errorf("mount: %s", b))
		}
		os.Chmod(c.Work, 0755)
	}
	h := c.Work + "/home"
	must(os.Mkdir(h, 0755))
	ents, err := os.ReadDir(c.Home)
	must(err)
	for _, d := range ents {
		s, t := c.Home+"/"+d.Name(), h+"/"+d.Name()
		switch d.Name() {
		case "queue":
			skeleton(s, t)
			lk, _ := os.ReadDir(s + "/lock")
			for _, f := range lk {
				cp(s+"/lock/"+f.Name(), t+"/lock/"+f.Name())
			}
		case "control":
			must(os.Mkdir(t, 0755))
		case "users", "alias":
			cp(s, t)
		default:
			if d.IsDir() {
				must(os.Mkdir(t, 0755))
				mount(s, t, "", syscall.MS_BIND, "")
			} else {
				cp(s, t)
			}
		}
	}
	ctl := map[string]string{
		"me": domain, "locals": domain, "rcpthosts": domain, "defaultdomain": domain, "plusdomain": domain,
		"concurrencylocal": "30", "concurrencyremote": "100", "smtproutes": ":[127.0.0.1]:2526",
	}
	for k, v := range ctl {
		must(os.WriteFile(h+"/control/"+k, []byte(v+"\n"), 0644))
	}
	if over, err := os.ReadDir(c.Home + "/bench.control"); err == nil {
		for _, f := range over {
			cp(c.Home+"/bench.control/"+f.Name(), h+"/control/"+f.Name())
		}
	}
	mount(h, "/var/qmail", "", syscall.MS_BIND|syscall.MS_REC, "")
	pw, _ := os.ReadFile("/etc/passwd")
	gr, _ := os.ReadFile("/etc/group")
	ps, gs := string(pw), string(gr)
	must(os.Mkdir(c.Work+"/users", 0755))
	for i := 0; i < nusers; i++ {
		u, id := user(i), uid0+i
		hd := c.Work + "/users/" + u
		ps += fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh\n", u, id, id, hd)
		gs += fmt.Sprintf("%s:x:%d:\n", u, id)
		for _, d := range []string{"", "/Maildir", "/Maildir/tmp", "/Maildir/new", "/Maildir/cur"} {
			must(os.Mkdir(hd+d, 0700))
			must(os.Chown(hd+d, id, id))
		}
	}
	must(os.WriteFile(c.Work+"/passwd", []byte(ps), 0644))
	must(os.WriteFile(c.Work+"/group", []byte(gs), 0644))
	mount(c.Work+"/passwd", "/etc/passwd", "", syscall.MS_BIND, "")
	mount(c.Work+"/group", "/etc/group", "", syscall.MS_BIND, "")
	if c.Dirsync != "" {
		dirs := []string{h + "/queue"}
		if c.DirsyncM {
			dirs = append(dirs, c.Work+"/users")
		}
		for _, d := range dirs {
			b, err := exec.Command("sh", "-c", "find "+d+" -type d -exec chattr +"+c.Dirsync+" {} +").CombinedOutput()
			if err != nil {
				panic(fmt.Errorf("chattr: %s", b))
			}
		}
	}
	sub, _ := os.ReadDir("/var/qmail/queue/mess")
	e.nsplt = len(sub)
	fd, err := syscall.Open(c.CgSut, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	must(err)
	e.cgfd = fd
	e.logf, err = os.Create(c.Work + "/log")
	must(err)
	e.box = newWatch()
	for i := 0; i < nusers; i++ {
		e.box.add(c.Work + "/users/" + user(i) + "/Maildir/new")
	}
	go e.box.loop()
	os.Setenv("PATH", "/var/qmail/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
	os.Unsetenv("BENCH_DIR")
	syscall.Sync()
}

// ---- processes under test

func (e *Env) start(argv ...string) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = e.logf, e.logf
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: e.cgfd}
	must(cmd.Start())
	go cmd.Wait()
	return cmd
}

func (e *Env) startSend(wrap ...string) {
	argv := []string{"/var/qmail/bin/qmail-start", "./Maildir/"}
	if _, err := os.Stat("/var/qmail/bench.start"); err == nil {
		argv = []string{"/var/qmail/bench.start"}
	}
	e.start(append(wrap, argv...)...)
	e.waitTrigger()
}

func (e *Env) waitTrigger() {
	for i := 0; i < 3000; i++ {
		if fd, err := syscall.Open("/var/qmail/queue/lock/trigger", syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0); err == nil {
			syscall.Close(fd)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	panic("qmail-send did not start: " + e.logtail())
}

func (e *Env) logtail() string {
	b, _ := os.ReadFile(e.c.Work + "/log")
	if len(b) > 400 {
		b = b[len(b)-400:]
	}
	return string(b)
}

func pull() {
	fd, err := syscall.Open("/var/qmail/queue/lock/trigger", syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err == nil {
		syscall.Write(fd, []byte{0})
		syscall.Close(fd)
	}
}

func cpu(cg string) float64 { // seconds
	b, _ := os.ReadFile(cg + "/cpu.stat")
	for _, l := range strings.Split(string(b), "\n") {
		if f := strings.Fields(l); len(f) == 2 && f[0] == "usage_usec" {
			v, _ := strconv.ParseFloat(f[1], 64)
			return v / 1e6
		}
	}
	return 0
}

// lastPid returns the number of tasks made in this pid namespace so far.
func lastPid() int {
	cmd := exec.Command("/bin/true")
	must(cmd.Start())
	p := cmd.Process.Pid
	cmd.Wait()
	return p
}

func (e *Env) procs() []int {
	b, _ := os.ReadFile(e.c.CgSut + "/cgroup.procs")
	var r []int
	for _, f := range strings.Fields(string(b)) {
		if p, _ := strconv.Atoi(f); p > 0 {
			r = append(r, p)
		}
	}
	return r
}

func comm(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(b))
}

func field(path, key string) float64 { // KiB
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, key) {
			if f := strings.Fields(l); len(f) > 1 {
				v, _ := strconv.ParseFloat(f[1], 64)
				return v
			}
		}
	}
	return 0
}

func (e *Env) pss() (total float64, by map[string]float64, n map[string]int) {
	by, n = map[string]float64{}, map[string]int{}
	for _, p := range e.procs() {
		v := field(fmt.Sprintf("/proc/%d/smaps_rollup", p), "Pss:")
		c := comm(p)
		total += v
		by[c] += v
		n[c]++
	}
	return
}

type Sampler struct {
	stop              chan bool
	done              chan bool
	Procs             int
	Pss               float64
	PeakProcsByCounts map[string]int
	Hwm               map[string]float64
}

// sampler watches process count (every step), PSS (every pssEvery) and VmHWM.
func (e *Env) sampler(step, pssEvery time.Duration, hwm bool) *Sampler {
	s := &Sampler{stop: make(chan bool), done: make(chan bool), Hwm: map[string]float64{}}
	go func() {
		defer close(s.done)
		var last time.Time
		for {
			select {
			case <-s.stop:
				return
			case <-time.After(step):
			}
			ps := e.procs()
			if len(ps) > s.Procs {
				s.Procs = len(ps)
			}
			if hwm {
				for _, p := range ps {
					c := comm(p)
					if v := field(fmt.Sprintf("/proc/%d/status", p), "VmHWM:"); v > s.Hwm[c] {
						s.Hwm[c] = v
					}
				}
			}
			if pssEvery > 0 && time.Since(last) > pssEvery {
				if t, _, _ := e.pss(); t > s.Pss {
					s.Pss = t
				}
				last = time.Now()
			}
		}
	}()
	return s
}

func (s *Sampler) end() { close(s.stop); <-s.done }

// ---- Maildir watch

type Watch struct {
	fd    int
	mu    sync.Mutex
	cond  *sync.Cond
	times []time.Time
}

func newWatch() *Watch {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC)
	must(err)
	w := &Watch{fd: fd}
	w.cond = sync.NewCond(&w.mu)
	return w
}

func (w *Watch) add(d string) {
	_, err := syscall.InotifyAddWatch(w.fd, d, syscall.IN_CREATE|syscall.IN_MOVED_TO)
	must(err)
}

func (w *Watch) loop() {
	buf := make([]byte, 1<<16)
	for {
		n, err := syscall.Read(w.fd, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return
		}
		now := time.Now()
		w.mu.Lock()
		for o := 0; o+16 <= n; {
			l := *(*uint32)(unsafe.Pointer(&buf[o+12]))
			o += 16 + int(l)
			w.times = append(w.times, now)
		}
		w.mu.Unlock()
		w.cond.Broadcast()
	}
}

func (w *Watch) count() int { w.mu.Lock(); defer w.mu.Unlock(); return len(w.times) }

// wait waits until at least n files appeared; returns the time of the n-th.
func (w *Watch) wait(n int, max time.Duration) time.Time {
	end := time.Now().Add(max)
	t := time.AfterFunc(max, func() { w.cond.Broadcast() })
	defer t.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.times) < n {
		if time.Now().After(end) {
			panic(fmt.Errorf("timeout: %d of %d deliveries", len(w.times), n))
		}
		w.cond.Wait()
	}
	return w.times[n-1]
}

func (e *Env) waitEmpty(max time.Duration) time.Time {
	end := time.Now().Add(max)
	for {
		busy := false
		for _, d := range []string{"todo", "mess", "info"} {
			if cnt("/var/qmail/queue/"+d, d != "todo") {
				busy = true
				break
			}
		}
		if !busy {
			return time.Now()
		}
		if time.Now().After(end) {
			panic("queue does not drain: " + e.logtail())
		}
		time.Sleep(15 * time.Millisecond)
	}
}

func cnt(dir string, sub bool) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	if !sub {
		return len(names) > 0
	}
	for _, n := range names {
		if cnt(dir+"/"+n, false) {
			return true
		}
	}
	return false
}

// ---- injection

func message(size int) []byte {
	var b strings.Builder
	b.WriteString("From: <sender@bench.test>\nTo: <list@bench.test>\nSubject: bench\nMessage-ID: <1.2.3@bench.test>\nDate: Thu, 01 Jan 2026 00:00:00 +0000\n\n")
	line := "The quick brown fox jumps over the lazy dog and runs on for a while.\n"
	for b.Len()+len(line) <= size {
		b.WriteString(line)
	}
	return []byte(b.String())
}

func envelope(sender string, rcpts ...string) []byte {
	b := []byte("F" + sender + "\x00")
	for _, r := range rcpts {
		b = append(b, "T"+r+"\x00"...)
	}
	return append(b, 0)
}

var devnull int = -1

// queue runs qmail-queue once (message and envelope must fit in pipes).
func queue(cgfd int, msg, env []byte) error {
	if devnull < 0 {
		devnull, _ = syscall.Open("/dev/null", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	}
	var p, q [2]int
	if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
		return err
	}
	if err := syscall.Pipe2(q[:], syscall.O_CLOEXEC); err != nil {
		return err
	}
	syscall.Write(p[1], msg)
	syscall.Close(p[1])
	syscall.Write(q[1], env)
	syscall.Close(q[1])
	attr := &syscall.ProcAttr{Files: []uintptr{uintptr(p[0]), uintptr(q[0]), uintptr(devnull)}, Env: []string{"PATH=/bin"}}
	if cgfd >= 0 {
		attr.Sys = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: cgfd}
	}
	pid, err := syscall.ForkExec("/var/qmail/bin/qmail-queue", []string{"qmail-queue"}, attr)
	syscall.Close(p[0])
	syscall.Close(q[0])
	if err != nil {
		return err
	}
	var ws syscall.WaitStatus
	for {
		_, err = syscall.Wait4(pid, &ws, 0, nil)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return err
	}
	if ws.ExitStatus() != 0 {
		return fmt.Errorf("qmail-queue exit %d", ws.ExitStatus())
	}
	return nil
}

type injJob struct {
	N, First, Size int
	Cg             string
}

// injworker: a separate process, so that forks do not wait for one another.
func injworker() {
	var j injJob
	must(json.Unmarshal([]byte(os.Args[2]), &j))
	fd := -1
	if j.Cg != "" {
		var err error
		fd, err = syscall.Open(j.Cg, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		must(err)
	}
	msg := message(j.Size)
	os.Stdout.WriteString("r")
	var b [1]byte
	os.Stdin.Read(b[:])
	for i := 0; i < j.N; i++ {
		if err := queue(fd, msg, envelope("sender@"+domain, user(j.First+i)+"@"+domain)); err != nil {
			fmt.Fprintln(os.Stderr, "injworker:", err)
			os.Exit(1)
		}
	}
}

type Injectors struct {
	cmds []*exec.Cmd
	in   []interface{ Close() error }
}

func (e *Env) injectors(par, total, size int, wrap ...string) *Injectors {
	in := &Injectors{}
	for i := 0; i < par; i++ {
		n := total / par
		if i < total%par {
			n++
		}
		cg := e.c.CgSut
		if len(wrap) > 0 {
			cg = ""
		}
		js, _ := json.Marshal(injJob{n, i * (total/par + 3), size, cg})
		argv := append(append([]string{}, wrap...), "/proc/self/exe", "injworker", string(js))
		if len(wrap) > 0 {
			self, _ := os.Readlink("/proc/self/exe")
			argv[len(wrap)] = self
		}
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stderr = os.Stderr
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=off")
		w, _ := cmd.StdinPipe()
		r, _ := cmd.StdoutPipe()
		must(cmd.Start())
		var b [1]byte
		r.Read(b[:])
		in.cmds = append(in.cmds, cmd)
		in.in = append(in.in, w)
	}
	return in
}

func (in *Injectors) run() (err error) {
	for _, w := range in.in {
		w.Close() // EOF: go
	}
	for _, c := range in.cmds {
		if e := c.Wait(); e != nil {
			err = errors.Join(err, e)
		}
	}
	return
}
