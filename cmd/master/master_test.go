package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/service"
)

// TestMain is also master, and a service that it starts.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("CYRUS_SERVICE") != "":
		serve()
	case os.Getenv("MASTER_TEST") != "":
		auto.Cyrus, auto.UserCyrus = os.Getenv("MASTER_TEST"), os.Getenv("MASTER_USER")
		os.Exit(run(os.Args))
	default:
		os.Exit(m.Run())
	}
}

// serve tells whoever connects the name of the service, its process and how often it was
// told to read its configuration.
func serve() {
	me, err := user.Current()
	if err != nil {
		os.Exit(1)
	}
	auto.UserCyrus = me.Username
	source, err := service.Open(nil)
	if err != nil {
		os.Exit(1)
	}
	var reloads atomic.Int32
	source.Serve(&service.Program{
		Serve: func(c net.Conn) {
			fmt.Fprintf(c, "%s %d %d\n", strings.Join(append([]string{service.Name("")}, os.Args[1:]...), "_"), os.Getpid(), reloads.Load())
			c.Close()
		},
		Ending: func() {},
		Reload: func() { reloads.Add(1) },
		Log:    func(error) {},
	})
	os.Exit(0)
}

// site is a master with its files.
type site struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
	log chan string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	if err := os.Symlink(os.Args[0], s.dir+"/served"); err != nil {
		t.Fatal(err)
	}
	s.write("imapd.conf", "configdirectory: "+s.dir)
	return s
}

func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(strings.ReplaceAll(text, "DIR", s.dir)), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// pid reads a file with a process id.
func (s *site) pid(name string) int {
	s.t.Helper()
	data, _ := os.ReadFile(filepath.Join(s.dir, name))
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		s.t.Fatal(err)
	}
	return pid
}

func (s *site) command(args ...string) *exec.Cmd {
	me, err := user.Current()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], append([]string{"-C", s.dir + "/imapd.conf", "-M", s.dir + "/cyrus.conf", "-p", s.dir + "/pid"}, args...)...)
	cmd.Env = append(os.Environ(), "MASTER_TEST="+s.dir, "MASTER_USER="+me.Username)
	return cmd
}

// start starts it and waits until it is ready.
func (s *site) start() {
	s.t.Helper()
	s.launch()
	s.await("ready for work")
}

// launch starts it.
func (s *site) launch() {
	s.t.Helper()
	s.cmd = s.command("-D")
	out, err := s.cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		s.cmd.Process.Signal(syscall.SIGTERM)
		s.cmd.Wait()
	})
	s.log = make(chan string, 1000)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			s.log <- lines.Text()
		}
		close(s.log)
	}()
}

// await waits for a line of the log that holds text.
func (s *site) await(text string) string {
	s.t.Helper()
	late := time.After(time.Minute)
	var seen []string
	for {
		select {
		case line, ok := <-s.log:
			if ok {
				seen = append(seen, line)
				if strings.Contains(line, text) {
					return line
				}
				continue
			}
		case <-late:
		}
		s.t.Fatalf("no %q in the log: %q", text, seen)
	}
}

// ask connects to a service until it answers.
func (s *site) ask(socket string) (name string, pid, reloads int) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("unix", filepath.Join(s.dir, socket))
		if err != nil {
			continue
		}
		c.SetDeadline(time.Now().Add(time.Minute))
		n, _ := fmt.Fscan(c, &name, &pid, &reloads)
		c.Close()
		if n == 3 {
			return name, pid, reloads
		}
	}
	s.t.Fatalf("nobody answers at %s", socket)
	return "", 0, 0
}

