package main

import (
	"errors"
	"os"
	"syscall"

	"goqmail/lib/account"
	"goqmail/lib/child"
	"goqmail/lib/exit"
	"goqmail/lib/spawn"
	"goqmail/lib/users"
)

// identity is a uid and gid to run a program under.
type identity struct{ uid, gid uint32 }

// alone is how a program comes to have the identity and nothing beyond it: the
// gid is its only group. The process that is to run the program takes it on
// before anything else, so all that the program reads and executes it reads
// and executes with these rights.
func (i identity) alone() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: account.Credential(int(i.uid), int(i.gid))}
}

// deliver is a spawn.Deliver.
func (l *lspawn) deliver(r spawn.Request, mess *os.File) string {
	defer mess.Close()
	local, host := r.Address()
	if local == "" {
		return "K" // the trash address
	}
	user, code := l.find(local)
	if code == exit.OK && user.Uid == 0 {
		code = exit.LocalRoot
	}
	if code != exit.OK {
		return report(spawn.Ended{Code: code})
	}
	ended, err := spawn.Run(child.Cmd{
		Path: l.program,
		Args: []string{l.program, "--", user.Name, user.Home, local, user.Dash, user.Ext, host, r.Sender, l.defaultdelivery},
		Env:  l.env,
		Sys:  identity{user.Uid, user.Gid}.alone(),
	}, mess, keep)
	switch {
	case spawn.Refused(err) != "":
		return spawn.Refused(err)
	case strange(err):
		return report(spawn.Ended{Code: exit.LocalBug})
	case err != nil:
		// A qmail-local that is missing, or just being installed, is no reason to
		// bounce mail: exit.LocalExecHard is for it to use.
		return report(spawn.Ended{Code: exit.LocalExecSoft})
	}
	return report(ended)
}

// strange tells whether a program could not be started because its identity
// could not be taken on: we are not root, or there can be no such uid.
func strange(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL)
}

// find finds the user who controls an address: users/cdb has the first word,
// and where it is missing or silent, qmail-getpw has the last. code is exit.OK
// or that of the report on what went wrong.
func (l *lspawn) find(local string) (user users.User, code int) {
	db, err := os.OpenFile("users/cdb", os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, syscall.ENOENT):
		return l.getpw(local)
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
		return l.getpw(local)
	}
	return user, exit.OK
}

// getpw asks qmail-getpw, which an administrator may have replaced by a
// program with rules of its own.
func (l *lspawn) getpw(local string) (user users.User, code int) {
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return user, exit.LocalSystem
	}
	ended, err := spawn.Run(child.Cmd{
		Path:  "bin/qmail-getpw",
		Args:  []string{"bin/qmail-getpw", local},
		Env:   l.env,
		Files: []*os.File{2: l.complaints},
		Sys:   l.getpwAs.alone(),
	}, nothing, spawn.AtMost(1<<16))
	switch {
	case spawn.Refused(err) != "":
		return user, exit.LocalSystem
	case strange(err):
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
