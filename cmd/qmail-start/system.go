package main

import (
	"errors"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"goqmail/lib/account"
	"goqmail/lib/call"
	"goqmail/lib/child"
)

// system is the set of programs that deliver mail, as it is put together.
type system struct {
	env call.Env
	out *os.File // what the logger writes to; nil if closed
	log *os.File // what qmail-send logs to; nil if closed

	// Between qmail-send and the daemons, which read what is "to" them from
	// descriptor 0 and answer on descriptor 1.
	toLocal, toRemote, toClean       pipe
	fromLocal, fromRemote, fromClean pipe
}

// startLogger starts the program that reads the log, as the user and in the
// group of loggers.
func (s *system) startLogger(args []string, ids ids) error {
	var log pipe
	if err := log.open(); err != nil {
		return err
	}
	s.log = log.w
	return s.start(args, log.r, s.out, account.Credential(ids.log, ids.logGroup))
}

// makePipes makes the pipes between qmail-send and the daemons.
func (s *system) makePipes() error {
	for _, p := range []*pipe{&s.toLocal, &s.fromLocal, &s.toRemote, &s.fromRemote, &s.toClean, &s.fromClean} {
		if err := p.open(); err != nil {
			return err
		}
	}
	if s.log == nil {
		// Descriptor 1 is closed and there is no logger. Then the first pipe
		// has always begun at 1, been taken for the log, and been closed as a
		// pipe, in all the programs: none can speak, and qmail-send gives up.
		s.log = s.toLocal.r
		s.toLocal.w, s.fromLocal.w, s.fromRemote.w, s.fromClean.w = nil, nil, nil, nil
	}
	return nil
}

// startDaemons starts the programs that qmail-send talks to. Qmail-lspawn
// stays root, as it delivers to all users.
func (s *system) startDaemons(delivery string, ids ids) error {
	err := s.start([]string{"qmail-lspawn", delivery}, s.toLocal.r, s.fromLocal.w, nil)
	if err == nil {
		err = s.start([]string{"qmail-rspawn"}, s.toRemote.r, s.fromRemote.w, account.Credential(ids.remote, ids.remoteGroups...))
	}
	if err == nil {
		err = s.start([]string{"qmail-clean"}, s.toClean.r, s.fromClean.w, account.Credential(ids.clean, ids.queueGroup))
	}
	return err
}

// start starts a program with descriptors 0 and 1, and 2 to 6 closed. The
// error is that of fork: a program that cannot be executed is none of the
// caller's business, who sees its pipes close.
func (s *system) start(args []string, in, out *os.File, as *syscall.Credential) error {
	cmd := child.Cmd{Args: args, Env: s.env, Files: []*os.File{in, out, 6: nil}, Sys: &syscall.SysProcAttr{Credential: as}}
	_, err := cmd.StartFound()
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM) {
		return err
	}
	return nil
}

// top is the last of the descriptors that qmail-send is started with.
const top = 6

// reserve opens what is closed up to top, until exec, before the runtime opens
// a file of its own there: place would put another in its stead, and the
// runtime looks at its own at any time and gives up when it finds another.
func reserve() error {
	for {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if fd > top {
			return unix.Close(fd)
		}
	}
}

// place puts the log and qmail-send's ends of the pipes on descriptors 0 to top.
func (s *system) place() error {
	for to, from := range []*os.File{
		s.log, s.toLocal.w, s.fromLocal.r, s.toRemote.w, s.fromRemote.r, s.toClean.w, s.fromClean.r,
	} {
		if from == nil {
			syscall.Close(to)
			continue
		}
		if err := unix.Dup2(int(from.Fd()), to); err != nil {
			return err
		}
	}
	runtime.KeepAlive(s)
	return nil
}

// pipe has both ends above the descriptors that are to be replaced.
type pipe struct{ r, w *os.File }

func (p *pipe) open() error {
	r, w, err := child.Pipe()
	if err != nil {
		return err
	}
	if p.r, err = above(top, r); err != nil {
		return err
	}
	p.w, err = above(top, w)
	return err
}

// above moves a file to a descriptor that is greater than limit.
func above(limit int, f *os.File) (*os.File, error) {
	if int(f.Fd()) > limit {
		return f, nil
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, limit+1)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "pipe"), nil
}
