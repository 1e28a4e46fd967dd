package main

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"syscall"

	"goqmail/lib/account"
	"goqmail/lib/child"
)

// caller is who runs deliver.
type caller struct {
	name    string
	trusted bool // he may deliver for others
}

// claim returns for whom the caller delivers who says that it is for user. Only the
// store's owner and root are believed, and who does not use our rights but his own;
// another gets what anyone gets.
func (c caller) claim(user string) string {
	if c.trusted || user == c.name {
		return user
	}
	return ""
}

// settle finds out who calls and gives the process the identity that it keeps: that of
// the store's owner, or the caller's own one where he names files or speaks himself.
// After it the caller can send it no signals, nor has his umask a say. An lmtpd that root
// starts becomes the store's owner by itself.
func settle(own bool) (caller, error) {
	syscall.Umask(0o077)
	uid, euid := os.Getuid(), os.Geteuid()
	c := caller{trusted: uid == 0 || uid == euid || own}
	var err error
	switch {
	case own && uid != euid:
		err = syscall.Setreuid(uid, uid)
	case uid != euid:
		err = syscall.Setreuid(euid, euid)
	}
	if err != nil {
		return c, errors.New("unable to set uid: " + err.Error())
	}
	c.name = login(uid)
	return c, nil
}

// login returns the name of a user, who may be known to the system's library alone. One
// without a name has his number.
func login(uid int) string {
	if name, err := account.Name(uid); err == nil {
		return name
	}
	number := strconv.Itoa(uid)
	if name := getent(number); name != "" {
		return name
	}
	return number
}

func getent(number string) string {
	r, w, err := child.Pipe()
	if err != nil {
		return ""
	}
	defer r.Close()
	cmd := child.Cmd{Path: "/usr/bin/getent", Args: []string{"getent", "passwd", number}, Dir: "/", Files: []*os.File{nil, w, nil}}
	pid, err := cmd.Start()
	w.Close()
	if err != nil {
		return ""
	}
	var line [1000]byte
	n, _ := r.Read(line[:])
	if status, err := child.Wait(pid); err != nil || !status.Exited() || status.ExitStatus() != 0 {
		return ""
	}
	name, _, _ := bytes.Cut(line[:n], []byte(":"))
	return string(name)
}
