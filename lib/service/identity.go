package service

import (
	"fmt"
	"os"
	"syscall"

	"goqmail/lib/account"
	"goqmail/lib/auto"
)

// Identity gives up root, if that is who started the program: what is made in the store
// must be its owner's.
func Identity() error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid, err := account.User(auto.UserCyrus)
	if err != nil {
		return fmt.Errorf("unable to find user %s: %w", auto.UserCyrus, err)
	}
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return err
	}
	if err := syscall.Setgid(gid); err != nil {
		return err
	}
	return syscall.Setuid(uid)
}
