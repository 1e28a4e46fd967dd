package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"goqmail/lib/account"
	"goqmail/lib/auto"
)

// hier is where the list of what is installed is.
func hier() string { return auto.Home + "/doc/hier" }

// files checks types, owners and modes of what is installed.
func (c *checker) files() {
	f, err := os.Open(hier())
	if err != nil {
		c.unseen("files", "what is installed is listed in "+hier()+": "+text(err), "make check")
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// type, path, owner, group, mode
		field := strings.Fields(lines.Text())
		if len(field) < 5 || len(field[0]) != 1 {
			continue
		}
		mode, err := strconv.ParseUint(field[4], 8, 32)
		if err != nil {
			continue
		}
		e := entry{kind: field[0][0], path: field[1], owner: accountName(field[2]), group: accountName(field[3]), mode: uint32(mode)}
		if !c.entry(e) {
			continue
		}
		for i := uint64(0); e.kind == 's' && i < auto.Split(); i++ {
			part := e
			part.path += "/" + strconv.FormatUint(i, 10)
			if !c.entry(part) {
				break
			}
		}
	}
}

// entry is a line of that list.
type entry struct {
	kind         byte // d and s directory, p FIFO, z and c file; others are looked after by nobody
	path         string
	owner, group string
	mode         uint32
}

// accountName is an account that the list knows by its usual name.
func accountName(usual string) string {
	switch usual {
	case "alias":
		return auto.UserAlias
	case "root":
		return auto.UserO
	case "qmaild":
		return auto.UserD
	case "qmaill":
		return auto.UserL
	case "qmailp":
		return auto.UserP
	case "qmailq":
		return auto.UserQ
	case "qmailr":
		return auto.UserR
	case "qmails":
		return auto.UserS
	case "qmail":
		return auto.GroupQmail
	case "nofiles":
		return auto.GroupNofiles
	}
	return usual
}

// entry checks a file. It returns false if there is no use in looking below it.
func (c *checker) entry(e entry) bool {
	var format uint32
	switch e.kind {
	case 'd', 's':
		format = syscall.S_IFDIR
	case 'p':
		format = syscall.S_IFIFO
	case 'z', 'c':
		format = syscall.S_IFREG
	default:
		return false
	}
	path := strings.TrimSuffix(auto.Home+"/"+e.path, "/.")
	var st syscall.Stat_t
	switch err := syscall.Stat(path, &st); {
	case errors.Is(err, fs.ErrNotExist):
		c.wrong(e.path, "does not exist", "make setup")
		return false
	case errors.Is(err, fs.ErrPermission):
		if !strings.HasPrefix(e.path, "queue/") { // of which the check of the queue tells
			c.hidden(e.path, err)
		}
		return false
	case err != nil:
		c.hidden(e.path, err)
		return false
	}
	if uint32(st.Mode)&syscall.S_IFMT != format {
		c.wrong(e.path, "is no "+map[uint32]string{syscall.S_IFDIR: "directory", syscall.S_IFIFO: "FIFO", syscall.S_IFREG: "file"}[format], "")
		return false
	}
	uid, errU := account.Uid(e.owner)
	gid, errG := account.Gid(e.group)
	if e.group == "root" { // no group of that name is needed
		gid, errG = 0, nil
	}
	if errU == nil && errG == nil && (int(st.Uid) != uid || int(st.Gid) != gid) {
		// Changing the owner takes setuid away.
		c.wrong(e.path, fmt.Sprintf("belongs to %d:%d, not to %s:%s", st.Uid, st.Gid, e.owner, e.group),
			fmt.Sprintf("chown %s:%s %s && chmod %o %s", e.owner, e.group, path, e.mode, path))
	} else if got := uint32(st.Mode) & 0o7777; got != e.mode {
		c.wrong(e.path, fmt.Sprintf("has mode %o, not %o", got, e.mode), fmt.Sprintf("chmod %o %s", e.mode, path))
	}
	return true
}
