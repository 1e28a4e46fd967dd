//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// private makes the system in a host of the lab.
func private() (*system, error) {
	s := &system{home: "/var/qmail", homes: "/home", logs: []string{"/var/log/qmail", "/var/log/smtpd", "/var/log/master"}}
	s.logs = append(s.logs, statusPage)
	s.tidy = append(s.tidy, lab.RemoveShared)
	users := site.Users()
	programs, err := lab.Build(users)
	if err != nil {
		return s, err
	}
	host, err := lab.Start()
	if err != nil {
		return s, err
	}
	s.tidy = append(s.tidy, host.Close)
	s.do = host.Do
	var left []string
	host.Do(func() { left, err = s.layPrivate(programs, users) })
	if err != nil {
		return s, err
	}
	if s.smtp, err = s.forward("127.0.0.1:25", "2525"); err != nil {
		return s, err
	}
	host.Do(func() { err = layStore(users, s.filters.procmail) })
	if err != nil {
		return s, err
	}
	s.imap, err = s.forward("127.0.0.1:143", "2143")
	s.notes = []string{
		fmt.Sprintf("            port 25 inside; %s of the machine leads there", s.smtp),
		fmt.Sprintf("            port 143 inside; %s of the machine leads there", s.imap),
		fmt.Sprintf("inside      nsenter -t %d -m -p -n -u -i sh    (qmail-qstat and the others are in /var/qmail/bin)", host.Pid()),
	}
	s.notes = append(s.notes, left...)
	return s, err
}

// statusPage is the page that qmail-stats keeps.
const statusPage = "/var/log/stats/status.html"

// layPrivate lays and starts the system in the host it is called in, and finds the filters.
// left says which are left out.
func (s *system) layPrivate(programs *lab.Programs, users lab.Users) (left []string, err error) {
	err = errors.Join(lab.LayPeers(), lab.LayPeersEtc())
	if err != nil {
		left = append(left, fmt.Sprintf("left out    scanning and sorting: %v", err))
	}
	if err := errors.Join(users.LayEtc(), site.Lay(programs, users), lab.Tmpfs("/tmp", "1777")); err != nil {
		return nil, err
	}
	if err == nil {
		s.filters, left = findFilters()
	}
	err = errors.Join(
		os.Mkdir(filepath.Dir(statusPage), 0o755),
		lab.Own(filepath.Dir(statusPage), users.Uid("qmaill"), users.PrimaryGid("qmaill"), 0o755),
		start("/var/log/qmail", "env", "-", "PATH=/var/qmail/bin:/usr/bin:/bin", "qmail-start", "./Maildir/", "qmail-stats", "-c", "-w", statusPage, "-i", "1"),
	)
	if err == nil && s.filters.clamd {
		err = layScanner()
	}
	if err == nil {
		err = start("/var/log/smtpd", "/var/qmail/boot/smtpd")
	}
	if err == nil {
		err = listening("127.0.0.1:25", "220 ")
	}
	return left, err
}

// start starts a program in the background that logs to a file.
func start(log string, args ...string) error {
	out, err := os.Create(log)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "PATH=/var/qmail/bin:"+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait() // it ends with the host
	return nil
}

// forward leads a port of the machine's loopback to one inside, and returns
// its address: the port that is wanted, or another if that is taken.
func (s *system) forward(to, port string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", err
	}
	s.tidy = append(s.tidy, func() { l.Close() })
	go func() {
		for {
			outside, err := l.Accept()
			if err != nil {
				return
			}
			var inside net.Conn
			s.do(func() { inside, err = net.Dial("tcp", to) })
			if err != nil {
				outside.Close()
				continue
			}
			go func() { io.Copy(inside, outside); inside.(*net.TCPConn).CloseWrite() }()
			go func() { io.Copy(outside, inside); outside.Close(); inside.Close() }()
		}
	}()
	return l.Addr().String(), nil
}
