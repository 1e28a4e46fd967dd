//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// What goes in: messages for qmail-queue.

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

// fill writes data into a pipe, which it makes as large as that, and closes it.
func fill(pipe int, data []byte) {
	if len(data) > 64<<10 {
		unix.FcntlInt(uintptr(pipe), unix.F_SETPIPE_SZ, len(data))
	}
	syscall.Write(pipe, data)
	syscall.Close(pipe)
}

// queue runs qmail-queue once.
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
	fill(p[1], msg)
	fill(q[1], env)
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
