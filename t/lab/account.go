//go:build linux

package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Account is a line of a host's /etc/passwd.
type Account struct {
	Name     string
	Uid, Gid int
	Home     string
	Gecos    string
}

// Group is a line of a host's /etc/group.
type Group struct {
	Name    string
	Gid     int
	Members string
}

// System are the accounts that qmail and the machine need.
func System() []Account {
	return []Account{
		{"root", 0, 0, "/root", ""}, {"daemon", 1, 1, "/usr/sbin", ""}, {"nobody", 65534, 65534, "/nonexistent", ""},
		{"alias", 7790, 2108, "/var/qmail/alias", ""}, {"qmaild", 7791, 2108, "/var/qmail", ""},
		{"qmaill", 7792, 2108, "/var/qmail", ""}, {"qmailp", 7793, 2108, "/var/qmail", ""},
		{"qmailq", 7794, 2107, "/var/qmail", ""}, {"qmailr", 7795, 2107, "/var/qmail", ""},
		{"qmails", 7796, 2107, "/var/qmail", ""},
	}
}

// SystemGroups are the groups of those accounts.
func SystemGroups() []Group {
	return []Group{{"root", 0, ""}, {"daemon", 1, ""}, {"nogroup", 65534, ""}, {"qmail", 2107, ""}, {"nofiles", 2108, ""}}
}

// Users is who a host knows. The zero value knows nobody.
type Users struct {
	Accounts []Account
	Groups   []Group
}

// Uid is the number of an account, -1 when there is none.
func (u Users) Uid(name string) int { return u.Account(name).Uid }

// PrimaryGid is the number of an account's own group, -1 when there is none.
func (u Users) PrimaryGid(name string) int { return u.Account(name).Gid }

// Account is the account of a name, with the numbers -1 when there is none.
func (u Users) Account(name string) Account {
	for _, a := range u.Accounts {
		if a.Name == name {
			return a
		}
	}
	return Account{Uid: -1, Gid: -1}
}

// Gid is the number of a group, -1 when there is none.
func (u Users) Gid(name string) int {
	for _, g := range u.Groups {
		if g.Name == name {
			return g.Gid
		}
	}
	return -1
}

func (u Users) passwd() string {
	var b strings.Builder
	for _, a := range u.Accounts {
		fmt.Fprintf(&b, "%s:x:%d:%d:%s:%s:/bin/sh\n", a.Name, a.Uid, a.Gid, a.Gecos, a.Home)
	}
	return b.String()
}

func (u Users) group() string {
	var b strings.Builder
	for _, g := range u.Groups {
		fmt.Fprintf(&b, "%s:x:%d:%s\n", g.Name, g.Gid, g.Members)
	}
	return b.String()
}

// etc is what a host has in /etc in place of the machine's.
func (u Users) etc() map[string]string {
	return map[string]string{
		"passwd":        u.passwd(),
		"group":         u.group(),
		"hosts":         "127.0.0.1 localhost\n",
		"resolv.conf":   "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n",
		"nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n",
	}
}

// LayEtc gives the host it is called in files of its own in /etc, and places
// to mount a qmail home and home directories on.
func (u Users) LayEtc() error {
	etc := u.etc()
	var names []string
	for name := range etc {
		names = append(names, name)
	}
	if err := place("/etc", names...); err != nil {
		return err
	}
	if err := place("/var", "qmail/"); err != nil {
		return err
	}
	if err := Tmpfs("/mnt", "755"); err != nil {
		return err
	}
	for name, text := range etc {
		if err := os.WriteFile("/mnt/"+name, []byte(text), 0o644); err != nil {
			return err
		}
		target, err := filepath.EvalSymlinks("/etc/" + name)
		if err != nil {
			return err
		}
		if err := Bind("/mnt/"+name, target); err != nil {
			return err
		}
	}
	return nil
}
