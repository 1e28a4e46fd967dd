// Package owner finds out which user controls a local address, and runs
// programs as that user and nothing more. Qmail-lspawn and whoever must agree
// with it on local addresses rely on it; see qmail-lspawn(8). It needs root.
package owner

import (
	"errors"
	"os"
	"syscall"
	"time"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/exit"
	"goqmail/lib/spawn"
	"goqmail/lib/users"
	"goqmail/lib/warm"
)

// Alone is how a program comes to have an identity and nothing beyond it: the
// gid is its only group. The process that is to run the program takes it on
// before anything else, so all that the program reads and executes it reads
// and executes with these rights.
func Alone(uid, gid uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: account.Credential(int(uid), int(gid))}
}

// Strange tells whether a program could not be started because its identity
// could not be taken on: we are not root, or there can be no such uid.
func Strange(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL)
}

// Finder finds the users who control addresses. The working directory must be
// the home directory.
type Finder struct {
	env        call.Env // of qmail-getpw
	complaints *os.File // its descriptor 2
	getpwAs    *syscall.SysProcAttr
	start      spawn.Start // starts it
	recent     recent
}

// NewFinder looks up the accounts that a Finder needs. missing names one that
// is not there. env is qmail-getpw's environment, complaints its descriptor 2.
func NewFinder(env call.Env, complaints *os.File) (f *Finder, missing string) {
	uid, err := account.Uid(auto.UserP)
	if err != nil {
		return nil, "user " + auto.UserP
	}
	gid, err := account.Gid(auto.GroupNofiles)
	if err != nil {
		return nil, "group " + auto.GroupNofiles
	}
	start := spawn.Warm(&warm.Pool{Many: true, Size: 1, Calls: 100_000, Idle: time.Minute})
	return &Finder{env: env, complaints: complaints, getpwAs: Alone(uint32(uid), uint32(gid)), start: start}, ""
}

// Find finds the user who controls an address: users/cdb has the first word,
// and where it is missing or silent, qmail-getpw has the last. code is exit.OK
// or, like qmail-local's, tells what went wrong. No mail is delivered as root.
func (f *Finder) Find(local string) (user users.User, code int) {
	user, code = f.find(local)
	if code == exit.OK && user.Uid == 0 {
		code = exit.LocalRoot
	}
	return user, code
}

func (f *Finder) find(local string) (user users.User, code int) {
	db, err := os.OpenFile("users/cdb", os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, syscall.ENOENT):
		return f.getpwOnce(local)
	case err != nil:
		return user, exit.LocalCDB
	}
	defer db.Close()
	user, found, err := users.Find(db, local)
	switch {
	case errors.Is(err, users.ErrDatabase):
		return user, exit.LocalCDB
	case err != nil:
		return user, exit.LocalBug
	case !found:
		return f.getpwOnce(local)
	}
	return user, exit.OK
}

const getpw = "bin/qmail-getpw"

// getpwOnce is getpw, unless that was asked the same in this second.
func (f *Finder) getpwOnce(local string) (user users.User, code int) {
	if !mayRemember(f.env, getpw) {
		return f.getpw(local)
	}
	asked := now()
	if user, ok := f.recent.findAt(local, asked); ok {
		return user, exit.OK
	}
	user, code = f.getpw(local)
	if code == exit.OK {
		f.recent.add(local, user, asked)
	}
	return user, code
}

// getpw asks qmail-getpw, which an administrator may have replaced by a
// program with rules of its own.
func (f *Finder) getpw(local string) (user users.User, code int) {
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return user, exit.LocalSystem
	}
	ended, err := f.start.Run(child.Cmd{
		Path:  getpw,
		Args:  []string{getpw, local},
		Env:   f.env,
		Files: []*os.File{2: f.complaints},
		Sys:   f.getpwAs,
	}, nothing, spawn.AtMost(1<<16))
	switch {
	case spawn.Refused(err) != "":
		return user, exit.LocalSystem
	case Strange(err):
		return user, exit.LocalBug
	case err != nil:
		return user, exit.LocalExecPw
	case ended.Crashed:
		return user, exit.LocalSystem
	case ended.Code != exit.OK:
		return user, ended.Code
	}
	if user, err = users.Parse(ended.Output); err != nil {
		return user, exit.LocalBug
	}
	return user, exit.OK
}
