package main

import (
	"os"

	"goqmail/lib/child"
	"goqmail/lib/exit"
	"goqmail/lib/owner"
	"goqmail/lib/spawn"
)

// deliver is a spawn.Deliver.
func (l *lspawn) deliver(r spawn.Request, mess *os.File) string {
	defer mess.Close()
	local, host := r.Address()
	if local == "" {
		return "K" // the trash address
	}
	user, code := l.owners.Find(local)
	if code != exit.OK {
		return report(spawn.Ended{Code: code})
	}
	ended, err := l.start.Run(child.Cmd{
		Path: l.program,
		Args: []string{l.program, "--", user.Name, user.Home, local, user.Dash, user.Ext, host, r.Sender, l.defaultdelivery},
		Env:  l.env,
		Sys:  owner.Alone(user.Uid, user.Gid),
	}, mess, keep)
	switch {
	case spawn.Refused(err) != "":
		return spawn.Refused(err)
	case owner.Strange(err):
		return report(spawn.Ended{Code: exit.LocalBug})
	case err != nil:
		// A qmail-local that is missing, or just being installed, is no reason to
		// bounce mail: exit.LocalExecHard is for it to use.
		return report(spawn.Ended{Code: exit.LocalExecSoft})
	}
	return report(ended)
}
