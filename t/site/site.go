//go:build linux

// Package site is the mail site of the examples: the control files of
// control.example, the aliases of alias.example, and the two virtual domains
// with their users. It lays the site; others start and use it.
package site

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"goqmail/t/lab"
)

// Me is the name of the site's host.
const Me = "adsl32.net.xs4all.nl"

// Admin is the user who gets what belongs to nobody else.
const Admin = "john"

// Domain is a virtual domain, the user who controls it, and its people.
type Domain struct {
	Name, Owner string
	People      []Person
}

// Person is a user of one of the domains.
type Person struct{ Name, Gecos string }

// Domains are the virtual domains.
func Domains() []Domain {
	return []Domain{
		{"linuxfromsource.org", "source", []Person{{"john", "John the Ripper"}, {"susie", "Susie Summer"}, {"dirk", "Dirk Beekmans"}}},
		{"linuxfrombinary.org", "binary", []Person{{"olaf", "Olaf Olsen"}, {"jennifer", "Jennifer Loopneus"}, {"pamela", "Pamela Andersom"}}},
	}
}

// Users are the accounts of the site's host: the machine's, qmail's, the store's, the
// domains' and their people's, who share a group as mail users do.
func Users() lab.Users {
	const mailuser = 3000
	u := lab.Users{
		Accounts: append(lab.System(), lab.Account{Name: "cyrus", Uid: 90, Gid: 8, Home: "/usr/cyrus"}),
		Groups:   append(lab.SystemGroups(), lab.Group{Name: "mail", Gid: 8}, lab.Group{Name: "mailuser", Gid: mailuser}),
	}
	uid := mailuser
	add := func(name, gecos string) {
		uid++
		u.Accounts = append(u.Accounts, lab.Account{Name: name, Uid: uid, Gid: mailuser, Home: "/home/" + name, Gecos: gecos})
	}
	for _, d := range Domains() {
		add(d.Owner, d.Name)
		for _, p := range d.People {
			add(p.Name, p.Gecos)
		}
	}
	return u
}

// Lay lays the site in the host it is called in, which has its /etc already:
// the home, its control files and aliases, and the home directories.
func Lay(programs *lab.Programs, users lab.Users) error {
	err := errors.Join(lab.LayHome(programs, users, lab.Queue()), lab.Tmpfs("/home", "755"), lab.Tmpfs("/var/log", "755"), lab.Up())
	if err != nil {
		return err
	}
	if err := LayExamples("/var/qmail"); err != nil {
		return err
	}
	for _, d := range Domains() {
		home := "/home/" + d.Owner
		if err := errors.Join(os.Mkdir(home, 0o755), d.Lay(home), give(home, users, d.Owner)); err != nil {
			return err
		}
		for _, p := range d.People {
			home := "/home/" + p.Name
			if err := errors.Join(os.Mkdir(home, 0o755), LayMaildir(home), give(home, users, p.Name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// LayExamples copies control.example and alias.example to a home.
func LayExamples(home string) error {
	for _, dir := range []string{"control", "alias"} {
		example, err := fs.Sub(lab.Tree(), dir+".example")
		if err != nil {
			return err
		}
		if err := os.CopyFS(home+"/"+dir, example); err != nil {
			return err
		}
	}
	return nil
}

// Lay fills the home directory of the user who controls the domain: a .qmail
// file for each address, which forwards to the user of that name, and a
// default that forwards to the administrator.
func (d Domain) Lay(dir string) error {
	to := map[string]string{"default": Admin, "postmaster": Admin, "webmaster": Admin, "root": Admin}
	for _, p := range d.People {
		to[p.Name] = p.Name
	}
	for box, user := range to {
		if err := os.WriteFile(filepath.Join(dir, ".qmail-"+box), []byte("&"+user+"\n"), 0o640); err != nil {
			return err
		}
	}
	return LayMaildir(dir)
}

// LayMaildir makes an empty Maildir in a home directory.
func LayMaildir(dir string) error {
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(dir, "Maildir", sub), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// give makes a user the owner of a directory and all in it.
func give(dir string, users lab.Users, name string) error {
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, users.Uid(name), users.PrimaryGid(name))
	})
}
