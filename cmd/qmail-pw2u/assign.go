package main

import (
	"errors"
	"strings"
	"syscall"

	"goqmail/lib/ascii"
	"goqmail/lib/auto"
	"goqmail/lib/control"
	"goqmail/lib/exit"
)

// homeCheck is what to do about users' home directories.
type homeCheck int

const (
	skipMissing homeCheck = iota // skip a user whose home is missing or not his own
	stopMissing                  // stop if a home is missing, skip if it is not his own
	anyHome                      // do not look
)

// lists are files in the directory users.
type lists struct {
	include, exclude control.Set // nil for a missing file
	mailnames        control.Map
}

func readLists() (l lists, err error) {
	include, ok, err := control.LinesOf("users/include")
	if err != nil {
		return l, err
	}
	if ok {
		l.include = control.NewSet(include)
	}
	exclude, _, err := control.LinesOf("users/exclude")
	if err != nil {
		return l, err
	}
	l.exclude = control.NewSet(exclude)
	mailnames, _, err := control.LinesOf("users/mailnames")
	l.mailnames = control.NewMap(mailnames)
	return l, err
}

// assigner turns accounts into assignments.
type assigner struct {
	options
	lists
	out   *output
	alias bool              // the account alias was among them
	users map[string]string // ":name:uid:gid:home:" by name in lower case
}

// account takes a line of the passwd file.
func (a *assigner) account(line string) error {
	field := strings.SplitN(line, ":", 7)
	if len(field) < 7 || strings.Contains(line, "\x00") {
		return nil
	}
	name, uid, gid, home := field[0], field[2], field[3], field[5]
	wanted, err := a.wants(name, number(uid), home)
	if err != nil || !wanted {
		return err
	}
	user := ":" + name + ":" + uid + ":" + gid + ":" + home + ":"
	a.users[ascii.Lower(name)] = user
	if name == auto.UserAlias {
		a.alias = true
		if err := a.out.put("+" + user + a.dash + "::\n"); err != nil {
			return err
		}
	}
	names, ok := a.mailnames.Get(name)
	if !ok {
		names = name
	}
	for mailname := range strings.SplitSeq(names, ":") {
		if mailname == "" {
			continue
		}
		if err := a.assign(mailname, user+"::\n", user+a.dash+"::\n"); err != nil {
			return err
		}
	}
	return nil
}

// wants tells whether an account is a user.
func (a *assigner) wants(name string, uid uint64, home string) (bool, error) {
	switch {
	case uid == 0:
		return false, nil
	case !a.capitals && strings.ContainsAny(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
		return false, nil
	case a.include != nil && !a.include.Has(name):
		return false, nil
	case a.exclude.Has(name):
		return false, nil
	case a.home == anyHome:
		return true, nil
	}
	var st syscall.Stat_t
	err := syscall.Stat(home, &st)
	if err != nil && (a.home == stopMissing || !errors.Is(err, syscall.ENOENT)) {
		return false, exit.Defer("unable to stat "+home, nil)
	}
	return err == nil && uint64(st.Uid) == uid, nil
}

// number is the number at the start of s, 0 without one. It wraps.
func number(s string) (n uint64) {
	for i := 0; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		n = n*10 + uint64(s[i]-'0')
	}
	return n
}

// subuser takes a line "sub:user:pre:" of subusers. A user who is none is an
// error: else the mail of a user with a typing mistake would go to alias.
func (a *assigner) subuser(line string) error {
	field := strings.SplitN(line, ":", 4)
	if len(field) < 3 {
		return nil
	}
	user, ok := a.users[ascii.Lower(field[1])]
	if !ok {
		return exit.Defer("unable to find "+field[1]+" user for subuser", nil)
	}
	if len(field) < 4 {
		return nil
	}
	sub, pre := field[0], field[2]
	return a.assign(sub, user+a.dash+":"+pre+":\n", user+a.dash+":"+pre+"-:\n")
}

// assign prints the assignments of an address and of those that extend it.
func (a *assigner) assign(address, itself, extended string) error {
	if err := a.out.put("=" + address + itself); err != nil || a.between == "" {
		return err
	}
	return a.out.put("+" + address + a.between + extended)
}
