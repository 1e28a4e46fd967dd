//go:build linux

package lab

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// LayPair lays, in the host it is called in, the programs around the mail store where
// scripts/hier.pair has them, as far as they are below /usr/cyrus. They come from
// /var/qmail/bin, where LayHome has shown all that is built. /var/imap and /var/spool/imap are there, for
// user cyrus, and empty, and /etc has an imapd.conf and a cyrus.conf of the host's own.
// It comes after LayEtc.
func LayPair(u Users) error {
	if err := errors.Join(place("/usr", "cyrus/"), place("/var", "imap/"), place("/var/spool", "imap/")); err != nil {
		return err
	}
	confs := []string{"imapd.conf", "cyrus.conf"}
	if err := place("/etc", confs...); err != nil {
		return err
	}
	for _, name := range confs {
		if err := errors.Join(os.WriteFile("/mnt/"+name, nil, 0o644), Bind("/mnt/"+name, "/etc/"+name)); err != nil {
			return err
		}
	}
	f, err := Tree().Open("scripts/hier.pair")
	if err != nil {
		return err
	}
	defer f.Close()
	// The pid file is in /run, which is the machine's.
	if err := errors.Join(Tmpfs("/usr/cyrus", "755"), Tmpfs("/run", "755")); err != nil {
		return err
	}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		word := strings.Fields(lines.Text())
		if len(word) < 5 || len(word[0]) != 1 || !strings.HasPrefix(word[1], "CYRUS") || word[1] == "CYRUSMAN" {
			continue
		}
		path := strings.Replace(word[1], "CYRUSBIN", "CYRUS/bin", 1)
		path = strings.Replace(path, "CYRUS", "/usr/cyrus", 1)
		mode, _ := strconv.ParseUint(word[4], 8, 32)
		e := Entry{Type: word[0][0], Path: path, Owner: word[2], Group: word[3], Mode: os.FileMode(mode)}
		switch e.Type {
		case 'd':
			err = e.Lay("/", u)
		case 'c':
			err = e.layProgram("/var/qmail/"+word[5], u)
		}
		if err != nil {
			return err
		}
	}
	for _, dir := range []string{"/var/imap", "/var/spool/imap"} {
		if err := errors.Join(Tmpfs(dir, "750"), Own(dir, u.Uid("cyrus"), u.Gid("mail"), 0o750)); err != nil {
			return err
		}
	}
	return nil
}

// layProgram puts a program where the entry says. A setuid one is copied, because as
// part of a home it is not setuid.
func (e Entry) layProgram(from string, u Users) error {
	var data []byte
	var err error
	if e.Mode&0o4000 != 0 {
		if data, err = os.ReadFile(from); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(e.Path), 0o755); err != nil {
		return err
	}
	// A child that another test forks now would hold it open, busy.
	syscall.ForkLock.RLock()
	err = os.WriteFile(e.Path, data, 0o755)
	syscall.ForkLock.RUnlock()
	switch {
	case err != nil:
		return err
	case data == nil:
		return Bind(from, e.Path)
	}
	return Own(e.Path, u.Uid(e.Owner), u.Gid(e.Group), e.Mode)
}
