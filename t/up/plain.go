//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// plain makes the system without namespaces, in a home of its own below this
// tree. The programs are built for that home, and for accounts that exist here:
// as root some that every system has, otherwise the caller's for everything.
func plain() (*system, error) {
	base := filepath.Join(lab.Root(), "t/.up")
	s := &system{home: base + "/qmail", homes: base + "/home", do: func(f func()) { f() }}
	s.logs = []string{base + "/send.log", base + "/smtpd.log"}
	as, err := cast()
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(base); err != nil {
		return nil, err
	}
	s.tidy = append(s.tidy, func() { os.RemoveAll(base) })
	if err := os.MkdirAll(s.homes, 0o755); err != nil {
		return s, err
	}
	if os.Getuid() == 0 {
		if err := reachable(base); err != nil {
			return s, err
		}
	} else {
		s.notes = append(s.notes,
			"            Not root: every program runs as "+as.user+", so nothing here is kept apart",
			"            from anything else: a bug in one program reaches the whole queue and all mail.")
	}
	if err := as.build(s.home); err != nil {
		return s, err
	}
	if err := s.layPlain(as); err != nil {
		return s, err
	}
	port, err := freePort()
	if err != nil {
		return s, err
	}
	s.smtp = "127.0.0.1:" + port
	path := "PATH=" + s.home + "/bin:/usr/bin:/bin"
	if err := s.startPlain(s.logs[0], "env", "-", path, "qmail-start", "./Maildir/"); err != nil {
		return s, err
	}
	listen := []string{"qmail-listen", "-v", "-R", "-H", "-l", "localhost"}
	if os.Getuid() == 0 {
		listen = append(listen, "-u", as.uid, "-g", as.gid)
	}
	if err := s.startPlain(s.logs[1], append(listen, "127.0.0.1", port, s.home+"/bin/qmail-smtpd")...); err != nil {
		return s, err
	}
	s.notes = append(s.notes,
		"IMAP        left out: the mail store has its places in /etc, /usr and /var, and a user of its own",
		"left out    scanning and sorting: they come with the mail store")
	return s, listening(s.smtp, "220 ")
}

// casting says who plays the parts of qmail's accounts and groups, in the
// order of the Makefile, and who the mail users are.
type casting struct {
	accounts, groups []string
	user, uid, gid   string // of mail users and network daemons
}

// cast finds accounts for all parts.
func cast() (casting, error) {
	if os.Getuid() != 0 {
		me, err := user.Current()
		if err != nil {
			return casting{}, fmt.Errorf("the system needs an account for its programs: %w", err)
		}
		group, err := user.LookupGroupId(me.Gid)
		if err != nil {
			return casting{}, fmt.Errorf("the system needs a group for its programs: %w", err)
		}
		one := me.Username
		return casting{[]string{one, one, one, one, one, one, one, one}, []string{group.Name, group.Name}, one, me.Uid, me.Gid}, nil
	}
	// Accounts that every system has and that own nothing of importance.
	parts := existing("nobody", "daemon", "bin", "sys", "games", "man", "lp", "mail", "news", "uucp")
	nobody, err := user.Lookup("nobody")
	if err != nil || len(parts) == 0 {
		return casting{}, errors.New("there is not even a user nobody to run the programs as")
	}
	group, err := user.LookupGroupId(nobody.Gid)
	if err != nil {
		return casting{}, err
	}
	c := casting{groups: []string{group.Name, group.Name}, user: "nobody", uid: nobody.Uid, gid: nobody.Gid}
	for i := range 8 {
		c.accounts = append(c.accounts, parts[(i+1)%len(parts)])
	}
	c.accounts[3] = "root" // owns the programs
	return c, nil
}

func existing(names ...string) (found []string) {
	for _, name := range names {
		if _, err := user.Lookup(name); err == nil {
			found = append(found, name)
		}
	}
	return found
}

// reachable tells whether other users can get at dir.
func reachable(dir string) error {
	for up := dir; up != "/"; up = filepath.Dir(up) {
		if fi, err := os.Stat(up); err == nil && fi.Mode()&1 == 0 {
			return fmt.Errorf("the programs run as several users, who cannot reach %s: others may not enter %s", dir, up)
		}
	}
	return nil
}

// build builds and installs the programs for the home.
func (c casting) build(home string) error {
	var programs []string // without those of the mail store
	for _, e := range lab.Hier() {
		if dir := "cmd/" + filepath.Base(e.Path); e.Type == 'c' {
			if _, err := fs.Stat(lab.Tree(), dir+"/main.go"); err == nil {
				programs = append(programs, "./"+dir)
			}
		}
	}
	cmd := exec.Command("make", "-s", "install", "QMAIL="+home, "BIN="+filepath.Dir(home)+"/bin", "CMDS="+strings.Join(programs, " "),
		"ACCOUNTS="+strings.Join(c.accounts, " "), "ACCOUNTGROUPS="+strings.Join(c.groups, " "))
	cmd.Dir = lab.Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make install: %w\n%s", err, out)
	}
	return nil
}

// layPlain makes the control files, users and home directories. The users are
// in users/assign, because the machine does not know them.
func (s *system) layPlain(as casting) error {
	if err := site.LayExamples(s.home); err != nil {
		return err
	}
	var assign strings.Builder
	add := func(name string) (home string, err error) {
		home = filepath.Join(s.homes, name)
		fmt.Fprintf(&assign, "=%s:%s:%s:%s:%s:::\n", name, as.user, as.uid, as.gid, home)
		fmt.Fprintf(&assign, "+%s-:%s:%s:%s:%s:-::\n", name, as.user, as.uid, as.gid, home)
		return home, os.Mkdir(home, 0o755)
	}
	for _, d := range site.Domains() {
		home, err := add(d.Owner)
		if err := errors.Join(err, d.Lay(home)); err != nil {
			return err
		}
		for _, p := range d.People {
			home, err := add(p.Name)
			if err := errors.Join(err, site.LayMaildir(home)); err != nil {
				return err
			}
		}
	}
	// Everybody else's mail is the alias user's business.
	fmt.Fprintf(&assign, "+:%s:%s:%s:%s/alias:-::\n.\n", as.user, as.uid, as.gid, s.home)
	if err := os.WriteFile(s.home+"/users/assign", []byte(assign.String()), 0o644); err != nil {
		return err
	}
	if out, err := exec.Command(s.home + "/bin/qmail-newu").CombinedOutput(); err != nil {
		return fmt.Errorf("qmail-newu: %w %s", err, out)
	}
	if os.Getuid() != 0 {
		return nil
	}
	out, err := exec.Command("chown", "-R", as.uid+":"+as.gid, s.homes, s.home+"/alias").CombinedOutput()
	if err != nil {
		return fmt.Errorf("chown: %w %s", err, out)
	}
	return nil
}

// startPlain starts a program in the background, in a process group that stop
// ends.
func (s *system) startPlain(log string, args ...string) error {
	out, err := os.Create(log)
	if err != nil {
		return err
	}
	defer out.Close()
	path := args[0]
	if path != "env" {
		path = filepath.Join(s.home, "bin", path)
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	cmd.Stdin = null
	if err := cmd.Start(); err != nil {
		return err
	}
	s.tidy = append(s.tidy, func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait() // killed: there is nothing to learn from its status
	})
	return nil
}

// freePort is a port of the loopback that nothing listens on: 2525 if possible.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:2525")
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}
