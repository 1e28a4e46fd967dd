package main

import (
	"errors"
	"os"
	"syscall"

	"goqmail/lib/account"
	"goqmail/lib/auto"
)

// identity is whom the process acts for. Installed setuid, it is an account that
// may read the key while the server that starts it may not.
type identity struct{ own, caller int }

// takeIdentity keeps an identity of its own only for qmaild and root: the key
// speaks for this host, and others could have it speak for them. They get no
// more than they have.
func takeIdentity() (identity, error) {
	id := identity{own: os.Geteuid(), caller: os.Getuid()}
	if id.own == id.caller || id.caller == 0 {
		return id, nil
	}
	if daemons, err := account.Uids(auto.UserD); err == nil && daemons[0] == id.caller {
		return id, nil
	}
	if err := syscall.Setreuid(id.caller, id.caller); err != nil {
		return id, errors.New("unable to set the identity")
	}
	return identity{own: id.caller, caller: id.caller}, nil
}

// leave gives up the caller's rights, which with qmail-popup are root's: from
// then on there are only bytes to pass on.
func (id identity) leave() error {
	if id.own == id.caller {
		return nil
	}
	if id.caller == 0 {
		_, group, err := account.User(auto.UserP)
		if err != nil {
			return errors.New("unable to set the identity")
		}
		if syscall.Setreuid(id.own, 0) != nil || syscall.Setgroups(nil) != nil || syscall.Setgid(group) != nil {
			return errors.New("unable to set the identity")
		}
	}
	return syscall.Setreuid(id.own, id.own)
}

// read reads a file that one of both may read.
func (id identity) read(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if !errors.Is(err, os.ErrPermission) || id.own == id.caller {
		return data, err
	}
	if err := syscall.Setreuid(id.own, id.caller); err != nil {
		return nil, err
	}
	data, err = os.ReadFile(path)
	if err := syscall.Setreuid(id.caller, id.own); err != nil {
		return nil, err // and the process must not go on as somebody else
	}
	return data, err
}
