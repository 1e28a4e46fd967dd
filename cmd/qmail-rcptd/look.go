package main

import (
	"bytes"
	"os"

	"goqmail/lib/call"
	"goqmail/lib/child"
	"goqmail/lib/exit"
	"goqmail/lib/owner"
	"goqmail/lib/rcptd"
	"goqmail/lib/spawn"
)

// mailboxes is all local addresses.
type mailboxes struct {
	owners *owner.Finder
	start  spawn.Start // of qmail-local
	env    call.Env
}

// look finds out whether a local address exists: it does not if a delivery
// would bounce for want of a .qmail file.
func (m *mailboxes) look(local string) rcptd.Answer {
	if local == "" {
		return rcptd.Exists // the trash address
	}
	user, code := m.owners.Find(local)
	if code != exit.OK {
		return meaning(code)
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return rcptd.Unsure
	}
	ended, err := m.start.Run(child.Cmd{
		Path: "bin/qmail-local",
		Args: []string{"bin/qmail-local", "-n", "--", user.Name, user.Home, local, user.Dash, user.Ext, "", "", "#"},
		Env:  m.env,
		Sys:  owner.Alone(user.Uid, user.Gid),
	}, nothing, spawn.AtMost(len(sticky)))
	// A home that is sticky while its user edits puts a real delivery off.
	if err != nil || ended.Crashed || bytes.Equal(ended.Output, []byte(sticky)) {
		return rcptd.Unsure
	}
	return meaning(ended.Code)
}

// sticky is what qmail-local -n says first of such a home.
const sticky = "Warning: home directory is sticky."

// meaning is what an exit code of qmail-getpw or qmail-local says of an
// address. Mail is refused only for the one code that says no for good.
func meaning(code int) rcptd.Answer {
	switch code {
	case exit.OK:
		return rcptd.Exists
	case exit.Perm:
		return rcptd.Missing
	}
	return rcptd.Unsure
}
