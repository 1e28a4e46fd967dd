package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/smtp/alone"
	"goqmail/lib/warm"
)

// sessions is qmail-smtpd for many connections in one process: qmail-smtpds,
// which lies beside it. There are two such processes: one for sessions that need
// no program but qmail-queue, which gives up all other rights, and one for those
// that do. Where there is no qmail-smtpds, or qmail-smtpd is not the one that it
// stands for, each connection gets a process of its own.
type sessions struct {
	*children
	queue         string       // qmail-queue
	knower        alone.Knower // of who may be alone
	alone, helped *warm.Pool
}

func newProgram(o options, stderr *os.File) program {
	each := newChildren(o.program, stderr)
	queue := auto.Home + "/bin/qmail-queue"
	if filepath.Base(o.program[0]) != "qmail-smtpd" {
		return each
	}
	return &sessions{
		children: each,
		queue:    queue,
		alone:    newPool(true, queue, auto.Home+"/control"), // it can look at neither again
		helped:   newPool(false),
	}
}

func newPool(alone bool, watch ...string) *warm.Pool {
	return &warm.Pool{
		Classic: func(cmd child.Cmd) (int, error) { return cmd.Start() },
		Many:    true, Size: 1, Calls: 10_000, Idle: time.Minute, Alone: alone, Watch: watch,
	}
}

func (s *sessions) start(conn *os.File, env call.Env) (pid int, wait func() syscall.WaitStatus, err error) {
	var process warm.Process
	// The connection is one descriptor there, and standard error its own.
	cmd := child.Cmd{Args: s.args, Env: env, Files: []*os.File{conn}}
	apart := s.knower.Session(s.args, env) && warm.Marked(s.queue)
	err = cmd.Find(func(cmd child.Cmd) error {
		if !warm.Marked(cmd.Path) {
			return errEach
		}
		cmd.Path += "s"
		ok := false
		if apart {
			process, ok = s.alone.Call(cmd)
		}
		if !ok {
			process, ok = s.helped.Call(cmd)
		}
		if !ok {
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
