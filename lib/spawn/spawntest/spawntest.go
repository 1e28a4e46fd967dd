// Package spawntest lets tests be qmail-send to a spawn that runs as a process
// of its own: the test binary, started again.
package spawntest

import (
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"testing"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/spawn"
)

// Main is for TestMain: where Start has started the test binary it runs the
// program, and otherwise the tests.
func Main(m *testing.M, program func()) {
	if home := os.Getenv("SPAWNTEST_HOME"); home != "" {
		auto.Home = home
		auto.UserQ, auto.UserP = os.Getenv("SPAWNTEST_USER"), os.Getenv("SPAWNTEST_USER")
		auto.GroupNofiles = os.Getenv("SPAWNTEST_GROUP")
		program()
	}
	os.Exit(m.Run())
}

// Mess is the message in the queue of a Home.
const Mess = "7/2345"

// Home is a home directory with what a spawn needs: one message in the queue,
// and the accounts of whoever runs the test in place of qmail's.
type Home struct {
	t   *testing.T
	Dir string
	Env []string // the environment of what Start starts
}

// NewHome makes a home that everybody may look into.
func NewHome(t *testing.T) *Home {
	t.Helper()
	dir, err := os.MkdirTemp("", "spawntest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	me, err := user.Current()
	if err != nil {
		t.Skipf("cannot tell who runs the test: %v", err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Skipf("cannot tell who runs the test: %v", err)
	}
	h := &Home{t: t, Dir: dir, Env: []string{
		"PATH=" + dir + "/bin:/usr/bin:/bin",
		"SPAWNTEST_HOME=" + dir, "SPAWNTEST_USER=" + me.Username, "SPAWNTEST_GROUP=" + group.Name,
	}}
	for _, sub := range []string{"", "/bin", "/users", "/queue/lock", "/queue/mess/7"} {
		if err := os.MkdirAll(dir+sub, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	h.Write("queue/mess/"+Mess, "Subject: x\n\nmessage\n", 0o644)
	h.Write("queue/lock/tcpto", "", 0o644)
	return h
}

// Write writes a file below the home.
func (h *Home) Write(path, text string, mode os.FileMode) {
	h.t.Helper()
	path = h.Dir + "/" + path
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		h.t.Fatal(err)
	}
}

// Has tells whether a file is there.
func (h *Home) Has(path string) bool {
	_, err := os.Stat(h.Dir + "/" + path)
	return err == nil
}

// Script makes a program of the home.
func (h *Home) Script(name, script string) { h.Write("bin/"+name, "#!/bin/sh\n"+script+"\n", 0o755) }

// Send is qmail-send's side of a spawn.
type Send struct {
	t       *testing.T
	cmd     *exec.Cmd
	to      io.WriteCloser
	from    io.Reader
	parser  spawn.Reports
	reports []Report // not yet taken
}

// Report is a report, and the number it is for.
type Report struct {
	Num  int
	Text string
}

// Start starts the program of Main and waits for its greeting.
func (h *Home) Start(args ...string) *Send {
	h.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	s := &Send{t: h.t, cmd: exec.Command(exe, args...)}
	s.cmd.Env = h.Env
	s.cmd.Stderr = os.Stderr
	if s.to, err = s.cmd.StdinPipe(); err != nil {
		h.t.Fatal(err)
	}
	if s.from, err = s.cmd.StdoutPipe(); err != nil {
		h.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	greeting := make([]byte, 1)
	if _, err := io.ReadFull(s.from, greeting); err != nil || int(greeting[0]) != auto.Spawn() {
		h.t.Fatalf("greeting %q, %v", greeting, err)
	}
	return s
}

// Request asks for a delivery of the message.
func (s *Send) Request(num int, recipient string) {
	s.t.Helper()
	r := spawn.Request{Num: num, Mess: Mess, Sender: "joe@a.example", Recipient: recipient}
	if _, err := s.to.Write(spawn.AppendRequest(nil, r)); err != nil {
		s.t.Fatal(err)
	}
}

// Next waits for a report. ok is false when there will be none any more.
func (s *Send) Next() (r Report, ok bool) {
	buf := make([]byte, 4096)
	for len(s.reports) == 0 {
		n, err := s.from.Read(buf)
		s.parser.Parse(buf[:n], func(num int, text []byte) {
			s.reports = append(s.reports, Report{num, string(text)})
		})
		if err != nil && len(s.reports) == 0 {
			return r, false
		}
	}
	r, s.reports = s.reports[0], s.reports[1:]
	return r, true
}

// Deliver asks for a delivery and waits for its report, the only one to come.
func (s *Send) Deliver(num int, recipient string) string {
	s.t.Helper()
	s.Request(num, recipient)
	r, ok := s.Next()
	if !ok || r.Num != num {
		s.t.Fatalf("report %+v, %v for delivery %d", r, ok, num)
	}
	return r.Text
}

// Kill ends the spawn as a crash would.
func (s *Send) Kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
}

// End closes the pipe to the spawn and waits until it exits, which it must
// with 0.
func (s *Send) End() {
	s.t.Helper()
	s.to.Close()
	for {
		r, ok := s.Next()
		if !ok {
			break
		}
		s.t.Errorf("unexpected %+v", r)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Error(err)
	}
}

// Crash kills a spawn in the middle of deliveries, again and again, and lets
// another one take over. All that was reported done must be done: the program
// that delivers writes done/NUM before it says so.
func (h *Home) Crash(args ...string) {
	h.t.Helper()
	if err := os.Mkdir(h.Dir+"/done", 0o777); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Chmod(h.Dir+"/done", 0o777); err != nil {
		h.t.Fatal(err)
	}
	const messages = 60
	var acknowledged [messages]bool
	left := messages
	for round := 0; left > 0; round++ {
		if round > 50*messages {
			h.t.Fatalf("%d left after %d rounds", left, round)
		}
		s := h.Start(args...)
		for num := range acknowledged {
			if !acknowledged[num] {
				s.Request(num, strconv.Itoa(num)+"@b.example")
			}
		}
		// At some other moment each time.
		timer := time.AfterFunc(time.Duration(round%17)*3*time.Millisecond, func() { s.cmd.Process.Kill() })
		for {
			r, ok := s.Next()
			if !ok {
				break
			}
			if r.Text[0] != 'K' {
				h.t.Errorf("%+v", r)
			}
			if !h.Has("done/" + strconv.Itoa(r.Num)) {
				h.t.Errorf("%d was reported done and is not", r.Num)
			}
			if !acknowledged[r.Num] {
				acknowledged[r.Num] = true
				left--
			}
			if left == 0 {
				break
			}
		}
		timer.Stop()
		s.cmd.Process.Kill()
		s.cmd.Wait()
	}
}