// until waits for a condition.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain: " + what)
		}
	}
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestLife(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("first", "#!/bin/sh\nsleep 0.1\necho first $1 >>DIR/order\n")
	s.write("second", "#!/bin/sh\necho second >>DIR/order\nexit 3\n")
	s.write("cyrus.conf", `START {
a cmd="first one"
missing cmd="idled"
b cmd="DIR/second"
}
SERVICES {
kept cmd="served" listen="DIR/made/kept" prefork=0
other cmd="served -s" listen="DIR/other" maxchild=5
leaves cmd="served" listen="DIR/leaves"
nothing cmd="timsieved" listen="sieve"
notify cmd="served" listen="DIR/notify" proto="udp"
}
EVENTS {
once cmd="first event"
}
`)
	s.start()
	order := func() string { data, _ := os.ReadFile(s.dir + "/order"); return string(data) }
	if got := order(); !strings.HasPrefix(got, "first one\nsecond\n") {
		t.Errorf("START: %q", got)
	}
	until(t, "the event", func() bool { return strings.HasSuffix(order(), "first event\n") })

	name, kept, _ := s.ask("made/kept")
	if name != "kept" {
		t.Errorf("kept is %s", name)
	}
	if fi, err := os.Stat(s.dir + "/made/kept"); err != nil || fi.Mode().Perm() != 0o777 {
		t.Errorf("its socket: %v, %v", fi.Mode(), err)
	}
	name, other, _ := s.ask("other")
	if name != "other_-s" {
		t.Errorf("other is %s", name)
	}
	_, leaves, _ := s.ask("leaves")

	// What dies is started again.
	syscall.Kill(kept, syscall.SIGKILL)
	s.await(fmt.Sprintf("service kept pid %d terminated abnormally: signaled to death by 9", kept))
	if _, again, _ := s.ask("made/kept"); again == kept {
		t.Error("a killed service answers")
	} else {
		kept = again
	}

	// A file that is wrong changes nothing.
	good, _ := os.ReadFile(s.dir + "/cyrus.conf")
	s.write("cyrus.conf", "SERVICES {\nkept cmd=served\n}\n")
	s.cmd.Process.Signal(syscall.SIGHUP)
	s.await("cyrus.conf:2: kept: no listen; nothing is changed")
	if _, pid, reloads := s.ask("made/kept"); pid != kept || reloads != 0 {
		t.Errorf("after a wrong file: pid %d, was %d; %d reloads", pid, kept, reloads)
	}

	next := strings.ReplaceAll(string(good), "leaves ", "comes ")
	next = strings.ReplaceAll(next, "/leaves", "/comes")
	next = strings.ReplaceAll(next, "served -s", "served -t")
	s.write("cyrus.conf", next)
	s.cmd.Process.Signal(syscall.SIGHUP)
	s.ask("comes")
	until(t, "HUP to a service that stays", func() bool { _, pid, reloads := s.ask("made/kept"); return pid == kept && reloads == 1 })
	until(t, "a service with another command", func() bool { name, pid, _ := s.ask("other"); return name == "other_-t" && pid != other })
	until(t, "the end of a service that is no longer listed", func() bool { return gone(leaves) })
	if _, err := os.Lstat(s.dir + "/leaves"); err == nil {
		t.Error("its socket is still there")
	}

	_, comes, _ := s.ask("comes")
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.await("All children have exited")
	if err := s.cmd.Wait(); err != nil {
		t.Error("master:", err)
	}
	if !gone(kept) || !gone(comes) {
		t.Error("processes are left")
	}
	for _, name := range []string{"pid", "made/kept", "comes"} {
		if _, err := os.Lstat(filepath.Join(s.dir, name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
}

// No HUP is lost or does harm while something starts.
func TestEarlyReload(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("slow", "#!/bin/sh\n>DIR/begun\nuntil test -e DIR/go; do sleep 0.01; done\n")
	s.write("told", "#!/bin/sh\nkill -HUP $$\n>DIR/lives\nexec sleep 1000\n")
	const conf = "START {\nslow cmd=slow\n}\nSERVICES {\ntold cmd=told listen=DIR/told.socket\n"
	s.write("cyrus.conf", conf+"}\n")
	s.launch()
	until(t, "START", func() bool { _, err := os.Stat(s.dir + "/begun"); return err == nil })
	s.write("cyrus.conf", conf+"comes cmd=served listen=DIR/comes\n}\n")
	s.cmd.Process.Signal(syscall.SIGHUP)
	s.write("go", "")
	s.await("got SIGHUP")
	s.ask("comes")
	until(t, "a service that is told at once", func() bool { _, err := os.Stat(s.dir + "/lives"); return err == nil })
}

// Configurations name programs that are not here: each is reported once.
func TestMissingProgram(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("cyrus.conf", "START {\nidled cmd=idled\n}\nSERVICES {\nsieve cmd=timsieved listen=sieve\n}\nDAEMON {\nx cmd=idled\n}\nEVENTS {\ntlsprune cmd=tls_prune at=0400\n}\n")
	s.cmd = s.command("-D")
	out, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Start()
	var text strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "ready for work") {
			s.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	s.cmd.Wait()
	for _, what := range []string{"'idled' (idled)", "'sieve' (timsieved)", "'tlsprune' (tls_prune)"} {
		if n := strings.Count(text.String(), "cannot find executable for "+what+" -- ignored"); n != 1 {
			t.Errorf("%s is reported %d times: %s", what, n, text.String())
		}
	}
	if strings.Contains(text.String(), "'x'") {
		t.Error("idled is reported twice")
	}
}

func TestServiceThatEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("bad", "#!/bin/sh\necho >>DIR/starts\nexit 1\n")
	s.write("cyrus.conf", "SERVICES {\nbad cmd=bad listen=DIR/socket\n}\n")
	s.start()
	s.await("service bad ends too often: starting it again in 2s")
	if starts, _ := os.ReadFile(s.dir + "/starts"); len(starts) != 3 && len(starts) != 4 { // the fourth if this is slow
		t.Errorf("%d starts, want one, one at once and one after a second", len(starts))
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	fails := func(code int, want string, args ...string) {
		t.Helper()
		out, err := s.command(args...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != code || !strings.Contains(string(out), want) {
			t.Errorf("%v: %s %v, want %d and %q", args, out, err, code, want)
		}
	}
	fails(exitUsage, "illegal option -- x", "-x")
	fails(exitUsage, "too many arguments", "start")
	fails(exitConfig, "no such file")
	s.write("cyrus.conf", "SERVICES {\nimap\n}\n")
	fails(exitConfig, s.dir+"/cyrus.conf:2: imap: no cmd", "-d")
	s.write("cyrus.conf", "SERVICES {\nimap cmd=served listen=DIR/socket\n}\n")
	s.start()
	fails(exitSystem, "another master runs")
	if name, _, _ := s.ask("socket"); name != "imap" {
		t.Error(name)
	}
}

// However many start while others end, there is one master, and the file is its own.
func TestClaim(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/pid"
	var masters atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 500 {
				f, err := claim(path)
				if err != nil {
					continue
				}
				if masters.Add(1) != 1 || !isAt(f, path) {
					t.Error("another master's file")
				}
				masters.Add(-1)
				os.Remove(path)
				f.Close()
			}
		})
	}
	all.Wait()
}

// A socket that another program has is no reason to serve nothing else.
func TestAddressInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newSite(t)
	s.write("cyrus.conf", "SERVICES {\na cmd=served listen="+l.Addr().String()+"\nb cmd=served listen=DIR/b\nc cmd=served listen=localhost:0\n}\n")
	s.start()
	s.ask("b")
	if data, err := os.ReadFile(s.dir + "/pid"); err != nil || strings.TrimSpace(string(data)) != strconv.Itoa(s.cmd.Process.Pid) {
		t.Errorf("pid file %q, %v", data, err)
	}
}

