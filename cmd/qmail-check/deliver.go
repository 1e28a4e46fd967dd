package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"

	"goqmail/lib/auto"
	"goqmail/lib/dotqmail"
	"goqmail/lib/users"
)

// delivered tells whether there is somebody for a local address. If not, it says what there
// is not, and names the file that would make the difference. It goes the way of
// qmail-lspawn and qmail-local. Where it cannot see, there is somebody.
func (c *checker) delivered(local string) (what, file string, ok bool) {
	user, err := owner(local)
	if err != nil || user.Dash == "" && user.Ext == "" {
		return "", "", true // a user's own address, or what other checks tell of
	}
	files := dotqmail.Search(user.Dash, user.Ext)
	for _, f := range files {
		if _, err := os.Stat(user.Home + "/" + f.Name); !errors.Is(err, fs.ErrNotExist) {
			return "", "", true
		}
	}
	file = user.Home + "/" + files[0].Name
	return "user " + user.Name + " has no " + file + " or the like", file, false
}

// owner is the user who controls a local address: what users/cdb says, or else
// qmail-getpw.
func owner(local string) (users.User, error) {
	db, err := os.Open(auto.Home + "/users/cdb")
	if err == nil {
		defer db.Close()
		if user, found, err := users.Find(db, local); found || err != nil {
			return user, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return users.User{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	record, err := exec.CommandContext(ctx, auto.Home+"/bin/qmail-getpw", local).Output()
	if err != nil {
		return users.User{}, err
	}
	return users.Parse(record)
}

// alias checks the addresses that each mail system must have (RFC 5321, section 4.5.1),
// and that of its administrator.
func (c *checker) alias() {
	dir := auto.Home + "/alias"
	if user, err := owner("postmaster"); err == nil && user.Name == auto.UserAlias && user.Dash == "-" && !same(user.Home, dir) {
		c.wrong("user "+auto.UserAlias, "has the home directory "+user.Home+", where its .qmail files are looked for", "usermod -d "+dir+" "+auto.UserAlias)
	}
	for _, address := range []string{"postmaster", "mailer-daemon", "root"} {
		if what, file, ok := c.delivered(address); !ok {
			c.wrong("alias/.qmail-"+address, "mail to "+address+" bounces: "+what, "echo '&YOU' >"+quoted(file))
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		c.hidden("alias", err)
		return
	}
	for _, entry := range entries {
		c.dotQmail(dir, entry.Name())
	}
}

// same tells whether two names are of the same directory.
func same(a, b string) bool {
	stA, errA := os.Stat(a)
	stB, errB := os.Stat(b)
	return a == b || errA == nil && errB == nil && os.SameFile(stA, stB)
}

// dotQmail checks a file with instructions.
func (c *checker) dotQmail(dir, name string) {
	if !strings.HasPrefix(name, ".qmail") {
		return
	}
	where, path := "alias/"+name, dir+"/"+name
	st, err := os.Stat(path)
	if err != nil {
		c.wrong(where, "cannot be looked at: "+text(err), "")
		return
	}
	if st.Mode().Perm()&auto.Patrn != 0 {
		c.wrong(where, "everybody may write it, so that mail is deferred", "chmod o-w "+quoted(path))
	}
	if ext, ok := strings.CutPrefix(name, ".qmail-"); ok && dotqmail.Name("-", ext) != name {
		lower := dotqmail.Name("-", ext)
		c.doubt(where, "no address leads to a name with capitals or a dot in the extension", "mv "+quoted(path)+" "+quoted(dir+"/"+lower))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		c.hidden(where, err)
		return
	}
	if _, err := dotqmail.Parse(string(data)); err != nil {
		c.wrong(where, err.Error(), "")
	}
	if bytes.IndexByte(data, '\r') >= 0 {
		c.wrong(where, "lines end in CR LF, which becomes part of addresses", `sed -i 's/\r$//' `+quoted(path))
	}
}
