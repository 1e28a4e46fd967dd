// Package service is how a program of cyrus.conf(5) gets its connections: from
// sockets that master(8) hands over, as systemd does, from addresses of its own, or
// as the one connection that it was started with.
package service

import (
	"context"
	"errors"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"goqmail/lib/imapconf"
	"goqmail/lib/syslog"
)

// firstSocket is the descriptor of the first socket that is handed over.
const firstSocket = 3

// Sockets returns the listening sockets that were handed over in LISTEN_FDS, if
// LISTEN_PID says that they are for this process. Programs that it starts do not
// get them.
func Sockets() (sockets []net.Listener, err error) {
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	os.Unsetenv("LISTEN_PID")
	os.Unsetenv("LISTEN_FDS")
	if pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 1000 {
		return nil, errors.New("LISTEN_FDS is " + count)
	}
	for fd := firstSocket; fd < firstSocket+n; fd++ {
		l, err := fromFile(fd)
		if err != nil {
			return nil, err
		}
		sockets = append(sockets, l)
	}
	return sockets, nil
}

func fromFile(fd int) (net.Listener, error) {
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	l, err := net.FileListener(f)
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // its path is master's
	}
	return l, err
}

// Listen listens at an address: a path, or HOST:PORT.
func Listen(address string) (net.Listener, error) {
	if address == "" || address[0] != '/' {
		return net.Listen("tcp", address)
	}
	// What is there of a process that is gone makes way; of one that is not, it stays. Of
	// two that start at a time, one looks at what the other has made.
	if dir, err := os.Open(filepath.Dir(address)); err == nil {
		defer dir.Close()
		syscall.Flock(int(dir.Fd()), syscall.LOCK_EX)
	}
	if c, err := net.Dial("unix", address); err == nil {
		c.Close()
		return nil, &net.OpError{Op: "listen", Net: "unix", Err: syscall.EADDRINUSE}
	}
	os.Remove(address)
	l, err := net.Listen("unix", address)
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(address, 0o777)
}

// Inherited returns the connection that descriptor 0 is, if it is one.
func Inherited() (net.Conn, error) { return net.FileConn(os.Stdin) }

// Program is what serves connections.
type Program struct {
	Serve  func(net.Conn)  // speaks with a client until the end
	Ending func()          // makes the conversations come to an end soon
	Reload func()          // reads the configuration again
	Log    func(err error) // for what goes wrong with a socket

	room chan bool // has as many as there are connections; nil: for any number
}

// room is for as many connections at a time as maxchild of cyrus.conf allows.
func room() chan bool {
	n, err := strconv.Atoi(os.Getenv("MAXCHILD"))
	if err != nil || n <= 0 {
		return nil
	}
	return make(chan bool, n)
}

// serve serves a connection when there is room for it.
func (p *Program) serve(ctx context.Context, c net.Conn) {
	if p.room != nil {
		select {
		case p.room <- true:
			defer func() { <-p.room }()
		case <-ctx.Done():
			c.Close()
			return
		}
	}
	p.Serve(c)
}

// run serves the connections of sockets, each in a goroutine, until a TERM, after which
// it lets them end. HUP has the program reload.
func (p *Program) run(hup <-chan os.Signal, sockets []net.Listener) {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(term)
	ctx, end := context.WithCancel(context.Background())
	var accepting, conns sync.WaitGroup
	p.room = room()
	for _, l := range sockets {
		accepting.Go(func() { p.accept(ctx, l, &conns) })
	}
	for running := true; running; {
		select {
		case <-hup:
			p.Reload()
		case <-term:
			running = false
		}
	}
	end()
	for _, l := range sockets {
		l.Close()
	}
	accepting.Wait()
	p.Ending()
	conns.Wait()
}

// accept takes connections until its context ends.
func (p *Program) accept(ctx context.Context, l net.Listener, conns *sync.WaitGroup) {
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			conns.Go(func() { p.serve(ctx, c) })
		case ctx.Err() != nil:
			return
		default: // too many open files, as a rule; it may get better
			p.Log(err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// Name returns the name under which master(8) knows the service, or else what it is
// usually called: settings can be for it alone, and it logs by it.
func Name(usual string) string {
	if name := os.Getenv("CYRUS_SERVICE"); name != "" {
		return name
	}
	return usual
}

// Review tells the log of settings that mean nothing here, or nothing with their values.
func Review(conf imapconf.Conf, log func(level syslog.Level, format string, args ...any)) {
	for _, what := range conf.Mistakes() {
		log(syslog.Error, "imapd.conf: %s", what)
	}
	for _, name := range conf.Unknown() {
		log(syslog.Notice, "imapd.conf: %s means nothing here", name)
	}
}

// Log returns where a service logs: as local6, unless the configuration says otherwise.
func Log(conf imapconf.Conf, name string) *syslog.Log {
	if prefix := conf.String("syslog_prefix", ""); prefix != "" {
		name = prefix + "/" + name
	}
	l := &syslog.Log{Tag: name, Facility: syslog.Local6}
	if f, ok := syslog.ParseFacility(conf.String("syslog_facility", "")); ok {
		l.Facility = f
	}
	return l
}
