package account

import (
	"os"
	"syscall"
)

// Credential is what a program is started with to run as user uid, in the
// groups gids and no other; the first is the primary one.
//
// Only root can do that. Anybody else can only stay who he is, and then keeps
// his groups: that is a system in which one user plays all parts, for a trial.
func Credential(uid int, gids ...int) *syscall.Credential {
	groups := make([]uint32, len(gids))
	for i, gid := range gids {
		groups[i] = uint32(gid)
	}
	euid := os.Geteuid()
	return &syscall.Credential{Uid: uint32(uid), Gid: groups[0], Groups: groups, NoSetGroups: euid != 0 && euid == uid}
}
