package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"goqmail/lib/cyrusconf"
)

// listen binds the sockets of a service.
func (m *master) listen(s cyrusconf.Service) ([]*os.File, error) {
	if strings.HasPrefix(s.Proto, "udp") {
		return nil, fmt.Errorf("proto %s is for none of the programs", s.Proto)
	}
	if strings.HasPrefix(s.Listen, "/") {
		f, err := m.listenPath(s.Listen)
		if err != nil {
			return nil, err
		}
		return []*os.File{f}, nil
	}
	host, port := hostPort(s.Listen)
	number, err := portOf(port)
	if err != nil {
		return nil, err
	}
	hosts := []string{host}
	if host != "" && net.ParseIP(host) == nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if hosts, err = net.DefaultResolver.LookupHost(ctx, host); err != nil {
			return nil, err
		}
	}
	var files []*os.File
	var errs []error
	for _, h := range hosts {
		f, err := listenTCP(s.Proto, net.JoinHostPort(h, fmt.Sprint(number)))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, f)
	}
	// A name may stand for addresses that this host lacks, such as ::1.
	if len(files) == 0 {
		return nil, errors.Join(errs...)
	}
	return files, nil
}

// hostPort splits PORT, HOST:PORT and [ADDRESS]:PORT. The host "*" is all, as none is.
func hostPort(listen string) (host, port string) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", listen
	}
	if host == "*" {
		host = ""
	}
	return host, port
}

// portOf finds a port by number or name; names that these services have had for ever
// are known without /etc/services, which small systems lack.
func portOf(name string) (int, error) {
	n, err := net.LookupPort("tcp", name)
	if err != nil {
		switch name {
		case "imap":
			return 143, nil
		case "imaps":
			return 993, nil
		case "pop3":
			return 110, nil
		case "pop3s":
			return 995, nil
		case "lmtp":
			return 2003, nil
		}
	}
	return n, err
}

func listenTCP(network, address string) (*os.File, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.(*net.TCPListener).File()
}

// listenPath binds a path, where everybody may connect: who may do what there is for the
// program to say, and who gets there for the directory. A directory that is not there
// is made, for user cyrus.
func (m *master) listenPath(path string) (*os.File, error) {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); err != nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		if os.Geteuid() == 0 {
			if err := os.Chown(dir, m.uid, m.gid); err != nil {
				return nil, err
			}
		}
	}
	// What is there belongs to nobody who lives: of us there is one.
	if fi, err := os.Lstat(path); err == nil {
		if fi.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("%s is there and is no socket", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	defer l.Close()
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, err
	}
	return l.File()
}
