package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/warm"
)

// sessions is qmail-smtpd for many connections in one process: qmail-smtpds,
// which lies beside it. Where there is none, or qmail-smtpd is not the one that
// it stands for, each connection gets a process of its own.
type sessions struct {
	*children
	pool warm.Pool
}

func newProgram(o options, stderr *os.File) program {
	each := newChildren(o.program, stderr)
	if filepath.Base(o.program[0]) != "qmail-smtpd" {
		return each
	}
	return &sessions{each, warm.Pool{
		Classic: func(cmd child.Cmd) (int, error) { return cmd.Start() },
		Many:    true, Size: 1, Calls: 10_000, Idle: time.Minute,
	}}
}

func (s *sessions) start(conn *os.File, env call.Env) (pid int, wait func() syscall.WaitStatus, err error) {
	var process warm.Process
	cmd := child.Cmd{Args: s.args, Env: env, Files: []*os.File{conn, conn, s.stderr}}
	err = cmd.Find(func(cmd child.Cmd) error {
		if !warm.Marked(cmd.Path) {
			return errEach
		}
		cmd.Path += "s"
		var ok bool
		if process, ok = s.pool.Call(cmd); !ok {
			return errEach
		}
		return nil
	})
	if err != nil {
		return s.children.start(conn, env)
	}
	return process.Pid, func() syscall.WaitStatus {
		status, _ := process.Wait()
		return status
	}, nil
}

var errEach = errors.New("a process for each connection")
