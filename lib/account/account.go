// Package account finds the uids and gids of qmail's own accounts, which are
// known by name when the programs are built and by number when they run.
//
// It reads /etc/passwd and /etc/group only. Users whose mail is delivered may
// live elsewhere: qmail-getpw asks the system for them.
package account

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"goqmail/lib/descriptor"
)

// ErrUnknown is the error for an account that does not exist.
var ErrUnknown = errors.New("no such account")

// Uid returns the number of user name.
func Uid(name string) (int, error) {
	ids, err := lookup("/etc/passwd", name)
	return ids[0], err
}

// Uids returns the numbers of several users from one look at the file. It
// stops at the first that is not there: the error is about names[len(ids)].
func Uids(names ...string) (ids []int, err error) {
	data, err := descriptor.ReadAll("/etc/passwd")
	for _, name := range names {
		if err != nil {
			break
		}
		var id [2]int
		if id, err = find(data, name); err == nil {
			ids = append(ids, id[0])
		}
	}
	return ids, err
}

// Gid returns the number of group name.
func Gid(name string) (int, error) {
	ids, err := lookup("/etc/group", name)
	return ids[0], err
}

// User returns the number of user name and of its primary group.
func User(name string) (uid, gid int, err error) {
	ids, err := lookup("/etc/passwd", name)
	return ids[0], ids[1], err
}

// lookup finds an account in a file; see find.
func lookup(file, name string) (ids [2]int, err error) {
	data, err := descriptor.ReadAll(file)
	if err != nil {
		return [2]int{-1, -1}, err
	}
	return find(data, name)
}

// find returns the third and fourth fields of the line "name:password:id:..."
// as numbers, -1 for what is not one. A line without a number in its third
// field is no account.
func find(data []byte, name string) (ids [2]int, err error) {
	for len(data) > 0 && !strings.Contains(name, ":") {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte{'\n'})
		if len(line) <= len(name) || line[len(name)] != ':' || string(line[:len(name)]) != name {
			continue
		}
		field := strings.SplitN(string(line), ":", 5)
		if len(field) < 4 {
			continue
		}
		if ids = [2]int{number(field[2]), number(field[3])}; ids[0] >= 0 {
			return ids, nil
		}
	}
	return [2]int{-1, -1}, ErrUnknown
}

func number(s string) int {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return -1
	}
	return int(n)
}
