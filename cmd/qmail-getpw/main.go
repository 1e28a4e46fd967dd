// Qmail-getpw tells which user controls a local address.
//
//	qmail-getpw local
//
// It prints the user's name, uid, gid and home directory, and the dash and
// extension that deliveries to local go by, each followed by NUL. It exits 100
// without an argument, and with one of the codes in lib/exit in other trouble;
// then it prints nothing.
//
// The address belongs to the user it names, or to the user named in front of
// one of its breaks, the last such break counting; and else to alias.
package main

import (
	"goqmail/lib/warm"
	"strconv"
	"syscall"

	"goqmail/lib/ascii"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/errno"
	"goqmail/lib/exit"
)

func main() { warm.Many(run) }

func run(c *call.Call) int {
	if len(c.Args) < 2 {
		return exit.Perm
	}
	local := c.Args[1]
	owner, dash, ext, code := control(local, &accounts{call: c, wanted: append(names(local), auto.UserAlias)})
	if code != exit.OK {
		return code
	}
	// Our caller notices when it does not get all of this.
	c.Out().WriteString(owner.name + "\x00" +
		strconv.FormatUint(uint64(owner.uid), 10) + "\x00" +
		strconv.FormatUint(uint64(owner.gid), 10) + "\x00" +
		owner.home + "\x00" + dash + "\x00" + ext + "\x00")
	return exit.OK
}

// nameMax is the length of the longest user name.
const nameMax = 31

// names are the user names that may control an address, the longest first.
func names(local string) (names []string) {
	for at := len(local); at >= 0; at-- {
		if at <= nameMax && (at == len(local) || local[at:at+1] == auto.Break) {
			names = append(names, ascii.Lower(local[:at]))
		}
	}
	return names
}

// control finds the account that controls an address, by the names that
// accounts wants, of which the last is alias.
func control(local string, a *accounts) (owner account, dash, ext string, code int) {
	for _, name := range a.wanted[:len(a.wanted)-1] {
		owner, found, err := a.get(name)
		if err != nil {
			a.call.Err().WriteString("qmail-getpw: " + err.Error() + "\n")
			return owner, "", "", exit.LocalSystem
		}
		if !found {
			continue
		}
		isUser, err := owner.isUser()
		if err != nil {
			return owner, "", "", exit.LocalNFS
		}
		if !isUser {
			continue
		}
		if len(name) == len(local) {
			return owner, "", "", exit.OK
		}
		return owner, "-", local[len(name)+1:], exit.OK
	}
	owner, found, _ := a.get(auto.UserAlias) // an error would have come up before
	if !found {
		return owner, "", "", exit.LocalNoAlias
	}
	return owner, "-", local, exit.OK
}

// isUser tells whether an account is a user's: it is not root's, and its home
// directory exists, visibly to us, and is its own. The error is one that may
// pass.
func (a account) isUser() (bool, error) {
	if a.uid == 0 {
		return false, nil
	}
	var home syscall.Stat_t
	if err := syscall.Stat(a.home, &home); err != nil {
		if errno.Temp(err) {
			return false, err
		}
		return false, nil
	}
	return home.Uid == a.uid, nil
}
