//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	syscall.Mount("tracefs", traceDir, "tracefs", 0, "") // without it there are no counts
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
	if e.isPostfix() {
		e.layPostfix(c.Work + "/postfix")
	} else {
		e.layHome(c.Work + "/home")
	}
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
	if e.isPostfix() {
		passwd, group := postfixAccounts()
		ps, gs = ps+passwd, gs+group
	}
	must(os.WriteFile(c.Work+"/passwd", []byte(ps), 0644))
	must(os.WriteFile(c.Work+"/group", []byte(gs), 0644))
	mount(c.Work+"/passwd", "/etc/passwd", "", syscall.MS_BIND, "")
	mount(c.Work+"/group", "/etc/group", "", syscall.MS_BIND, "")
	must(os.WriteFile(c.Work+"/nsswitch.conf", []byte("passwd: files\ngroup: files\n"), 0644))
	if exists("/etc/nsswitch.conf") {
		mount(c.Work+"/nsswitch.conf", "/etc/nsswitch.conf", "", syscall.MS_BIND, "")
	}
	if c.Dirsync != "" {
		dirs := []string{c.Work + "/home/queue"}
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

// layHome shows a copy of the home, with an empty queue, as /var/qmail.
func (e *Env) layHome(h string) {
	c := e.c
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
}

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
	if e.isPostfix() {
		e.startPostfix()
		return
	}
	argv := []string{"/var/qmail/bin/qmail-start", "./Maildir/"}
	if exists("/var/qmail/bench.start") {
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