func TestBackground(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("stays", "#!/bin/sh\nsleep 1000 &\necho $! >DIR/sleeper\n") // nobody waits for it
	s.write("cyrus.conf", "START {\nstays cmd=stays\n}\nSERVICES {\na cmd=served listen=DIR/a\n}\n")
	t.Cleanup(func() { syscall.Kill(s.pid("sleeper"), syscall.SIGKILL) })
	cmd := s.command("-d")
	defer time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }).Stop()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if text, err := io.ReadAll(r); err != nil || len(text) > 0 { // at its end once all have let go
		t.Errorf("%q, %v", text, err)
	}
	_, service, _ := s.ask("a")
	pid := s.pid("pid")
	// Killed, it leaves no service that holds the sockets.
	if runtime.GOOS == "linux" {
		syscall.Kill(pid, syscall.SIGKILL)
		until(t, "the end of the service", func() bool { return gone(service) })
		return
	}
	syscall.Kill(pid, syscall.SIGTERM)
	until(t, "the end", func() bool { return gone(pid) && gone(service) })
}

func TestHostPort(t *testing.T) {
	for listen, want := range map[string][2]string{
		"imap": {"", "imap"}, "143": {"", "143"}, "*:imap": {"", "imap"}, "[::1]:imap": {"::1", "imap"}, "127.0.0.1:143": {"127.0.0.1", "143"}, "mail.example:imaps": {"mail.example", "imaps"},
	} {
		if host, port := hostPort(listen); host != want[0] || port != want[1] {
			t.Errorf("%s: %q, %q", listen, host, port)
		}
	}
	for name, want := range map[string]int{"imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995, "2143": 2143} {
		if n, err := portOf(name); n != want || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if _, err := portOf("no-such-service"); err == nil {
		t.Error("no-such-service is a port")
	}
}
