package main

import (
	"errors"
	"strconv"

	"goqmail/lib/account"
	"goqmail/lib/auto"
)

// accounts checks qmail's users and groups.
func (c *checker) accounts() {
	for _, group := range []string{auto.GroupQmail, auto.GroupNofiles} {
		if _, err := account.Gid(group); err != nil {
			c.missing("group "+group, err, "groupadd -r "+group)
		}
	}
	seen := map[int]string{}
	for _, u := range []struct{ name, group string }{
		{auto.UserAlias, auto.GroupNofiles}, {auto.UserD, auto.GroupNofiles}, {auto.UserL, auto.GroupNofiles}, {auto.UserP, auto.GroupNofiles},
		{auto.UserQ, auto.GroupQmail}, {auto.UserR, auto.GroupQmail}, {auto.UserS, auto.GroupQmail},
	} {
		uid, gid, err := account.User(u.name)
		if err != nil {
			home := auto.Home
			if u.name == auto.UserAlias {
				home += "/alias"
			}
			c.missing("user "+u.name, err, "useradd -g "+u.group+" -d "+home+" -s /bin/false "+u.name)
			continue
		}
		if want, err := account.Gid(u.group); err == nil && gid != want {
			c.wrong("user "+u.name, "is in group "+strconv.Itoa(gid)+", not in "+u.group, "usermod -g "+u.group+" "+u.name)
		}
		switch other, again := seen[uid]; {
		case uid == 0:
			c.wrong("user "+u.name, "has the number of root", "")
		case again:
			c.wrong("user "+u.name, "has the same number as "+other+", so that neither is kept from what is the other's", "")
		}
		seen[uid] = u.name
	}
}

func (c *checker) missing(what string, err error, remedy string) {
	if errors.Is(err, account.ErrUnknown) {
		c.wrong(what, "does not exist", remedy)
		return
	}
	c.hidden(what, err)
}
