package main

import (
	"errors"
	"os"

	"goqmail/lib/account"
	"goqmail/lib/auto"
)

// ids are the numbers of the accounts and groups that the programs run as.
type ids struct {
	log, clean, remote, send int   // users
	queueGroup, logGroup     int   // groups
	remoteGroups             []int // of qmail-rspawn: the queue's and its user's own
}

// lookup finds them all. The error names the one that is missing.
func lookup() (ids, error) {
	var i ids
	for _, user := range []struct {
		id   *int
		name string
	}{{&i.log, auto.UserL}, {&i.clean, auto.UserQ}, {&i.remote, auto.UserR}, {&i.send, auto.UserS}} {
		var err error
		if *user.id, err = account.Uid(user.name); err != nil {
			return i, errors.New("unable to find user " + user.name)
		}
	}
	for _, group := range []struct {
		id   *int
		name string
	}{{&i.logGroup, auto.GroupNofiles}, {&i.queueGroup, auto.GroupQmail}} {
		var err error
		if *group.id, err = account.Gid(group.name); err != nil {
			return i, errors.New("unable to find group " + group.name)
		}
	}
	var err error
	i.remoteGroups, err = account.Groups(auto.UserR, i.queueGroup)
	if err != nil {
		return i, errors.New("unable to find groups of user " + auto.UserR)
	}
	return i, nil
}

// alone tells whether the user who runs this, not being root, plays all parts.
func (i ids) alone() bool {
	me := os.Getuid()
	return me != 0 && i.clean == me && i.remote == me && i.send == me
}
