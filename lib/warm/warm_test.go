//go:build linux

package warm

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/child"
)

// In a process that a test starts, the test is a program that stays.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 0 && filepath.Base(os.Args[0]) == "one":
		One(play)
	case len(os.Args) > 0 && filepath.Base(os.Args[0]) == "many":
		Many(play)
	}
	os.Exit(m.Run())
}

// play does what its first argument says.
func play(c *call.Call) int {
	switch c.Arg(1) {
	case "tell":
		mine, _ := io.ReadAll(c.In())
		fmt.Fprintf(c.Out(), "%d %q %q %q", os.Getpid(), c.Args, c.Env.Get("NAME"), mine)
		return 7
	case "die":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "panic":
		panic("a defect")
	case "wait": // until the other end of descriptor 0 closes
		c.Out().WriteString("waiting")
		io.Copy(io.Discard, c.In())
		return 3
	case "enough":
		NoMore()
	case "pid":
		fmt.Fprint(c.Out(), c.Pid)
	}
	return 0
}

// install puts the program, by the way that it is to be called, into a
// directory of its own.
func install(t *testing.T, way string) (path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), way)
	b, err := os.ReadFile(self)
	if err == nil {
		err = os.WriteFile(path, b, 0o755)
	}
	if err == nil {
		err = Mark(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func newPool(way string) *Pool {
	return &Pool{
		Classic: func(cmd child.Cmd) (int, error) { return cmd.Start() },
		Many:    way == "many",
		Size:    2, Calls: 1000, Idle: time.Hour,
	}
}

// started is a program that runs, and what it is connected to.
type started struct {
	t *testing.T
	Process
	in, out *os.File
}

func start1(t *testing.T, p *Pool, path string, args ...string) started {
	t.Helper()
	in, toIn, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fromOut, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	proc, err := p.Start(child.Cmd{
		Path: path, Args: append([]string{path}, args...), Env: call.Env{"NAME=value", "NAME=no"},
		Files: []*os.File{in, out, os.Stderr},
	})
	if err != nil {
		t.Fatal(err)
	}
	return started{t, proc, toIn, fromOut}
}

// end closes the program's input, reads what it says and waits.
func (s started) end() (said string, status syscall.WaitStatus) {
	s.t.Helper()
	s.in.Close()
	b, err := io.ReadAll(s.out)
	if err != nil {
		s.t.Fatal(err)
	}
	s.out.Close()
	status, err = s.Wait()
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b), status
}

// pid starts the program and returns the process that served it.
func pid(t *testing.T, p *Pool, path string) int {
	t.Helper()
	s := start1(t, p, path, "tell")
	s.in.WriteString("input")
	said, status := s.end()
	var pid int
	var rest string
	fmt.Sscan(said, &pid)
	_, rest, _ = strings.Cut(said, " ")
	if want := fmt.Sprintf("%q %q %q", []string{path, "tell"}, "value", "input"); rest != want {
		t.Errorf("said %s, want %s", rest, want)
	}
	if !status.Exited() || status.ExitStatus() != 7 {
		t.Errorf("status %#x", status)
	}
	return pid
}

func TestCalls(t *testing.T) {
	for _, way := range []string{"one", "many"} {
		p, path := newPool(way), install(t, way)
		first := pid(t, p, path)
		for range 5 {
			if again := pid(t, p, path); again != first {
				t.Errorf("%s: process %d after %d", way, again, first)
			}
		}
		own := map[string]bool{}
		for range 3 {
			s := start1(t, p, path, "pid")
			said, _ := s.end()
			if own[said] || said != fmt.Sprint(s.Pid) {
				t.Errorf("%s: a call thinks it is %s, its caller that it is %d", way, said, s.Pid)
			}
			own[said] = true
		}
	}
}

// A call that has to wait hinders no other.
func TestBeside(t *testing.T) {
	for _, way := range []string{"one", "many"} {
		p, path := newPool(way), install(t, way)
		first := pid(t, p, path)
		var waiting []started
		for range 3 { // of which one finds no room in a pool of 2, if calls come one by one
			s := start1(t, p, path, "wait")
			io.ReadFull(s.out, make([]byte, len("waiting")))
			waiting = append(waiting, s)
		}
		if got := pid(t, p, path); (got == first) != (way == "many") {
			t.Errorf("%s: first %d, then %d", way, first, got)
		}
		for _, s := range waiting {
			if _, status := s.end(); status.ExitStatus() != 3 {
				t.Errorf("%s: status %#x", way, status)
			}
		}
		if p.size != map[string]int{"one": 2, "many": 1}[way] {
			t.Errorf("%s: %d processes", way, p.size)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	p, path := newPool("many"), install(t, "many")
	var done sync.WaitGroup
	for range 50 {
		done.Go(func() { pid(t, p, path) })
	}
	done.Wait()
}

// Who comes while it is not known yet whether a program understands waits for that.
func TestManyAtFirst(t *testing.T) {
	p, path := newPool("one"), install(t, "one")
	p.Size = 8
	var alone atomic.Int32
	p.Classic = func(cmd child.Cmd) (int, error) {
		if _, stays := cmd.Env.Lookup(Variable); !stays {
			alone.Add(1)
		}
		return cmd.Start()
	}
	var done sync.WaitGroup
	for range p.Size {
		done.Go(func() { pid(t, p, path) })
	}
	done.Wait()
	if n := alone.Load(); n > 0 {
		t.Errorf("%d were started for one call", n)
	}
}

// Programs that do not understand are started for each call, and so is what a
// script in front of one makes of it.
func TestClassic(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	log := script + ".log"
	for line, want := range map[string]string{
		`echo $# $1 $QMAILWARM >>` + log + `; cat; exit 5`:                               "1 wait\n1 wait\n1 wait\n",
		`echo $# $1 $QMAILWARM >>` + log + `; exec ` + install(t, "one") + ` "$@"`:       "1 wait\n1 wait\n1 wait\n",
		`echo $# $1 $QMAILWARM >>` + log + `; cat; exit 5 # of the size of one that can`: "0 3\n1 wait\n1 wait\n1 wait\n",
	} {
		os.Remove(script)
		os.Remove(log)
		err := os.WriteFile(script, []byte("#!/bin/sh\n"+line+"\nexit\n"), 0o755)
		if err == nil && strings.Contains(line, "#") && strings.Contains(line, "size") {
			err = Mark(script)
		}
		if err != nil {
			t.Fatal(err)
		}
		p := newPool("one")
		pids := map[int]bool{}
		for range 3 {
			s := start1(t, p, script, "wait")
			pids[s.Pid] = true
			if _, status := s.end(); status.ExitStatus() != 5 && status.ExitStatus() != 3 {
				t.Errorf("%s: status %#x", line, status)
			}
		}
		got, _ := os.ReadFile(log)
		if string(got) != want {
			t.Errorf("%s: started with %q, want %q", line, got, want)
		}
		if len(pids) != 3 {
			t.Errorf("%s: %d processes", line, len(pids))
		}
	}
	_, err := newPool("one").Start(child.Cmd{Path: "/nonexistent", Args: []string{"/nonexistent"}})
	if err != syscall.ENOENT {
		t.Errorf("no program: %v", err)
	}
}

func TestDeath(t *testing.T) {
	for _, way := range []string{"one", "many"} {
		p, path := newPool(way), install(t, way)
		first := pid(t, p, path)
		for _, how := range []string{"die", "panic"} {
			if _, status := start1(t, p, path, how).end(); !status.Signaled() {
				t.Errorf("%s, %s: status %#x", way, how, status)
			}
		}
		if pid(t, p, path) == first {
			t.Errorf("%s: the process is still there", way)
		}
	}
	// One that dies with nothing to do is noticed before the next call, or by it.
	p, path := newPool("one"), install(t, "one")
	syscall.Kill(pid(t, p, path), syscall.SIGKILL)
	await(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.size == 0 })
	pid(t, p, path)
}

// A process ends after enough calls, after a while, when others need its place,
// and when it is another program.
func TestEnd(t *testing.T) {
	path := install(t, "one")
	p := newPool("one")
	p.Calls = 2
	first := pid(t, p, path)
	if pid(t, p, path) != first || pid(t, p, path) == first {
		t.Error("after 2 calls")
	}
	awaitEnd(t, first)

	p = newPool("one")
	p.Idle = time.Millisecond
	awaitEnd(t, pid(t, p, path))

	p = newPool("one")
	p.Size = 1
	other, began := install(t, "one"), time.Now()
	first = pid(t, p, path)
	if second := pid(t, p, other); pid(t, p, other) == second && time.Since(began) < enough {
		t.Error("a process left at once")
	}
	await(t, func() bool {
		stayed := pid(t, p, other)
		return pid(t, p, other) == stayed
	})
	awaitEnd(t, first)

	p = newPool("one")
	first = pid(t, p, path)
	if err := os.Rename(install(t, "one"), path); err != nil {
		t.Fatal(err)
	}
	if pid(t, p, path) == first {
		t.Error("the program was replaced, the process was not")
	}
	awaitEnd(t, first)
}

// A process gets no more calls once a file that is watched has changed, or it has
// asked for that.
func TestNoMore(t *testing.T) {
	path := install(t, "one")
	p := newPool("one")
	watched := filepath.Join(t.TempDir(), "watched")
	p.Watch = []string{watched}
	first := pid(t, p, path)
	if pid(t, p, path) != first {
		t.Error("another process, though nothing has changed")
	}
	if err := os.WriteFile(watched, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	second := pid(t, p, path)
	if second == first {
		t.Error("the same process after a change")
	}
	awaitEnd(t, first)
	if said, status := start1(t, p, path, "enough").end(); said != "" || status != 0 {
		t.Errorf("said %q, status %#x", said, status)
	}
	awaitEnd(t, second)
	pid(t, p, path)
}

func TestOnly(t *testing.T) {
	path := install(t, "one")
	if _, ok := Begin(child.Cmd{Path: "/bin/true", Args: []string{"true"}}); ok {
		t.Error("a program that does not understand was begun")
	}
	o, ok := Begin(child.Cmd{Path: path, Args: []string{path}})
	if !ok {
		t.Fatal("not begun")
	}
	call := func() (int, error) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		process, err := o.Start(child.Cmd{Path: path, Args: []string{path, "pid"}, Files: []*os.File{nil, w}})
		w.Close()
		if err == nil {
			said, _ := io.ReadAll(r)
			if string(said) != fmt.Sprint(process.Pid) {
				t.Errorf("said %q to call %d", said, process.Pid)
			}
			process.Wait()
		}
		return process.Pid, err
	}
	var last int
	for range 3 {
		var err error
		if last, err = call(); err != nil {
			t.Error(err)
		}
	}
	syscall.Kill(last&(1<<22-1), syscall.SIGKILL)
	<-o.Over()
	if _, err := call(); err != syscall.ESRCH {
		t.Errorf("a dead process: %v", err)
	}
	if err := os.Rename(install(t, "one"), path); err != nil {
		t.Fatal(err)
	}
	if _, err := call(); err != syscall.ESTALE {
		t.Errorf("another program: %v", err)
	}
}

// When the caller is gone, the call under way is the last.
func TestCallerGone(t *testing.T) {
	p, path := newPool("one"), install(t, "one")
	s := start1(t, p, path, "wait")
	p.mu.Lock()
	for _, program := range p.programs {
		program.processes[0].conn.Close()
	}
	p.mu.Unlock()
	if _, status := s.end(); !status.Signaled() {
		t.Errorf("status %#x", status)
	}
	awaitEnd(t, s.Pid)
}

// What is too large for a packet is classic.
func TestLarge(t *testing.T) {
	p, path := newPool("one"), install(t, "one")
	first := pid(t, p, path)
	s := start1(t, p, path, "pid", strings.Repeat("x", 100<<10), strings.Repeat("x", 100<<10))
	if said, status := s.end(); said != fmt.Sprint(s.Pid) || s.Pid == first || status != 0 {
		t.Errorf("said %s, process %d, status %#x", said, s.Pid, status)
	}
	if pid(t, p, path) != first {
		t.Error("a call too large ended the process")
	}
}

func TestIdentity(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to become somebody else")
	}
	p, path := newPool("one"), install(t, "one")
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(filepath.Dir(path))} { // for others, too
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pids := map[int]bool{}
	for _, uid := range []uint32{65534, 65533, 65534, 65533} {
		s := startAs(t, p, path, uid)
		var st syscall.Stat_t
		if err := syscall.Stat(fmt.Sprintf("/proc/%d", s.Pid&(1<<22-1)), &st); err != nil || st.Uid != uid {
			t.Errorf("uid %d: %v, %v", uid, st.Uid, err)
		}
		pids[s.Pid&(1<<22-1)] = true
		s.end()
	}
	if len(pids) != 2 {
		t.Errorf("%d processes", len(pids))
	}
}

func startAs(t *testing.T, p *Pool, path string, uid uint32) started {
	t.Helper()
	in, toIn, _ := os.Pipe()
	fromOut, out, _ := os.Pipe()
	defer in.Close()
	defer out.Close()
	proc, err := p.Start(child.Cmd{
		Path: path, Args: []string{path, "wait"}, Files: []*os.File{in, out, os.Stderr},
		Sys: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, Groups: []uint32{uid}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return started{t, proc, toIn, fromOut}
}

func await(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never")
		}
	}
}

// awaitEnd waits until a process has ended and its parent knows.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	await(t, func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
}

func FuzzRequest(f *testing.F) {
	f.Add(request{num: 1, args: []string{"a", ""}, env: call.Env{"A=b"}, fds: []int{0, 6}}.append(nil))
	f.Add([]byte{0, 0, 0, 0, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRequest(b)
		if err != nil {
			return
		}
		again, err := parseRequest(r.append(nil))
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("%+v, %v, from %+v", again, err, r)
		}
	})
}
