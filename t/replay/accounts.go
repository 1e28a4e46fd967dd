//go:build linux

package replay

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"goqmail/t/lab"
)

// accounts are those of the recorded system, odd ones included.
var accounts = lab.Users{
	Accounts: append(lab.System(), []lab.Account{
		{Name: "john", Uid: 5001, Gid: 5001, Home: "/home/john", Gecos: "John Q. Public,,,"},
		{Name: "susie", Uid: 5002, Gid: 5002, Home: "/home/susie", Gecos: `Susie "Q" Doe`},
		{Name: "olaf", Uid: 5003, Gid: 5003, Home: "/home/olaf"},
		{Name: "Upper", Uid: 5004, Gid: 5000, Home: "/home/Upper"},
		{Name: "gwhome", Uid: 5005, Gid: 5000, Home: "/home/gwhome"},
		{Name: "wwhome", Uid: 5006, Gid: 5000, Home: "/home/wwhome"},
		{Name: "nohome", Uid: 5007, Gid: 5000, Home: "/home/nohome"},
		{Name: "rootown", Uid: 5008, Gid: 5000, Home: "/home/rootown"},
		{Name: "sticky", Uid: 5009, Gid: 5000, Home: "/home/sticky"},
		{Name: "mary-ann", Uid: 5010, Gid: 5000, Home: "/home/mary-ann"},
		{Name: "mary", Uid: 5011, Gid: 5000, Home: "/home/mary"},
		{Name: "toor", Uid: 0, Gid: 0, Home: "/home/toor"},
		{Name: "abcdefghijklmnopqrstuvwxyzabcde", Uid: 5012, Gid: 5000, Home: "/home/u31"},
		{Name: "abcdefghijklmnopqrstuvwxyzabcdef", Uid: 5013, Gid: 5000, Home: "/home/u32"},
		{Name: "filehome", Uid: 5014, Gid: 5000, Home: "/home/filehome"},
		{Name: "colon.dot", Uid: 5015, Gid: 5000, Home: "/home/colon"},
	}...),
	Groups: append(lab.SystemGroups(),
		lab.Group{Name: "users", Gid: 5000, Members: "susie"}, lab.Group{Name: "john", Gid: 5001},
		lab.Group{Name: "susie", Gid: 5002}, lab.Group{Name: "olaf", Gid: 5003},
		lab.Group{Name: "misc", Gid: 5010, Members: "john"}),
}

// recordedHome is what a home consisted of when the cases were recorded,
// whatever has joined it since: a message's number depends on how many files
// there are.
var recordedHome = sync.OnceValue(func() []lab.Entry {
	recorded := regexp.MustCompile(`^(\.|control|users|bin|boot|alias|queue` +
		`(/(pid|intd|todo|bounce|(mess|info|local|remote)(/\d+)?|lock(/(tcpto|sendmutex|trigger))?))?)$`)
	var out []lab.Entry
	for _, e := range lab.Queue() {
		if recorded.MatchString(e.Path) {
			out = append(out, e)
		}
	}
	return out
})

// homeMode is the mode of an account's home directory, and whether it is there.
func homeMode(a lab.Account) (os.FileMode, bool) {
	if !strings.HasPrefix(a.Home, "/home/") {
		return 0, false
	}
	switch a.Name {
	case "nohome", "filehome":
		return 0, false
	case "susie":
		return 0o700, true
	case "gwhome":
		return 0o775, true
	case "wwhome":
		return 0o777, true
	case "sticky":
		return 0o1755, true
	}
	return 0o755, true
}

// homeOwner is who owns an account's home directory.
func homeOwner(a lab.Account) int {
	if a.Name == "rootown" {
		return 0
	}
	return a.Uid
}

func uidOf(o owner) (int, error) { return number(string(o), accounts.Uid) }
func gidOf(o owner) (int, error) { return number(string(o), accounts.Gid) }

func number(s string, lookup func(string) int) (int, error) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, nil
	}
	if n := lookup(s); n >= 0 {
		return n, nil
	}
	return 0, fmt.Errorf("no account %q", s)
}
