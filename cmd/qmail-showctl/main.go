// Qmail-showctl explains how this system is configured: the facts built in,
// and then each control file in words.
//
//	qmail-showctl
//
// It exits 0, or 111 if it cannot find out. See qmail-showctl(8) and, for the
// files, qmail-control(5).
package main

import (
	"bufio"
	"strconv"
	"strings"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/call"
	"goqmail/lib/exit"
	"goqmail/lib/sig"
)

func main() {
	sig.Default(sig.Swallowed[:]...)
	call.Main(run)
}

func run(c *call.Call) int {
	uids, gids, err := accounts()
	if err != nil {
		c.Err().WriteString("fatal: unable to find " + err.Error() + "\n")
		return exit.Temp
	}
	out := bufio.NewWriter(c.Out())
	defer out.Flush()
	out.WriteString("qmail home directory: " + auto.Home + ".\n" +
		"user-ext delimiter: " + auto.Break + ".\n" +
		"paternalism (in decimal): " + strconv.Itoa(auto.Patrn) + ".\n" +
		"silent concurrency limit: " + strconv.Itoa(auto.Spawn()) + ".\n" +
		"subdirectory split: " + strconv.FormatUint(auto.Split(), 10) + ".\n" +
		"user ids: " + join(uids) + ".\n" +
		"group ids: " + join(gids) + ".\n")
	if problem := explain(out); problem != "" {
		out.WriteString("Oops! " + problem)
		return exit.Temp
	}
	return exit.OK
}

// unknown is an error about an account, "user NAME" or "group NAME".
type unknown string

func (u unknown) Error() string { return string(u) }

// accounts looks up qmail's own users and groups.
func accounts() (uids, gids []int, err error) {
	users := []string{auto.UserAlias, auto.UserD, auto.UserL, auto.UserO, auto.UserP, auto.UserQ, auto.UserR, auto.UserS}
	uids, err = account.Uids(users...)
	if err != nil {
		return nil, nil, unknown("user " + users[len(uids)])
	}
	for _, group := range []string{auto.GroupNofiles, auto.GroupQmail} {
		gid, err := account.Gid(group)
		if err != nil {
			return nil, nil, unknown("group " + group)
		}
		gids = append(gids, gid)
	}
	return uids, gids, nil
}

func join(ids []int) string {
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = strconv.Itoa(id)
	}
	return strings.Join(s, ", ")
}
